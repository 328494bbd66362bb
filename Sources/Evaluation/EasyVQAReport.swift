import Foundation

/// A server's results on easy-VQA's test questions.
public struct EasyVQAReport: Codable, Sendable, Equatable {
    /// A wrong answer.
    public struct Mistake: Codable, Sendable, Equatable {
        /// The question.
        public var question: String
        /// The number of the image that it belongs to.
        public var image: Int
        /// The official answer.
        public var expected: String
        /// The server's answer.
        public var found: String

        private enum CodingKeys: String, CodingKey {
            case question, expected, found
            case image = "picture"
        }
    }

    /// The policy that answered.
    public let policy: EvaluatedPolicy
    /// The control that was applied to the images.
    public let control: ImageControl
    /// The seed that decided the questions and the swaps of images.
    public let seed: UInt64
    /// Right answers to all questions.
    public let overall: Proportion
    /// Right answers to yes/no questions.
    public let yesNo: Proportion
    /// Right answers to questions about a shape or a colour.
    public let open: Proportion
    /// From the first question to the last answer.
    public let seconds: Double
    /// The wrong answers, in the order in which the questions were drawn.
    public let mistakes: [Mistake]

    /// A table of several reports, one row each.
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
