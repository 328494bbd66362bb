import Foundation

extension ProximalPolicyOptimization {
    /// The metrics of an iteration. Metrics of an update that was skipped are left out.
    func report(_ experience: Experience, _ update: UpdateStatistics, _ progress: PPOProgress) -> StepReport {
        let found = experience.statistics
        let gap = experience.rolloutLogProbMismatch
        let minibatches = Double(max(1, update.minibatches))
        var metrics: [(name: String, value: Double)] = [
            ("reward", found.reward), ("kl", found.divergence), ("kl_k3", found.divergenceK3),
            ("kl_weight", progress.klWeight), ("kl_target", progress.klTarget ?? 0),
            ("entropy", experience.entropy), ("missing_ends", found.missingEnds), ("length", found.length),
            ("contested", experience.informative), ("sampler_gap_mean", gap.mean), ("sampler_gap_max", gap.greatest),
        ]
        if settings.advantage == .value {
            let explained = RolloutStatistics.explainedVariance(
                returns: experience.returns, values: experience.values.map(Double.init))
            metrics += [
                ("explained_variance", explained), ("value_loss", update.valueLoss / minibatches),
                ("value_clip_fraction", Double(update.valuesClipped) / Double(experience.values.count)),
                ("gradient_norm_value", update.valueNorm / minibatches),
            ]
        }
        if let first = update.firstRatios {
            metrics += [
                ("policy_loss", update.policyLoss / minibatches), ("clip_fraction", update.ratios.clipFraction),
                ("approximate_kl", update.ratios.approxKL),
                ("first_ratio_distance", first.maxRatioDeviation),
                ("gradient_norm_policy", update.policyNorm / minibatches),
            ]
            if settings.objective == .penalized { metrics.append(("penalty_weight", progress.penaltyWeight)) }
        }
        if let loss = update.replayLoss, let weight = progress.replayWeight {
            metrics += [("replay_loss", loss / minibatches), ("replay_weight", weight)]
        }
        var summary = String(
            format: "reward %.3f  KL %.3f (target %.3f, weight %.4f)  entropy %.3f", found.reward, found.divergence,
            progress.klTarget ?? 0, progress.klWeight, experience.entropy)
        if progress.iterations == 1 {
            // Prompts are worth asking only if the policy's answers differ.
            summary += String(format: "  answers differ to %.0f %% of the questions", 100 * experience.informative)
        }
        return StepReport(
            loss: (update.policyLoss + update.valueLoss) / minibatches, units: experience.scores.count,
            metrics: metrics, summary: summary)
    }

    /// The plots of a run.
    public var plots: [MetricPlot] {
        [
            MetricPlot(file: "reward.svg", title: "mean reward of an answer", names: ["reward", "held_out_reward"]),
            MetricPlot(
                file: "held_out_gain.svg", title: "held-out reward over the reference's, in its deviations",
                names: ["held_out_gain", "held_out_average_gain"]),
            MetricPlot(
                file: "kl.svg", title: "KL to the reference, nats an answer",
                names: ["kl", "kl_k3", "kl_target", "held_out_kl"]),
            MetricPlot(file: "kl_weight.svg", title: "weight of the KL", names: ["kl_weight"]),
            MetricPlot(file: "entropy.svg", title: "entropy, nats a token", names: ["entropy"]),
            MetricPlot(file: "clip_fraction.svg", title: "share of clipped tokens", names: ["clip_fraction"]),
        ]
            + (settings.advantage == .value
                ? [MetricPlot(file: "value_loss.svg", title: "loss of the value model", names: ["value_loss"])] : [])
    }
}

/// The state that an iteration hands to the next, besides tensors.
struct PPOProgress: Codable, Sendable, Equatable {
    /// The number of finished iterations.
    var iterations = 0
    /// β, the weight of the divergence from the reference.
    var klWeight: Double
    /// The target of an answer's divergence, in nats; nil before the first iteration.
    var klTarget: Double?
    /// The number of consecutive iterations whose divergence exceeds the stop rule's bound.
    var overTarget = 0
    /// The reference's entropy in nats per token; nil before the first iteration.
    var referenceEntropy: Double?
    /// The weight of the divergence from the old policy.
    var penaltyWeight: Double
    /// The weight of the replayed text; nil before the first update of the policy.
    var replayWeight: Double?
    /// The number of updates of the value model so far.
    var valueUpdates = 0
    /// Scores of the reference's answers to the held-out prompts; nil before the first validation.
    var referenceScores: [Double]?
    /// Why the run was stopped; nil if it was not.
    var stopReason: String?

    private static let field = "progress"

    init(_ settings: PPOSettings) {
        klWeight = settings.klWeight
        penaltyWeight = settings.penaltyWeight
    }

    /// The progress in `state`; initial progress if `state` is empty.
    init(state: [String: String], settings: PPOSettings) throws {
        guard let text = state[Self.field] else {
            self.init(settings)
            return
        }
        self = try JSONDecoder().decode(PPOProgress.self, from: Data(text.utf8))
    }

    func state() throws -> [String: String] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return [Self.field: String(decoding: try encoder.encode(self), as: UTF8.self)]
    }
}
