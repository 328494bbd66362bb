import Datasets
import Foundation

/// A server's results on generated questions.
public struct FamiliesReport: Codable, Sendable, Equatable {
    /// Counts over a subset of the answers.
    public struct Row: Codable, Sendable, Equatable {
        /// The name of a family or kind of truth, or `all`.
        public let name: String
        /// Right answers.
        public let right: Proportion
        /// The mean of the verdicts' shares: like `right`, but a description counts by the share of it that is right.
        public let meanShare: Double
        /// Answers in the asked form.
        public let inForm: Proportion
        /// Answers that end properly.
        public let ended: Proportion
        /// Answers that name a thing that is not in the image.
        public let hallucinating: Proportion
        /// The share of right answers without the image: each question gets the training split's most frequent answer
        /// to its words.
        public let questionOnly: Proportion
    }

    /// An answer that is not completely right.
    public struct Mistake: Codable, Sendable, Equatable {
        /// The question's family.
        public let family: String
        /// The image's seed.
        public let seed: UInt64
        /// The question.
        public let question: String
        /// The expected answer, as a demonstration would give it.
        public let expected: String
        /// The server's answer.
        public let found: String
        /// The judge's verdict on it.
        public let verdict: Verdict
    }

    /// The policy that answered.
    public let policy: EvaluatedPolicy
    /// The control that was applied to the images.
    public let control: ImageControl
    /// The seed that decided the images.
    public let seed: UInt64
    /// A row for all families together, then one for each family.
    public let families: [Row]
    /// A row for each kind of truth.
    public let kinds: [Row]
    /// Answers to questions about absent things that name an absent thing as present.
    public let hallucinatingOnAbsent: Proportion
    /// From the first question to the last answer.
    public let seconds: Double
    /// The answers that are not right, in the order of their questions.
    public let mistakes: [Mistake]

    init(_ run: JudgedRun<FamilySample>) {
        let answers = Array(zip(run.answers, run.questionOnly))
        func row(_ name: String, where isMeant: (FamilyQuestion) -> Bool) -> Row? {
            let some = answers.filter { isMeant($0.0.sample.question) }
            return some.isEmpty ? nil : Row(name, some)
        }
        policy = run.policy
        control = run.control
        seed = run.seed
        seconds = run.seconds
        families =
            ([row("all") { _ in true }]
            + Family.allCases.map { family in row(family.rawValue) { $0.family == family } }).compactMap { $0 }
        kinds = TruthKind.allCases.compactMap { kind in row(kind.rawValue) { TruthKind(of: $0.truth) == kind } }
        let onAbsent = run.answers.filter {
            GoldJudge.isAboutAbsentThing($0.sample.question, objects: $0.sample.objects)
        }
        hallucinatingOnAbsent = Proportion(onAbsent.count { !$0.verdict.absentThings.isEmpty }, of: onAbsent.count)
        mistakes = run.answers.filter { $0.verdict.correctness != .right }.map {
            Mistake(
                family: $0.sample.question.family.rawValue, seed: $0.sample.seed, question: $0.sample.question.text,
                expected: $0.sample.question.answer, found: $0.answer, verdict: $0.verdict)
        }
    }

    /// The tables of several reports, by family and by kind of truth.
    public static func table(_ reports: [FamiliesReport]) -> String {
        reports.map { report in
            let header = [
                "picture: \(report.control.words)", "questions", "right", "(95 %)", "share", "in form", "ended",
                "names absent", "question only",
            ]
            let rows = (report.families + report.kinds).map { row in
                ["  " + row.name, "\(row.right.total)", row.right.percent, row.right.percentInterval]
                    + [String(format: "%.3f", row.meanShare)]
                    + [row.inForm, row.ended, row.hallucinating, row.questionOnly].map(\.percent)
            }
            let absent = report.hallucinatingOnAbsent
            return TextTable.text([header] + rows)
                + "\nasked about things that are not there (\(absent.total)), answers name something absent: "
                + "\(absent.percent) (\(absent.percentInterval)); \(String(format: "%.1f", report.seconds)) s"
        }.joined(separator: "\n\n")
    }
}

extension FamiliesReport.Row {
    fileprivate init(_ name: String, _ answers: [(JudgedAnswer<FamilySample>, Bool)]) {
        func share(_ holds: (Verdict) -> Bool) -> Proportion {
            Proportion(answers.count { holds($0.0.verdict) }, of: answers.count)
        }
        self.name = name
        right = share { $0.correctness == .right }
        meanShare = answers.reduce(0) { $0 + $1.0.verdict.share } / Double(answers.count)
        inForm = share(\.obeysForm)
        ended = share(\.endsProperly)
        hallucinating = share { !$0.absentThings.isEmpty }
        questionOnly = Proportion(answers.count(where: \.1), of: answers.count)
    }
}
