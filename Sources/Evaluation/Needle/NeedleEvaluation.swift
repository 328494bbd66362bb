public import Engine
public import Policies
public import Tokenizers

/// Whether a policy finds one fact in a long context, by the length of the context and the fact's depth in it ("needle
/// in a haystack", Kamradt 2023).
public struct NeedleEvaluation: Sendable {
    /// The haystacks.
    public struct Settings: Sendable {
        /// Tokens of the texts.
        public var lengths = [1_024, 2_048, 4_096, 8_000]
        /// Numbers of images.
        public var images = [4, 16, 64]
        /// The number of depths, evenly spaced from the beginning to the end; at least 2.
        public var depths = 5
        /// Haystacks of each length and depth.
        public var samples = 8
        /// Decides the haystacks.
        public var seed: UInt64 = 0

        /// Settings for a few minutes on two cores.
        public init() {}
    }

    /// Why the report is missing.
    public enum Failure: Error, Equatable, CustomStringConvertible {
        /// The engine did not finish a request.
        case unfinished(String)

        /// The engine's message.
        public var description: String {
            switch self {
            case .unfinished(let reason): "the engine did not answer: \(reason)"
            }
        }
    }

    private let engine: any InferenceEngine
    private let processor: InputProcessor
    private let policy: Policy
    private let settings: Settings

    /// An evaluation of `policy` on `engine`, which must be able to hold the longest context.
    public init(engine: any InferenceEngine, tokenizer: Tokenizer, policy: Policy, settings: Settings = Settings()) {
        precondition(settings.depths >= 2 && settings.samples >= 1)
        self.engine = engine
        self.processor = InputProcessor(tokenizer: tokenizer)
        self.policy = policy
        self.settings = settings
    }

    /// Asks all questions one after the other, so that a common beginning of haystacks is prefilled once.
    ///
    /// - Throws: `Failure`, `AdmissionError` or `InputProcessor.Failure`.
    public func run(progress: (NeedleReport.Cell) -> Void = { _ in }) async throws -> NeedleReport {
        var cells: [NeedleReport.Cell] = []
        for (hay, sizes) in [("tokens", settings.lengths), ("pictures", policy.vision == nil ? [] : settings.images)] {
            for size in sizes {
                for index in 0..<settings.depths {
                    let depth = Double(index) / Double(settings.depths - 1)
                    let cell = try await cell(hay, size, depth)
                    cells.append(cell)
                    progress(cell)
                }
            }
        }
        return NeedleReport(policy: policy.name, generation: policy.generation, cells: cells)
    }

    private func cell(_ hay: String, _ size: Int, _ depth: Double) async throws -> NeedleReport.Cell {
        var (right, positions) = (0, 0)
        for sample in 0..<settings.samples {
            let seed = settings.seed &+ UInt64(sample)
            let haystack =
                hay == "tokens"
                ? Haystack(textOf: size, depth: depth, seed: seed, tokenizer: processor.tokenizer)
                : Haystack(images: size, depth: depth, seed: seed)
            var request = try processor.request(
                messages: haystack.messages, images: haystack.images, policy: policy)
            request.sampling = SamplingParameters()
            request.sampling.temperature = 0
            request.stop.maximumTokens = 24
            positions += request.prompt.count
            if try await answer(to: request).lowercased().contains(haystack.answer) { right += 1 }
        }
        return NeedleReport.Cell(
            hay: hay, size: size, depth: depth, positions: positions / settings.samples,
            found: Proportion(right, of: settings.samples))
    }

    private func answer(to request: EngineRequest) async throws -> String {
        do {
            return try await engine.answer(to: request).text
        } catch let failure as EngineFailure {
            throw Failure.unfinished("\(failure)")
        }
    }
}
