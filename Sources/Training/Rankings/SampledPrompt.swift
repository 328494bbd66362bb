import Checkpoints
import Datasets
import Foundation
import Support

/// A prompt with its sampled answers: one line of a run's `samples.jsonl`.
struct SampledPrompt: Codable, Equatable, Sendable {
    /// The prompt's index in the run, from 0.
    let index: Int
    let image: PreferenceImage
    let question: String
    let completions: [PreferenceRecord.RankedCompletion]
    /// Answer n was sampled with this seed plus n.
    let seed: UInt64

    /// Whether all answers are equal, so that there is nothing to rank.
    var isUniform: Bool {
        completions.allSatisfy { $0.text == completions[0].text && $0.finishReason == completions[0].finishReason }
    }

    private enum CodingKeys: String, CodingKey {
        case index, question, seed
        case image = "picture"
        case completions = "candidates"
    }
}

/// Why a run's samples cannot be used.
enum SampleError: Error, Equatable, CustomStringConvertible {
    /// A line does not have the run's format.
    case malformed(path: String, line: Int, reason: String)

    var description: String {
        switch self {
        case .malformed(let path, let line, let reason):
            "\(path): line \(line): \(reason); delete the run folder to start over"
        }
    }
}

/// The samples so far, one line per prompt, in the run's order. An incomplete last line of a killed run is dropped.
struct SampleLog {
    private(set) var samples: [SampledPrompt] = []
    private let path: String

    init(path: String) throws {
        self.path = path
        guard let data = FileManager.default.contents(atPath: path) else {
            try AtomicFile.write([], to: path)
            return
        }
        let end = data.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let decoder = JSONDecoder()
        for (index, line) in data[..<end].split(separator: UInt8(ascii: "\n")).enumerated() {
            let sample: SampledPrompt
            do {
                sample = try decoder.decode(SampledPrompt.self, from: line)
            } catch {
                throw SampleError.malformed(path: path, line: index + 1, reason: "\(error)")
            }
            guard sample.index == index, PreferenceRecord.completionCount.contains(sample.completions.count) else {
                throw SampleError.malformed(path: path, line: index + 1, reason: "expected 2 to 9 answers to \(index)")
            }
            samples.append(sample)
        }
        if end < data.count { try AtomicFile.write([UInt8](data[..<end]), to: path) }
    }

    /// Appends a line and writes it to the file before returning.
    mutating func append(_ sample: SampledPrompt) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        defer { try? handle.close() }
        try handle.seekToEnd()
        try handle.write(contentsOf: try encoder.encode(sample) + [UInt8(ascii: "\n")])
        samples.append(sample)
    }
}

/// The simulated labelers' rankings of a run's samples.
struct RankedSamples {
    /// The prompts whose answers differ, each ranked by one of the training labelers.
    private(set) var rankings: [PreferenceRecord] = []
    /// A share of these prompts, each ranked by every labeler, the held-out labeler last.
    private(set) var agreement: [PreferenceRecord] = []
    private(set) var report: RankingReport

    private let settings: RankingSettings

    /// Ranks `samples`, which are the answers to the first prompts of `prompts`, in order.
    init(_ samples: [SampledPrompt], of prompts: RankingPrompts, settings: RankingSettings, path: String) throws {
        self.settings = settings
        report = RankingReport(samplesPerPrompt: settings.samples)
        var cursor = PromptCursor(prompts)
        for sample in samples {
            let prompt = try cursor.next()
            guard prompt.task.image == sample.image, prompt.task.question == sample.question else {
                throw SampleError.malformed(
                    path: path, line: sample.index + 1,
                    reason: "expected “\(prompt.task.question)” about \(prompt.task.image)")
            }
            rank(sample, of: prompt)
        }
    }

    private mutating func rank(_ sample: SampledPrompt, of prompt: RankingPrompt) {
        report.count(sample, family: prompt.questionIndex == nil ? "easy-vqa" : Self.family(sample.image))
        if sample.isUniform { return }
        var generator = SplitMix64(seed: sample.seed)
        let labeler = generator.draw(from: SimulatedLabeler.training)
        let one = record(sample, prompt, labeler)
        rankings.append(one)
        report.count(one)
        guard Double(generator.draw(0...9_999)) < settings.agreementShare * 10_000 else { return }
        let all = SimulatedLabeler.training.map { record(sample, prompt, $0) }
        let heldOut = record(sample, prompt, .heldOut)
        agreement += all + [heldOut]
        report.compare(all.map(\.tiers), heldOut: heldOut.tiers)
    }

    private func record(
        _ sample: SampledPrompt, _ prompt: RankingPrompt, _ labeler: SimulatedLabeler
    ) -> PreferenceRecord {
        let answers = sample.completions.map { SimulatedLabeler.Answer(text: $0.text, finishReason: $0.finishReason) }
        let key = ["\(sample.image)", sample.question, "\(sample.seed)"] + sample.completions.map { $0.policy ?? "" }
        return PreferenceRecord(
            id: PreferenceRecord.id(of: key), image: sample.image, question: sample.question,
            questionIndex: prompt.questionIndex, form: prompt.questionIndex.map { _ in prompt.task.form },
            completions: sample.completions, tiers: labeler.tiers(of: answers, to: prompt.task),
            labeler: labeler.labeler, seed: sample.seed)
    }

    private static func family(_ image: PreferenceImage) -> String {
        switch image {
        case .generated(let family, _): ImageKind.family(family).name
        case .document(let family, _): ImageKind.document(family).name
        case .easyVQA, .stored: "easy-vqa"
        }
    }

    /// Writes `rankings.jsonl`, `agreement.jsonl` and `report.json`.
    func write(into folder: String) throws {
        for (name, records) in [("rankings", rankings), ("agreement", agreement)] {
            let lines = try records.flatMap { [UInt8](try $0.line()) }
            try AtomicFile.write(lines, to: "\(folder)/\(name).jsonl")
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try AtomicFile.write([UInt8](try encoder.encode(report)) + [UInt8(ascii: "\n")], to: folder + "/report.json")
    }
}
