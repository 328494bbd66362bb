import Foundation

/// How a server did on easy-VQA's test questions.
public struct EasyVQAReport: Codable, Sendable, Equatable {
    /// A wrong answer.
    public struct Mistake: Codable, Sendable, Equatable {
        /// The question.
        public var question: String
        /// The number of the image that it belongs to.
        public var image: Int
        /// The official answer.
        public var expected: String
        /// The server's.
        public var found: String

        private enum CodingKeys: String, CodingKey {
            case question, expected, found
            case image = "picture"
        }
    }

    /// Who answered.
    public let policy: EvaluatedPolicy
    /// What was shown.
    public let control: ImageControl
    /// Decided which questions were asked and how images were swapped.
    public let seed: UInt64
    /// Right answers among all.
    public let overall: Proportion
    /// Right answers to questions that yes or no answers.
    public let yesNo: Proportion
    /// Right answers to questions that a shape or a colour answers.
    public let open: Proportion
    /// From the first question to the last answer.
    public let seconds: Double
    /// The wrong answers, in the order in which the questions were drawn.
    public let mistakes: [Mistake]

    /// The table of several reports, one line each.
    public static func table(_ reports: [EasyVQAReport]) -> String {
        let header = ["picture", "questions", "overall", "(95 %)", "yes/no", "(95 %)", "open", "(95 %)", "seconds"]
        let rows = reports.map { report in
            [report.control.words, "\(report.overall.total)"]
                + [report.overall, report.yesNo, report.open].flatMap { [$0.percent, $0.percentInterval] }
                + [String(format: "%.1f", report.seconds)]
        }
        return TextTable.text([header] + rows)
    }
}
