import Foundation

/// Answers of a run's policies to the same questions, for people to read: one table per question.
struct AnswersOverTime: Sendable {
    private let records: [RolloutRecord]

    /// Tables of records of the same questions, in the order of iterations.
    init(_ records: [RolloutRecord]) {
        self.records = records
    }

    /// The tables as Markdown.
    var markdown: String {
        var lines = ["# Answers to held-out prompts by iteration"]
        for (index, question) in (records.first?.questions ?? []).enumerated() {
            lines += [
                "", "## \(question.image): \(Self.cell(question.question))", "",
                "| iteration | score | KL, nats | answer |", "|---|---|---|---|",
            ]
            for record in records where record.questions.indices.contains(index) {
                lines += record.questions[index].answers.map { Self.row(record.iteration, $0) }
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func row(_ iteration: Int, _ answer: RolloutRecord.Answer) -> String {
        let metrics = String(format: "%.2f | %.2f", answer.score, answer.divergence)
        return "| \(iteration) | \(metrics) | \(cell(answer.text))\(answer.ended ? "" : " *(cut off)*") |"
    }

    /// The text with everything escaped that would end its cell.
    private static func cell(_ text: String) -> String {
        text.replacingOccurrences(of: "|", with: "\\|").split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}
