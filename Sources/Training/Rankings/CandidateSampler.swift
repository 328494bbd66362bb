import Datasets
public import Engine
public import Tokenizers

/// Samples several answers to each prompt at temperature 1, by the engine that serves.
public struct CandidateSampler: Sendable {
    private let engine: any Generating
    private let input: InputProcessor
    private let policy: Policy

    /// A sampler of `policy`'s answers by way of `engine`.
    public init(engine: any Generating, tokenizer: Tokenizer, policy: Policy) {
        self.engine = engine
        self.input = InputProcessor(tokenizer: tokenizer)
        self.policy = policy
    }

    /// The policy as records name it, NAME@GENERATION.
    public var name: String { "\(policy.name)@\(policy.generation)" }

    /// Asks for `count` answers; number n is drawn with the seed `seed` + n.
    func ask(
        _ prompt: RankingPrompt, count: Int, seed: UInt64, maximumTokens: Int
    ) throws -> [AsyncStream<EngineEvent>] {
        var request = try input.request(
            messages: [ChatMessage(role: .user, content: [.image(0), .text(prompt.task.question)])],
            pictures: [.init(image: prompt.image)], policy: policy)
        request.sampling = SamplingParameters()
        request.stop.maximumTokens = maximumTokens
        return try (0..<count).map { index in
            request.sampling.seed = seed &+ UInt64(index)
            return try engine.submit(request, in: engine.reserve())
        }
    }

    /// The answer that a stream tells.
    func answer(_ events: AsyncStream<EngineEvent>) async throws -> PreferenceRecord.Candidate {
        var text = ""
        var tokens: [Int32] = []
        var reason = PreferenceRecord.FinishReason.length
        for await event in events {
            switch event {
            case .started: break
            case .text(let delta):
                text += delta.text
                tokens += delta.tokens.map(\.id)
            case .finished(let completion):
                tokens += completion.tokens.map(\.id)
                switch completion.reason {
                case .endToken, .stopString: reason = .stop
                case .length: reason = .length
                case .cancelled: throw CancellationError()
                }
            case .failed(let failure): throw failure
            }
        }
        return .init(text: text, tokens: tokens, policy: name, finishReason: reason)
    }
}
