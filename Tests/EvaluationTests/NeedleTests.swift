import Engine
import Evaluation
import Models
import Policies
import TestSupport
import Testing
import Tokenizers

/// Needle evaluation of a reader with perfect vision that remembers only part of a text.
@Suite struct NeedleTests {
    /// Answers with the number of the only secret, if the last part of the prompt contains it.
    private struct Reader: InferenceEngine {
        let tokenizer: Tokenizer
        let memory: Double

        func reserve(hasImages: Bool) throws(AdmissionError) -> Reservation { Reservation {} }

        func submit(_ request: EngineRequest, in place: Reservation) throws(AdmissionError) -> AsyncStream<EngineEvent>
        {
            let remembered = request.prompt.suffix(Int(memory * Double(request.prompt.count)))
            let words = tokenizer.decode(Array(remembered)).split(whereSeparator: { !$0.isLetter && !$0.isNumber })
            let number = words.first { $0.count == 4 && $0.allSatisfy(\.isNumber) } ?? "0"
            let (stream, events) = AsyncStream<EngineEvent>.makeStream()
            events.yield(.text(TextDelta(text: "It is \(number).", tokens: [])))
            events.yield(.finished(Completion(reason: .endToken, tokens: [], generatedTokens: 1)))
            return stream
        }

        var load: EngineLoad { EngineLoad() }

        func stop() {}
    }

    private func report(memory: Double) async throws -> NeedleReport {
        let tokenizer = try TinyLlama.tokenizer()
        let policy = Policy(
            name: "base", generation: 0, adapter: nil, vision: nil, template: .chatml, sampling: .init(), created: 0)
        var settings = NeedleEvaluation.Settings()
        settings.lengths = [1_000, 3_000]
        settings.samples = 3
        let evaluation = NeedleEvaluation(
            engine: Reader(tokenizer: tokenizer, memory: memory), tokenizer: tokenizer, policy: policy,
            settings: settings)
        return try await evaluation.run()
    }

    @Test func aPerfectReaderFindsEverything() async throws {
        let report = try await report(memory: 1)
        #expect(report.cells.map(\.size) == Array(repeating: 1_000, count: 5) + Array(repeating: 3_000, count: 5))
        #expect(report.cells.map(\.depth) == [0, 0.25, 0.5, 0.75, 1, 0, 0.25, 0.5, 0.75, 1])
        #expect(report.cells.allSatisfy { $0.found.count == 3 && $0.found.total == 3 })
        #expect(report.cells.allSatisfy { ($0.size - 100...$0.size + 40).contains($0.positions) })
        #expect(report.table.split(separator: "\n").count == 4)
    }

    @Test func depthTellsWhatIsForgotten() async throws {
        let found = try await report(memory: 0.6).cells.map(\.found.count)
        #expect(found == [0, 0, 3, 3, 3, 0, 0, 3, 3, 3])
    }
}
