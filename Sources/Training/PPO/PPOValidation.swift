import Models
import Support
import Tensors

extension ProximalPolicyOptimization {
    /// Yes: later answers are compared with the reference's own.
    public var validatesAtStart: Bool { heldOut != nil }

    /// The gain of rewards on the held-out prompts over the reference's, and the divergence from the reference: of the
    /// policy and, after the last iteration, also of the average that ships.
    public mutating func validate() throws -> [(name: String, value: Double)] {
        guard let heldOut else { return [] }
        var progress = try PPOProgress(state: state, settings: settings)
        let iterations = progress.iterations
        let answers = try answers(of: policy, to: heldOut, generation: iterations + 1)
        let baseline = try baseline(progress, answers, heldOut)
        progress.referenceScores = baseline
        state = try progress.state()
        try heldOut.record(
            PolicySnapshot(iteration: iterations, adapter: policy, answers: answers.record(iteration: iterations)))
        var metrics = answers.metrics("held_out", over: baseline)
        if iterations == steps || progress.stopReason != nil {
            let average = try self.answers(of: averagedPolicy, to: heldOut, generation: steps + 2)
            metrics += average.metrics("held_out_average", over: baseline)
        }
        return metrics
    }

    /// The reference's scores; before the first iteration the policy is the reference.
    private func baseline(
        _ progress: PPOProgress, _ answers: HeldOutAnswers, _ heldOut: HeldOutPrompts
    ) throws -> [Double] {
        if let known = progress.referenceScores, known.count == answers.scores.count { return known }
        if progress.iterations == 0 { return answers.scores }
        return try self.answers(of: reference, to: heldOut, generation: 1).scores
    }

    private func answers(
        of adapter: LowRankAdapter, to heldOut: HeldOutPrompts, generation: Int
    ) throws -> HeldOutAnswers {
        let images = try sampler.sample(
            heldOut.images, adapter: adapter, generation: generation, answers: 1,
            maximumTokens: settings.maximumTokens
        ) { index in
            var generator = SplitMix64(seed: settings.seed, stream: PPOStreams.heldOut(index))
            return generator.next()
        }
        let batch = AnswerBatch(images, minibatches: 1, rowsPerPass: settings.rowsPerPass)
        let (policy, reference) = (PolicyModel(base, adapter: adapter), PolicyModel(base, adapter: reference))
        return HeldOutAnswers(
            batch: batch,
            scores: zip(try scorer.scores(of: images), batch.answers).map {
                TokenRewards.score($0, ended: $1.ended, missingEndPenalty: settings.missingEndPenalty)
            },
            logProbs: batch.passes.flatMap { policy.prediction(of: $0.trees).logProbs },
            reference: batch.passes.flatMap { reference.prediction(of: $0.trees).logProbs })
    }
}

/// A policy's answers to the held-out prompts.
private struct HeldOutAnswers {
    let batch: AnswerBatch
    /// The scores, including penalties for missing ends.
    let scores: [Double]
    /// Log-probabilities of all tokens under the policy, by the training forward pass, in nats.
    let logProbs: [Float]
    /// Log-probabilities of all tokens under the reference, in nats.
    let reference: [Float]

    func record(iteration: Int) -> RolloutRecord {
        RolloutRecord(iteration: iteration, batch: batch, scores: scores, logProbs: logProbs, reference: reference)
    }

    func metrics(_ prefix: String, over baseline: [Double]) -> [(name: String, value: Double)] {
        let found = RolloutStatistics(
            .init(
                scores: scores, ended: batch.answers.map(\.ended), logProbs: batch.byAnswer(logProbs),
                reference: batch.byAnswer(reference)))
        let gain = RewardGain(
            scores: scores, reference: baseline, groups: batch.images.map(\.questions.count))
        return [
            ("reward", found.reward), ("gain", gain.mean), ("gain_error", gain.error), ("kl", found.divergence),
            ("kl_k3", found.divergenceK3), ("missing_ends", found.missingEnds), ("length", found.length),
        ].map { ("\(prefix)_\($0.0)", $0.1) }
    }
}
