public import Tokenizers

/// An answer as it was drawn.
public struct DrawnAnswer: Sendable {
    /// Its pieces of text.
    public private(set) var deltas: [TextDelta] = []
    /// Its end; nil until it has come.
    public var completion: Completion?

    /// An answer of which nothing is there yet.
    public init() {}

    /// The next piece of text.
    public mutating func append(_ delta: TextDelta) {
        deltas.append(delta)
    }

    /// All of its text.
    public var text: String { deltas.map(\.text).joined() }

    fileprivate var tokens: [GeneratedToken] { deltas.flatMap(\.tokens) + (completion?.tokens ?? []) }
}

/// An answer's scores.
public struct AnswerScores: Sendable, Equatable {
    /// The reward model's scalar.
    public var reward: Double
    /// The value model's scalar before the first token; nil without a value model.
    public var value: Double?
    /// Σ log π/π_sft over the answer, in nats; nil where `sft` is not served.
    public var kl: Double?

    /// The given scores.
    public init(reward: Double, value: Double?, kl: Double?) {
        self.reward = reward
        self.value = value
        self.kl = kl
    }
}

/// How answers to one dialogue are scored: what each of the models that do it reads, by its own template and vision, as
/// requests for the engine.
public struct AnswerScoring: Sendable {
    private let reward: EngineRequest
    private let value: EngineRequest?
    private let reference: EngineRequest?
    /// Whether the answers are the reference's own.
    private let isReference: Bool
    private let processor: InputProcessor
    private let contextLength: Int

    /// The scoring of answers by `policy`; nil if the catalog has no reward model.
    ///
    /// - Parameters:
    ///   - images: those that the messages refer to, by index.
    ///   - contextLength: positions of one context, prompt and answer together.
    ///   - deadline: when the engine gives up.
    public init?(
        messages: [ChatMessage], images: [InputProcessor.Image], policy: Policy, catalog: PolicyCatalog,
        processor: InputProcessor, contextLength: Int, deadline: ContinuousClock.Instant? = nil
    ) throws(InputProcessor.Failure) {
        func request(_ model: Policy?) throws(InputProcessor.Failure) -> EngineRequest? {
            guard let model else { return nil }
            var request = try processor.request(messages: messages, images: images, policy: model)
            request.deadline = deadline
            return request
        }
        guard let reward = try request(catalog.reward) else { return nil }
        self.reward = reward
        value = try request(catalog.value)
        isReference = catalog.reference === policy
        reference = isReference ? nil : try request(catalog.reference)
        self.processor = processor
        self.contextLength = contextLength
    }

    /// The most tokens that an answer may have for all models to read it, and an end token behind it.
    public var room: Int {
        contextLength - 1 - [reward, value, reference].reduce(0) { max($0, $1?.prompt.count ?? 0) }
    }

    /// The answer that is picked of several: the one of the highest reward, the first of equal ones.
    public static func best(of rewards: [Double]) -> Int {
        rewards.indices.reduce(0) { rewards[$1] > rewards[$0] ? $1 : $0 }
    }

    /// Gives one reward for each answer.
    public func rewards(of answers: [DrawnAnswer]) -> EngineRequest {
        reward.reading(answers.map(scored))
    }

    /// Gives one value, the same for all answers; nil without a value model.
    public var values: EngineRequest? { value?.reading([[]]) }

    /// Gives log π_sft of the answer; nil where nothing needs to be computed.
    public func referenceLogProbability(of answer: DrawnAnswer) -> EngineRequest? {
        reference.map { reference in
            var request = reference
            request.measurement = Measurement(.logProbability, of: [answer.tokens.map(\.id)])
            return request
        }
    }

    /// Σ log π/π_sft of an answer whose tokens have their log-probabilities, given log π_sft; nil where `sft` is not
    /// served.
    public func kl(of answer: DrawnAnswer, reference logProbability: Double?) -> Double? {
        if isReference { return 0 }
        return logProbability.map { logProbability in
            answer.tokens.reduce(0) { $0 + Double($1.logprob ?? 0) } - logProbability
        }
    }

    /// The tokens at whose last one the reward is read. An answer that was cut off at its limit has no end token; one
    /// that a stop string ended counts as ended where its text does, unless the context has no room for that: as text,
    /// bytes that are none take more tokens than were drawn.
    private func scored(_ answer: DrawnAnswer) -> [Int32] {
        let tokens = answer.tokens.map(\.id)
        guard case .stopString = answer.completion?.reason else { return tokens }
        let whole = processor.answer(answer.text)
        return reward.prompt.count + whole.count <= contextLength ? whole : tokens + whole.suffix(1)
    }
}

extension EngineRequest {
    /// The same dialogue with answers for its policy, a reward or value model, to read.
    public func reading(_ answers: [[Int32]]) -> EngineRequest {
        guard let head = policy.head else { preconditionFailure("\(policy.name) has no head") }
        var request = self
        request.measurement = Measurement(.score(head), of: answers)
        return request
    }
}
