package import Datasets
import Foundation

/// A server's results on questions about documents.
package struct DocumentsReport: Codable, Sendable, Equatable {
    /// Counts over a subset of the answers.
    package struct Row: Codable, Sendable, Equatable {
        /// The name of a family, kind of truth or held-out side, or `all`.
        package let name: String
        /// Right answers. Text is right if every character is.
        package let right: Proportion
        /// The characters of asked texts that were read wrong.
        package let characterErrors: CharacterErrorRate
        /// Values of charts that are within the judge's tolerance or 5 % of the value, of all such values.
        package let nearValues: Proportion
        /// Answers that cannot tell what can be read, of all questions that the image answers.
        package let falseRefusals: Proportion
        /// Answers with invented text or things, among the answers that the judge searches for inventions.
        package let invented: Proportion
        /// Answers in the asked form.
        package let inForm: Proportion
        /// Answers that end properly.
        package let ended: Proportion
        /// The share of right answers without the image: each question gets the training split's most frequent answer
        /// to its words.
        package let questionOnly: Proportion
    }

    /// An answer that is not completely right.
    package struct Mistake: Codable, Sendable, Equatable {
        /// The question's family.
        package let family: String
        /// The document's seed.
        package let seed: UInt64
        /// The document's layout.
        package let layout: String
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
    /// The split that decided fonts, layouts and wordings.
    package let split: SeedSplit
    /// The seed that decided the documents.
    package let seed: UInt64
    /// A row for all families together, then one for each family.
    package let families: [Row]
    /// A row for each kind of truth.
    package let kinds: [Row]
    /// A row for each kind of truth of each family, as `bars: number`.
    package let familyKinds: [Row]
    /// Rows by layout and wording, each seen in training or held out, and one for both seen.
    package let heldOut: [Row]
    /// A row for each size of text.
    package let textSizes: [Row]
    /// From the first question to the last answer.
    package let seconds: Double
    /// The answers that are not right, in the order of their questions.
    package let mistakes: [Mistake]

    /// The report on all answers of a run.
    init(_ run: JudgedRun<DocumentSample>, split: SeedSplit) {
        let answers = zip(run.answers, run.questionOnly).map { Answer($0, isRightBlindly: $1) }
        func row(_ name: String, where isMeant: (DocumentSample) -> Bool) -> Row? {
            let some = answers.filter { isMeant($0.judged.sample) }
            return some.isEmpty ? nil : Row(name, some)
        }
        policy = run.policy
        control = run.control
        self.split = split
        seed = run.seed
        seconds = run.seconds
        families =
            ([row("all") { _ in true }]
            + DocumentFamily.allCases.map { family in row(family.rawValue) { $0.question.family == family } })
            .compactMap { $0 }
        kinds = TruthKind.allCases.compactMap { kind in
            row(kind.rawValue) { TruthKind(of: $0.question.truth) == kind }
        }
        familyKinds = DocumentFamily.allCases.flatMap { family in
            TruthKind.allCases.compactMap { kind in
                row("\(family.rawValue): \(kind.rawValue)") {
                    $0.question.family == family && TruthKind(of: $0.question.truth) == kind
                }
            }
        }
        heldOut = [
            row("layout seen") { !$0.isHeldOutLayout },
            row("layout held out") { $0.isHeldOutLayout },
            row("wording seen") { !$0.question.isHeldOutWording },
            row("wording held out") { $0.question.isHeldOutWording },
            row("both seen") { !$0.isHeldOutLayout && !$0.question.isHeldOutWording },
        ].compactMap { $0 }
        textSizes = DocumentSample.TextSize.allCases.compactMap { size in
            row(size.rawValue) { $0.textSize == size }
        }
        mistakes = run.answers.filter { $0.verdict.correctness != .right }.map {
            Mistake(
                family: $0.sample.family, seed: $0.sample.seed, layout: $0.sample.layout,
                question: $0.sample.question.text, expected: $0.sample.question.answer, found: $0.answer,
                verdict: $0.verdict)
        }
    }

    /// The tables of several reports: by family, by kind of truth, by what is held out, and by the size of the text.
    /// `familyKinds` would make them too long.
    package static func table(_ reports: [DocumentsReport]) -> String {
        reports.map { report in
            let header = [
                "picture: \(report.control.words)", "questions", "right", "(95 %)", "char. errors", "value ±5 %",
                "false refusals", "invented", "in form", "ended", "question only",
            ]
            // Some families are called like kinds of truth.
            let sections = [
                ("", report.families), ("truth: ", report.kinds), ("", report.heldOut), ("", report.textSizes),
            ]
            let named = sections.flatMap { kind, rows in rows.map { (name: "  " + kind + $0.name, row: $0) } }
            let rows = named.map { name, row in
                [name, "\(row.right.total)", row.right.percent, row.right.percentInterval]
                    + [row.characterErrors.percent]
                    + [row.nearValues, row.falseRefusals, row.invented, row.inForm, row.ended, row.questionOnly]
                    .map(\.percent)
            }
            return TextTable.text([header] + rows)
                + "\n\(report.split.rawValue) split; \(String(format: "%.1f", report.seconds)) s"
        }.joined(separator: "\n\n")
    }
}

/// A judged answer with its scores.
private struct Answer {
    let judged: JudgedAnswer<DocumentSample>
    let scores: DocumentScores
    let isRightBlindly: Bool

    init(_ judged: JudgedAnswer<DocumentSample>, isRightBlindly: Bool) {
        self.judged = judged
        self.isRightBlindly = isRightBlindly
        scores = DocumentScores(judged.answer, to: judged.sample.question, verdict: judged.verdict)
    }
}

extension DocumentsReport.Row {
    fileprivate init(_ name: String, _ answers: [Answer]) {
        func share(_ holds: (Answer) -> Bool) -> Proportion {
            Proportion(answers.count { holds($0) }, of: answers.count)
        }
        func share(ofAsked score: (DocumentScores) -> Bool?) -> Proportion {
            let asked = answers.compactMap { score($0.scores) }
            return Proportion(asked.count { $0 }, of: asked.count)
        }
        self.name = name
        right = share { $0.judged.verdict.correctness == .right }
        characterErrors = CharacterErrorRate(answers.compactMap(\.scores.characterErrors))
        nearValues = share(ofAsked: \.isNearValue)
        falseRefusals = share(ofAsked: \.isFalseRefusal)
        invented = share(ofAsked: \.isInvented)
        inForm = share(\.judged.verdict.obeysForm)
        ended = share(\.judged.verdict.endsProperly)
        questionOnly = share(\.isRightBlindly)
    }
}

extension CharacterErrorRate {
    /// The rate in per cent; a dash if there are no texts.
    var percent: String { texts == 0 ? "–" : String(format: "%.2f %%", 100 * rate) }
}
