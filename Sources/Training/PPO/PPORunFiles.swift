package import Checkpoints
public import Datasets
import Foundation
import Models

/// The files of a PPO run for later reading and comparison: sample answers, and the policies that gave them.
package struct PPORunFiles: Sendable {
    /// The number of snapshots that are kept, without the last one.
    private static let snapshots = 16

    private let folder: String
    /// The number of iterations between kept snapshots.
    private let stride: Int
    private let decoder: PEFTAdapter.DecoderName

    /// - Parameters:
    ///   - iterations: the number of iterations of the whole run.
    ///   - interval: the number of iterations between validations; 0 for none.
    ///   - decoder: the decoder's name in the base model.
    package init(folder: String, iterations: Int, interval: Int, decoder: PEFTAdapter.DecoderName = .text) {
        self.folder = folder
        self.decoder = decoder
        let validations = iterations / max(1, interval)
        stride = max(1, interval) * max(1, (validations + Self.snapshots - 1) / Self.snapshots)
    }

    /// Writes some answers of an iteration: `samples/0001.json`.
    package func write(_ record: RolloutRecord) throws {
        try write(record, in: "samples")
    }

    /// Writes a validated policy's answers into `held-out/0005.json` and, beside the answers of all earlier policies,
    /// into `held-out.md`; and its adapter as a PEFT folder, bf16, `snapshots/0005`. Of a long run's snapshots only
    /// some, at equal intervals, are kept, and the last one. The reference is not written again.
    package func write(_ snapshot: PolicySnapshot) throws {
        try write(snapshot.answers, in: "held-out")
        let records = try Self.heldOutAnswers(in: folder).filter { $0.iteration <= snapshot.iteration }
        try AtomicFile.write([UInt8](AnswersOverTime(records).markdown.utf8), to: folder + "/held-out.md")
        guard snapshot.iteration > 0 else { return }
        let snapshotFolder = path("snapshots", snapshot.iteration)
        try FileManager.default.createDirectory(atPath: snapshotFolder, withIntermediateDirectories: true)
        try PEFTAdapter(snapshot.adapter, decoder: decoder).write(to: snapshotFolder, as: .bfloat16)
        for earlier in try names(in: "snapshots") where earlier < snapshot.iteration && earlier % stride != 0 {
            try FileManager.default.removeItem(atPath: path("snapshots", earlier))
        }
    }

    private func write(_ record: RolloutRecord, in subfolder: String) throws {
        try FileManager.default.createDirectory(atPath: "\(folder)/\(subfolder)", withIntermediateDirectories: true)
        try AtomicFile.write(try record.json(), to: path(subfolder, record.iteration) + ".json")
    }

    /// The answers to held-out prompts in a run folder, in the order of iterations.
    package static func heldOutAnswers(in folder: String) throws -> [RolloutRecord] {
        let subfolder = "\(folder)/held-out"
        let names = try FileManager.default.contentsOfDirectory(atPath: subfolder).filter { $0.hasSuffix(".json") }
        return try names.map { name in
            let data = try Data(contentsOf: URL(fileURLWithPath: "\(subfolder)/\(name)"))
            return try JSONDecoder().decode(RolloutRecord.self, from: data)
        }.sorted { $0.iteration < $1.iteration }
    }

    private func path(_ subfolder: String, _ iteration: Int) -> String {
        let number = "\(iteration)"
        return "\(folder)/\(subfolder)/" + String(repeating: "0", count: max(0, 4 - number.count)) + number
    }

    /// The iterations with a folder in `subfolder`, in order.
    private func names(in subfolder: String) throws -> [Int] {
        try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(subfolder)")
            .compactMap { Int($0) }.sorted()
    }
}

/// Some answers of a policy, for people to read: the first question of each image with all its answers.
public struct RolloutRecord: Codable, Sendable, Equatable {
    /// A question with its answers.
    public struct Question: Codable, Sendable, Equatable {
        /// The image of the question.
        public let image: PreferenceImage
        /// The question's text.
        public let question: String
        /// The answers, in the order of their seeds.
        public let answers: [Answer]

        private enum CodingKeys: String, CodingKey {
            case question, answers
            case image = "picture"
        }
    }

    /// An answer.
    public struct Answer: Codable, Sendable, Equatable {
        /// The answer without its end token.
        public let text: String
        /// The score, including the penalty for a missing end.
        public let score: Double
        /// Σ log π - log π_ref over the answer's tokens, in nats.
        public let divergence: Double
        /// Whether the answer ended with its end token.
        public let ended: Bool
    }

    /// The step of the log; an iteration's own answers count from 1.
    public let iteration: Int
    /// The questions, one for each image.
    public let questions: [Question]

    /// - Parameters:
    ///   - scores: the answers' scores.
    ///   - logProbs: the log-probabilities of all tokens under the policy, in nats.
    ///   - reference: the log-probabilities of all tokens under the reference, in nats.
    init(iteration: Int, batch: AnswerBatch, scores: [Double], logProbs: [Float], reference: [Float]) {
        self.iteration = iteration
        let logProbs = batch.byAnswer(logProbs)
        let reference = batch.byAnswer(reference)
        var first = 0
        questions = batch.images.map { image in
            defer { first += image.questions.reduce(0) { $0 + $1.answers.count } }
            let question = image.questions[0]
            return Question(
                image: image.prompts.reference, question: question.text,
                answers: question.answers.enumerated().map { index, answer in
                    let position = first + index
                    return Answer(
                        text: answer.text, score: scores[position],
                        divergence: zip(logProbs[position], reference[position]).reduce(0) { $0 + $1.0 - $1.1 },
                        ended: answer.ended)
                })
        }
    }

    /// The record as indented JSON.
    public func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(self)) + [UInt8(ascii: "\n")]
    }
}

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
