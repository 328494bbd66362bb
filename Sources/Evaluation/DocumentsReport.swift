package import Datasets
import Foundation

/// A server's results on questions about documents.
package struct DocumentsReport: Codable, Sendable, Equatable {
    /// Counts over a subset of the answers.
    package struct Row: Codable, Sendable, Equatable {
        /// The name of a family, a kind of truth, or of what is held out; or `all`.
        package let name: String
        /// Right answers.
        package let right: Proportion
        /// The mean of the verdicts' shares: near texts and descriptions count in part.
        package let meanShare: Double
        /// Wrong characters per character of the true texts, 1 at most for each answer; nil if no text is asked for.
        package let characterErrorRate: Double?
        /// Answers in the asked form.
        package let inForm: Proportion
        /// Answers that end properly.
        package let ended: Proportion
        /// Answers that claim something that the document does not show.
        package let inventing: Proportion
        /// Answers that say that they cannot tell what can be told.
        package let refusing: Proportion
    }

    /// An answer that is not completely right.
    package struct Mistake: Codable, Sendable, Equatable {
        /// The question's family.
        package let family: String
        /// The document's seed.
        package let seed: UInt64
        /// The question.
        package let question: String
        /// The expected answer, as a demonstration would give it.
        package let expected: String
        /// The server's answer.
        package let found: String
        /// The judge's verdict on it.
        package let verdict: Verdict
    }

    /// The policy that answered.
    package let policy: EvaluatedPolicy
    /// The control that was applied to the images.
    package let control: ImageControl
    /// The split of the documents.
    package let split: SeedSplit
    /// The seed that decided the documents.
    package let seed: UInt64
    /// A row for all families together, then one for each family.
    package let families: [Row]
    /// A row for each kind of truth.
    package let kinds: [Row]
    /// Rows for layouts and wordings that training shows, and for those that it does not.
    package let heldOut: [Row]
    /// From the first question to the last answer.
    package let seconds: Double
    /// The answers that are not right, in the order of their questions.
    package let mistakes: [Mistake]

    init(
        _ judged: [JudgedReading], policy: EvaluatedPolicy, control: ImageControl, split: SeedSplit, seed: UInt64,
        seconds: Double
    ) {
        func row(_ name: String, where isMeant: (DocumentSample) -> Bool) -> Row? {
            let some = judged.filter { isMeant($0.sample) }
            return some.isEmpty ? nil : Row(name, some)
        }
        self.policy = policy
        self.control = control
        self.split = split
        self.seed = seed
        self.seconds = seconds
        families =
            ([row("all") { _ in true }]
            + DocumentFamily.allCases.map { family in row(family.rawValue) { $0.question.family == family } })
            .compactMap { $0 }
        kinds = TruthKind.allCases.compactMap { kind in
            row(kind.rawValue) { TruthKind(of: $0.question.truth) == kind }
        }
        heldOut = [
            row("known layout") { !$0.isHeldOutLayout }, row("new layout") { $0.isHeldOutLayout },
            row("known wording") { !$0.question.isHeldOutWording },
            row("new wording") { $0.question.isHeldOutWording },
        ].compactMap { $0 }
        mistakes = judged.filter { $0.verdict.correctness != .right }.map {
            Mistake(
                family: $0.sample.question.family.rawValue, seed: $0.sample.seed, question: $0.sample.question.text,
                expected: $0.sample.question.answer, found: $0.answer, verdict: $0.verdict)
        }
    }

    /// The tables of several reports: by family, by kind of truth, and by what is held out.
    package static func table(_ reports: [DocumentsReport]) -> String {
        reports.map { report in
            let header = [
                "picture: \(report.control.words)", "questions", "right", "(95 %)", "share", "wrong characters",
                "in form", "ended", "invents", "refuses",
            ]
            let rows = (report.families + report.kinds + report.heldOut).map { row in
                ["  " + row.name, "\(row.right.total)", row.right.percent, row.right.percentInterval]
                    + [String(format: "%.3f", row.meanShare)]
                    + [row.characterErrorRate.map { String(format: "%.1f %%", 100 * $0) } ?? "–"]
                    + [row.inForm, row.ended, row.inventing, row.refusing].map(\.percent)
            }
            return TextTable.text([header] + rows)
                + "\n\(report.split.rawValue) split; \(String(format: "%.1f", report.seconds)) s"
        }.joined(separator: "\n\n")
    }
}

extension DocumentsReport.Row {
    fileprivate init(_ name: String, _ answers: [JudgedReading]) {
        func share(_ holds: (Verdict) -> Bool) -> Proportion {
            Proportion(answers.count { holds($0.verdict) }, of: answers.count)
        }
        self.name = name
        right = share { $0.correctness == .right }
        meanShare = answers.reduce(0) { $0 + $1.verdict.share } / Double(answers.count)
        let characters = answers.compactMap(\.characters)
        let all = characters.reduce(0) { $0 + $1.all }
        characterErrorRate = all == 0 ? nil : Double(characters.reduce(0) { $0 + $1.wrong }) / Double(all)
        inForm = share(\.obeysForm)
        ended = share(\.endsProperly)
        inventing = share { !$0.absentThings.isEmpty }
        refusing = Proportion(answers.count(where: \.isFalseRefusal), of: answers.count)
    }
}
