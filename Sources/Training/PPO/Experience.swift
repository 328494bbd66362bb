/// One iteration's answers with all inputs of the updates. It is constant while the updates are made.
struct Experience: Sendable {
    let batch: AnswerBatch
    /// Log-probabilities of all tokens under the policy that sampled them, by the training forward pass.
    let logProbs: [Float]
    /// Log-probabilities of all tokens under the reference.
    let reference: [Float]
    /// The values before the updates; empty without a value model, like the returns.
    let values: [Float]
    let advantages: [Double]
    let returns: [Double]
    /// The answers' scores, including penalties for missing ends.
    let scores: [Double]
    /// The share of the asked questions whose answers differ.
    let informative: Double
    /// The policy's entropy, in nats per token.
    let entropy: Double
    let statistics: RolloutStatistics

    /// The models' outputs for the answers in `batch`.
    struct Measured: Sendable {
        var policy: [Float] = []
        var reference: [Float] = []
        var values: [Float] = []
        var entropies: [Float] = []
    }

    /// - Parameters:
    ///   - scores: the scorer's scores, without penalties.
    ///   - informative: the share of the asked questions whose answers differ.
    ///   - klWeight: β.
    init(
        _ batch: AnswerBatch, measured: Measured, scores: [Double], informative: Double, klWeight: Double,
        settings: PPOSettings
    ) {
        let answers = batch.answers
        let logProbs = batch.byAnswer(measured.policy)
        let reference = batch.byAnswer(measured.reference)
        let scores = zip(scores, answers).map {
            TokenRewards.score($0, ended: $1.ended, missingEndPenalty: settings.missingEndPenalty)
        }
        let estimate = Self.estimate(
            scores, batch: batch, logProbs: logProbs, reference: reference, values: measured.values,
            klWeight: klWeight, settings: settings)
        self.batch = batch
        self.logProbs = measured.policy
        self.reference = measured.reference
        self.values = measured.values
        self.advantages = estimate.advantages
        self.returns = estimate.returns
        self.scores = scores
        self.informative = informative
        self.entropy = Moments(measured.entropies.map(Double.init)).mean
        self.statistics = RolloutStatistics(
            .init(
                scores: scores, ended: answers.map(\.ended), logProbs: logProbs, reference: reference))
    }

    /// The advantages of all tokens, and the targets of the value model if there is one.
    private static func estimate(
        _ scores: [Double], batch: AnswerBatch, logProbs: [[Double]], reference: [[Double]], values: [Float],
        klWeight: Double, settings: PPOSettings
    ) -> (advantages: [Double], returns: [Double]) {
        func spread(_ advantages: [Double]) -> [Double] {
            zip(advantages, batch.lengths).flatMap { Array(repeating: $0, count: $1) }
        }
        switch settings.advantage {
        case .group: return (spread(GroupAdvantage.normalized(scores, questions: batch.questions)), [])
        case .leaveOneOut:
            let rewards = scores.indices.map { index in
                TokenRewards.rewards(
                    score: scores[index], logProbs: logProbs[index], reference: reference[index], klWeight: klWeight
                ).reduce(0, +)
            }
            return (spread(GroupAdvantage.leaveOneOut(rewards, questions: batch.questions)), [])
        case .value:
            let relative = TokenRewards.relative(scores, questions: batch.questions)
            var rewards = scores.indices.map {
                TokenRewards.rewards(
                    score: relative[$0], logProbs: logProbs[$0], reference: reference[$0], klWeight: klWeight)
            }
            if settings.whitensRewards { rewards = Whitening.whitened(rewards, keepsMean: true) }
            let estimates = zip(rewards, batch.byAnswer(values)).map {
                AdvantageEstimation(rewards: $0, values: $1, lambda: settings.lambda)
            }
            return (
                Whitening.whitened(estimates.map(\.advantages), keepsMean: false).flatMap { $0 },
                estimates.flatMap(\.returns)
            )
        }
    }

    /// |log π of the engine - log π of the training forward| of the sampled tokens, in nats: mean and maximum.
    var rolloutLogProbMismatch: (mean: Double, greatest: Double) {
        let gaps = zip(batch.answers.flatMap(\.logProbs), logProbs).map { Double(abs($0 - $1)) }
        return (Moments(gaps).mean, gaps.max() ?? 0)
    }
}
