/// One iteration's answers with all inputs of the updates. It is constant while the updates are made.
struct Experience: Sendable {
    let batch: AnswerBatch
    /// Log-probabilities of all tokens under the policy that sampled them, by the training forward pass.
    let logProbs: [Float]
    /// Log-probabilities of all tokens under the reference.
    let reference: [Float]
    /// The values before the updates.
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
        let values = batch.byAnswer(measured.values)
        let scores = zip(scores, answers).map {
            TokenRewards.score($0, ended: $1.ended, missingEndPenalty: settings.missingEndPenalty)
        }
        let relative = TokenRewards.relative(scores, questions: batch.questions)
        var rewards = answers.indices.map {
            TokenRewards.rewards(
                score: relative[$0], logProbs: logProbs[$0], reference: reference[$0], klWeight: klWeight)
        }
        if settings.whitensRewards { rewards = Whitening.whitened(rewards, keepsMean: true) }
        let estimates = zip(rewards, values).map {
            AdvantageEstimation(rewards: $0, values: $1, lambda: settings.lambda)
        }
        self.batch = batch
        self.logProbs = measured.policy
        self.reference = measured.reference
        self.values = measured.values
        self.advantages = Whitening.whitened(estimates.map(\.advantages), keepsMean: false).flatMap { $0 }
        self.returns = estimates.flatMap(\.returns)
        self.scores = scores
        self.informative = informative
        self.entropy = Moments(measured.entropies.map(Double.init)).mean
        self.statistics = RolloutStatistics(
            .init(
                scores: scores, ended: answers.map(\.ended), logProbs: logProbs, reference: reference))
    }

    /// |log π of the engine - log π of the training forward| of the sampled tokens, in nats: mean and maximum.
    var rolloutLogProbMismatch: (mean: Double, greatest: Double) {
        let gaps = zip(batch.answers.flatMap(\.logProbs), logProbs).map { Double(abs($0 - $1)) }
        return (Moments(gaps).mean, gaps.max() ?? 0)
    }
}
