import Datasets
public import Engine
import Images
public import Policies
public import Tokenizers

/// Samples several answers to each prompt at temperature 1, with the serving engine.
public struct AnswerSampler: Sendable {
    private let engine: any InferenceEngine
    private let input: InputProcessor
    private let policy: Policy

    /// A sampler of `policy`'s answers on `engine`.
    public init(engine: any InferenceEngine, tokenizer: Tokenizer, policy: Policy) {
        self.engine = engine
        self.input = InputProcessor(tokenizer: tokenizer)
        self.policy = policy
    }

    /// The policy's name in records, NAME@GENERATION.
    public var name: String { "\(policy.name)@\(policy.generation)" }

    /// Requests the answers to a prompt, the distractors last; answer n is sampled with the seed `seed` + n.
    func ask(_ prompt: RankingPrompt, _ settings: RankingSettings, seed: UInt64) throws -> [AsyncStream<EngineEvent>] {
        let own = try request(prompt, about: prompt.image, settings)
        let distractor = settings.distractorAnswers > 0 ? try request(prompt, about: prompt.otherImage, settings) : own
        return try (0..<settings.samples).map { index in
            var request = settings.isDistractor(index) ? distractor : own
            request.sampling.seed = seed &+ UInt64(index)
            return try engine.submit(request, in: engine.reserve())
        }
    }

    private func request(
        _ prompt: RankingPrompt, about image: RGBImage, _ settings: RankingSettings
    ) throws -> EngineRequest {
        var request = try input.request(
            messages: [ChatMessage(role: .user, content: [.image(0), .text(prompt.task.question)])],
            images: [.init(image: image)], policy: policy)
        request.sampling = SamplingParameters()
        request.stop.maximumTokens = settings.maximumTokens
        return request
    }

    /// The answer from an event stream.
    ///
    /// - Parameter isDistractor: whether the answer is about the other image.
    func answer(_ events: AsyncStream<EngineEvent>, isDistractor: Bool) async throws
        -> PreferenceRecord.RankedCompletion
    {
        let answer = try await events.answer()
        let reason: PreferenceRecord.FinishReason =
            switch answer.completion.reason {
            case .endToken, .stopString: .stop
            case .length, .repetition: .length
            case .cancelled: throw CancellationError()
            }
        return .init(
            text: answer.text, tokens: answer.tokens.map(\.id),
            policy: isDistractor ? name + PreferenceRecord.RankedCompletion.distractorMark : name,
            finishReason: reason)
    }
}
