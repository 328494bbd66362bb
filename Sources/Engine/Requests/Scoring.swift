public import Models
public import Policies
public import Tokenizers

/// Given answers to one prompt and the quantity to compute for each answer: a reward, a value or a log-probability.
///
/// The engine scores the answers one after the other, each behind the same prompt. All prompt positions except the last
/// are computed only once. The scheduler splits the work into steps like a prefill, so other requests continue
/// meanwhile. A score is bitwise the same whatever else is in the batch.
public struct Scoring: Sendable {
    /// One number per answer.
    public enum Quantity: Sendable {
        /// A head's scalar at the answer's last token: a reward. With an empty answer the head reads the prompt's last
        /// position: the value of the answer to come.
        case head(RewardHead)
        /// Σ log π over the answer's tokens, in nats, under the full softmax.
        case logProbability
    }

    /// The quantity to compute.
    public var quantity: Quantity
    /// The answers as tokens, at least one. An answer that ended includes its end token as the last one.
    public var answers: [[Int32]]

    /// The scoring of `answers`.
    public init(_ quantity: Quantity, of answers: [[Int32]]) {
        self.quantity = quantity
        self.answers = answers
    }

    /// The length of the longest answer.
    var longest: Int { answers.map(\.count).max() ?? 0 }

    /// The head that reads the last token; nil if only log-probabilities are computed.
    var head: ScalarHead? {
        switch quantity {
        case .head(let head): head.score
        case .logProbability: nil
        }
    }

    /// The weight of the answer's log-probability in the score, per nat; 0 if log-probabilities are not needed.
    var logProbWeight: Float {
        switch quantity {
        case .head(let head): head.logProbWeight
        case .logProbability: 1
        }
    }

    /// The score of an answer, from the scalar of its head, if there is one, and from its tokens with
    /// log-probabilities, if they are needed.
    func score(headScore: Float?, tokens: [GeneratedToken]) -> Double {
        let logProbability = tokens.reduce(0) { $0 + Double($1.logprob ?? 0) }
        return Double(headScore ?? 0) + Double(logProbWeight) * logProbability
    }
}

/// An answer's scores.
public struct AnswerScores: Sendable, Equatable {
    /// The reward model's scalar.
    public var reward: Double
    /// The value model's scalar before the first token; nil without a value model.
    public var value: Double?
    /// Σ log π/π_sft over the answer, in nats; nil if `sft` is not served.
    public var kl: Double?
}

/// Best of n: the reward model picks one of several answers to one dialogue, and the picked answer gets scores.
///
/// The reward model, the value model and the reference each receive the dialogue in their own template and with their
/// own vision encoder, as requests to the engine.
public struct AnswerScoring: Sendable {
    /// The answer that the reward model picks.
    public struct Pick: Sendable {
        /// Its index among the candidates.
        public let index: Int
        /// The answer.
        public let answer: Answer
        /// The reward model's scalar.
        public let reward: Double
    }

    private let reward: EngineRequest
    private let value: EngineRequest?
    private let reference: EngineRequest?
    /// Whether the reference itself gave the answers.
    private let isReference: Bool
    private let processor: InputProcessor
    private let contextLength: Int

    /// The scoring of answers by `policy`; nil if the catalog has no reward model.
    ///
    /// - Parameters:
    ///   - images: the images that the messages refer to by index.
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

    /// The maximum length of an answer for which every model has room, including an end token after it.
    public var room: Int {
        contextLength - 1 - [reward, value, reference].reduce(0) { max($0, $1?.prompt.count ?? 0) }
    }

    /// Picks the answer with the highest reward (the first one among equals) and scores it.
    ///
    /// - Parameters:
    ///   - answers: at least one, drawn with log-probabilities if scores are wanted.
    ///   - wantsScores: whether value and KL are computed too.
    ///   - score: runs requests and returns, in their order, the scores of each request's answers:
    ///     `InferenceEngine.scores(of:)`, or a variant that also watches for the caller's disconnect.
    ///   - present: receives the picked answer before its value and KL are computed.
    /// - Returns: nil unless scores are wanted.
    public func pick(
        from answers: [Answer], wantsScores: Bool, score: ([EngineRequest]) async throws -> [[Double]],
        present: (Pick) async throws -> Void
    ) async throws -> AnswerScores? {
        let rewards = try await score([reward.scoring(answers.map(scored))])[0]
        let best = rewards.indices.reduce(0) { rewards[$1] > rewards[$0] ? $1 : $0 }
        let answer = answers[best]
        try await present(Pick(index: best, answer: answer, reward: rewards[best]))
        guard wantsScores else { return nil }
        // The value is read before the first token: it is the same for all answers.
        let requests = [value?.scoring([[]]), reference?.logProbability(of: answer)]
        var scores = try await score(requests.compactMap { $0 }).map { $0[0] }[...]
        let value = requests[0].flatMap { _ in scores.popFirst() }
        let logProbability = requests[1].flatMap { _ in scores.popFirst() }
        return AnswerScores(
            reward: rewards[best], value: value, kl: isReference ? 0 : logProbability.map { answer.logProbability - $0 }
        )
    }

    /// The tokens to be scored; the reward is read at the last one. An answer that was cut off at its limit has no end
    /// token. An answer that a stop string ended counts as ended after its text, unless the context has no room for
    /// that: bytes that are not valid text take more tokens as text than were drawn.
    private func scored(_ answer: Answer) -> [Int32] {
        let tokens = answer.tokens.map(\.id)
        guard case .stopString = answer.completion.reason else { return tokens }
        let whole = processor.answer(answer.text, to: reward)
        return reward.prompt.count + whole.count <= contextLength ? whole : tokens + whole.suffix(1)
    }
}

extension Answer {
    /// Σ log π over the drawn tokens, in nats.
    fileprivate var logProbability: Double { tokens.reduce(0) { $0 + Double($1.logprob ?? 0) } }
}

extension EngineRequest {
    /// The same dialogue as a scoring request with these answers; its policy is a reward or value model.
    public func scoring(_ answers: [[Int32]]) -> EngineRequest {
        guard let head = policy.head else { preconditionFailure("\(policy.name) has no head") }
        var request = self
        request.task = .score(Scoring(.head(head), of: answers))
        return request
    }

    /// The same dialogue as a request for the answer's log-probability under its policy.
    fileprivate func logProbability(of answer: Answer) -> EngineRequest {
        var request = self
        request.task = .score(Scoring(.logProbability, of: [answer.tokens.map(\.id)]))
        return request
    }

    /// Makes several answers differ: a policy that is greedy by default samples at temperature 1.
    public mutating func makeAnswersDiffer() {
        if sampling.temperature == 0 { sampling.temperature = 1 }
    }
}
