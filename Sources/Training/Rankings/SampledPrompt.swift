import Checkpoints
import Datasets
import Foundation

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
