import Models
import Tensors

/// Statistics of the updates of one iteration.
struct UpdateStatistics: Sendable {
    var policyLoss = 0.0
    var valueLoss = 0.0
    var replayLoss: Double?
    var ratios = RatioStatistics()
    /// The ratios of the first minibatch, before any update: all are 1, by construction.
    var firstRatios: RatioStatistics?
    /// The ratios of the last minibatch.
    var lastRatios = RatioStatistics()
    var valuesClipped = 0
    var policyNorm = 0.0
    var valueNorm = 0.0
    var minibatches = 0
}

extension ProximalPolicyOptimization {
    /// Updates the policy, and the value model if there is one, once for each minibatch, in order.
    mutating func update(
        on experience: Experience, trainsPolicy: Bool, factor: Float, progress: inout PPOProgress, step: Int
    ) -> UpdateStatistics {
        var statistics = UpdateStatistics()
        for (index, passes) in experience.batch.minibatches.enumerated() {
            if settings.advantage == .value {
                updateValue(on: passes, of: experience, factor: factor, &progress, &statistics)
            }
            if trainsPolicy {
                let batchIndex = step * settings.minibatches + index
                updatePolicy(on: passes, of: experience, factor: factor, replay: batchIndex, &progress, &statistics)
            }
            statistics.minibatches += 1
        }
        return statistics
    }

    private mutating func updateValue(
        on passes: [AnswerBatch.Pass], of experience: Experience, factor: Float, _ progress: inout PPOProgress,
        _ statistics: inout UpdateStatistics
    ) {
        let tokens = passes.reduce(0) { $0 + $1.tokens.count }
        var sum = valueParameters.zeros(on: base.compute)
        for pass in passes {
            let gradients = value.gradients(of: pass.trees, in: base) { values in
                let loss = ValueLoss(
                    values: values.map(Double.init), old: experience.values[pass.tokens].map(Double.init),
                    returns: Array(experience.returns[pass.tokens]), tokens: tokens, range: settings.clipRange)
                statistics.valueLoss += loss.loss
                statistics.valuesClipped += loss.clipped
                return loss.gradients.map { Float($0) }
            }
            sum.add(gradients, on: base.compute)
        }
        statistics.valueNorm += valueOptimizer.update(
            &valueParameters, gradients: sum, factor: factor, on: base.compute)
        progress.valueUpdates = valueOptimizer.updates
    }

    private mutating func updatePolicy(
        on passes: [AnswerBatch.Pass], of experience: Experience, factor: Float, replay batchIndex: Int,
        _ progress: inout PPOProgress, _ statistics: inout UpdateStatistics
    ) {
        let model = PolicyModel(base, adapter: policy)
        let tokens = passes.reduce(0) { $0 + $1.tokens.count }
        var sum = parameters.zeros(on: base.compute)
        var ratios = RatioStatistics()
        for pass in passes {
            let gradients = model.gradients(of: pass.trees) { logProbs in
                let loss = policyLoss(logProbs.map(Double.init), pass, of: experience, tokens: tokens, progress)
                statistics.policyLoss += loss.loss
                ratios.add(loss.ratios)
                return loss.gradients
            }
            sum.add(gradients, on: base.compute)
        }
        statistics.ratios.add(ratios)
        statistics.firstRatios = statistics.firstRatios ?? ratios
        statistics.lastRatios = ratios
        addReplay(to: &sum, by: model, batchIndex: batchIndex, &progress, &statistics)
        statistics.policyNorm += optimizer.update(&parameters, gradients: sum, factor: factor, on: base.compute)
    }

    private func policyLoss(
        _ logProbs: [Double], _ pass: AnswerBatch.Pass, of experience: Experience, tokens: Int,
        _ progress: PPOProgress
    ) -> PolicyLoss {
        let old = experience.logProbs[pass.tokens].map(Double.init)
        let advantages = Array(experience.advantages[pass.tokens])
        let loss: PolicyLoss =
            switch settings.objective {
            case .clipped:
                .clipped(
                    logProbs: logProbs, old: old, advantages: advantages, tokens: tokens, range: settings.clipRange)
            case .penalized:
                .penalized(
                    logProbs: logProbs, old: old, advantages: advantages, tokens: tokens,
                    weight: progress.penaltyWeight)
            }
        guard settings.advantage == .group else { return loss }
        return loss.adding(
            divergenceFrom: experience.reference[pass.tokens].map(Double.init), logProbs: logProbs,
            weight: progress.klWeight, tokens: tokens)
    }

    /// Adds the gradient of -γ mean log π(text). γ is set once, so that the first such gradient has the norm, relative
    /// to the policy's own gradient, that the settings ask for.
    private func addReplay(
        to sum: inout ParameterSet, by model: PolicyModel, batchIndex: Int, _ progress: inout PPOProgress,
        _ statistics: inout UpdateStatistics
    ) {
        guard !replay.isEmpty,
            let text = model.replay(
                ReplayExcerpt(
                    replay[batchIndex % replay.count], limit: settings.replayRows, turn: batchIndex / replay.count))
        else { return }
        let weight: Double
        if let fixed = progress.replayWeight {
            weight = fixed
        } else {
            let norm = text.gradients.norm(on: base.compute)
            weight = settings.replayShare * sum.norm(on: base.compute) / max(norm, 1e-12)
            progress.replayWeight = weight
        }
        statistics.replayLoss = (statistics.replayLoss ?? 0) + text.loss
        sum.add(text.gradients, scale: Float(weight), on: base.compute)
    }
}
