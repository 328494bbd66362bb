public import Datasets
public import Models
import Support
import Tensors

/// Training of a policy directly on rankings, without a reward model and without sampling: DPO on pairs, or KTO on
/// answers that are good or bad by themselves.
///
/// The policy that training starts from is also the reference. All rankings of a prompt are in one step, and prompts
/// about one image are neighbours, so that they share its rows.
public struct PreferenceOptimization: TrainingStage {
    /// "dpo" or "kto".
    public var name: String { settings.method.stage.rawValue }
    /// Rows of the decoder.
    public let unit = "tokens"
    /// The policy's adapter.
    public var parameters: ParameterSet
    /// Its AdamW optimiser.
    public var optimizer: Optimizer
    /// The weight of replayed text, which the first step decides.
    public var state: [String: String] = [:]
    /// The prompts for validation.
    public let heldOut: [RankedPrompt]

    private let base: FrozenDecoder
    private let reference: LowRankAdapter
    private let settings: PreferenceSettings
    private let replay: [ReplayRecord]
    private let training: [RankedPrompt]
    private let schedule: CosineSchedule
    private let stepsPerEpoch: Int

    /// A run over `prompts`.
    ///
    /// - Parameters:
    ///   - reference: the policy to start from, with pairs for all modules of all blocks.
    ///   - heldOut: further validation prompts, in addition to those that the settings hold out from `prompts`.
    ///   - replay: texts of the base model; may be empty.
    /// - Throws: `RankedAnswersError.tooFew` if no prompts are left for training or validation.
    public init(
        base: FrozenDecoder, reference: LowRankAdapter, prompts: [RankedPrompt], heldOut: [RankedPrompt] = [],
        replay: [ReplayRecord], settings: PreferenceSettings
    ) throws(RankedAnswersError) {
        var generator = SplitMix64(seed: settings.seed, stream: 0)
        let split = try RankedPromptSplit(prompts, heldOutImages: settings.heldOutImages, using: &generator)
        self.heldOut = heldOut + split.heldOut
        if self.heldOut.isEmpty { throw .tooFew(what: "held-out prompts", expected: 1, found: 0) }
        training = split.training
        self.base = base
        self.reference = reference
        self.settings = settings
        self.replay = replay
        parameters = ParameterSet(reference.parameters)
        optimizer = Optimizer(
            parameters: parameters, groups: [.init(learningRate: settings.learningRate)], settings: settings.optimizer)
        stepsPerEpoch = (training.count + settings.promptsPerStep - 1) / settings.promptsPerStep
        schedule = CosineSchedule(
            steps: stepsPerEpoch * settings.epochs, warmUp: settings.warmUp, floor: settings.floor)
    }

    /// The number of steps of the whole run.
    public var steps: Int { schedule.steps }

    /// The current policy.
    public var policy: LowRankAdapter {
        LowRankAdapter(parameters, like: base.configuration, rank: reference.rank, alpha: reference.alpha)
    }

    /// Forward, backward and update on the prompts of `step`.
    public mutating func advance(step: Int) throws -> StepReport {
        let prompts = prompts(of: step)
        var (result, gradients, rows) = Self.step(
            on: prompts, policy: policy, reference: reference, base: base, settings: settings)
        let model = PolicyModel(base, adapter: policy)
        let replayLoss = addReplay(to: &gradients, by: model, step: step)
        let norm = optimizer.update(
            &parameters, gradients: gradients, factor: schedule.factor(at: step), on: base.compute)
        return StepReport(
            loss: result.loss, units: rows,
            metrics: [("gradient_norm", norm)] + result.metrics + (replayLoss.map { [("loss_replay", $0)] } ?? []))
    }

    /// The loss of `prompts` and its gradient with respect to the policy's parameters.
    package static func gradients(
        of prompts: [RankedPrompt], policy: LowRankAdapter, reference: LowRankAdapter, base: FrozenDecoder,
        settings: PreferenceSettings
    ) -> (loss: Double, gradients: ParameterSet) {
        let (result, gradients, _) = step(
            on: prompts, policy: policy, reference: reference, base: base, settings: settings)
        return (result.loss, gradients)
    }

    private static func step(
        on prompts: [RankedPrompt], policy: LowRankAdapter, reference: LowRankAdapter, base: FrozenDecoder,
        settings: PreferenceSettings
    ) -> (result: PreferenceBatch.Result, gradients: ParameterSet, rows: Int) {
        let batch = PreferenceBatch(prompts, method: settings.method)
        let expected = PolicyModel(base, adapter: reference).prediction(of: batch.trees).logProbs
        var result = PreferenceBatch.Result()
        let gradients = PolicyModel(base, adapter: policy).gradients(of: batch.trees) { logProbs in
            result = batch.loss(logProbs, reference: expected, settings: settings)
            return batch.slopes(result)
        }
        return (result, gradients, batch.trees.rows.count)
    }

    /// The prompts of a step, from an order that every epoch draws anew.
    private func prompts(of step: Int) -> [RankedPrompt] {
        let (epoch, index) = step.quotientAndRemainder(dividingBy: stepsPerEpoch)
        var generator = SplitMix64(seed: settings.seed, stream: 1 << 32 | UInt64(epoch))
        let groups = RankedPromptSplit.grouped(training).shuffled(using: &generator)
        return Array(groups.joined().dropFirst(index * settings.promptsPerStep).prefix(settings.promptsPerStep))
    }

    /// Adds the gradient of -γ mean log π(text). The first step sets γ, so that this gradient has the norm, relative to
    /// the preferences' own gradient, that the settings ask for (Ouyang et al. 2022, eq. 2, at this scale).
    private mutating func addReplay(
        to gradients: inout ParameterSet, by model: PolicyModel, step: Int
    ) -> Double? {
        guard !replay.isEmpty,
            let text = model.replay(
                ReplayExcerpt(replay[step % replay.count], limit: settings.replayRows, turn: step / replay.count))
        else { return nil }
        let weight =
            state["replay_weight"].flatMap(Double.init)
            ?? settings.replayShare * gradients.norm(on: base.compute)
            / max(text.gradients.norm(on: base.compute), 1e-12)
        state["replay_weight"] = "\(weight)"
        gradients.add(text.gradients, scale: Float(weight), on: base.compute)
        return text.loss
    }

    /// The loss on held-out prompts, and how often the preferred answer of a pair has the higher log-ratio.
    public mutating func validate() throws -> [(name: String, value: Double)] {
        let model = PolicyModel(base, adapter: policy)
        let reference = PolicyModel(base, adapter: reference)
        var all = PreferenceBatch.Result()
        for start in stride(from: 0, to: heldOut.count, by: settings.promptsPerStep) {
            let prompts = heldOut[start..<min(heldOut.count, start + settings.promptsPerStep)]
            let batch = PreferenceBatch(Array(prompts), method: settings.method)
            let found = batch.loss(
                model.prediction(of: batch.trees).logProbs,
                reference: reference.prediction(of: batch.trees).logProbs, settings: settings)
            all.add(found, of: prompts.count)
        }
        return [("loss_held_out", all.loss)] + all.metrics.map { ("held_out_\($0.name)", $0.value) }
    }
}

/// The methods of training on preferences.
public enum PreferenceMethod: String, Codable, Sendable, CaseIterable {
    /// Direct preference optimisation, on pairs.
    case dpo
    /// Kahneman-Tversky optimisation, on answers that are good or bad.
    case kto

    /// The stage of its runs.
    public var stage: TrainedStage {
        switch self {
        case .dpo: .dpo
        case .kto: .kto
        }
    }
}

/// The settings of training on preferences; together with the input files they decide the result.
public struct PreferenceSettings: Codable, Sendable, Equatable {
    /// The method.
    public var method = PreferenceMethod.dpo
    /// Decides the order of the data and the held-out images.
    public var seed: UInt64 = 0
    /// The number of passes over the rankings.
    public var epochs = 1
    /// Prompts per step; all answers to a prompt are in one step.
    public var promptsPerStep = 16
    /// The loss of a pair, for DPO.
    public var objective = PairObjective.sigmoid
    /// β: the larger, the nearer the policy stays to the one that it starts from.
    public var beta = 0.1
    /// The share of pairs that count as wrong (cDPO), for DPO with `sigmoid`.
    public var labelSmoothing = 0.0
    /// The weight of a good answer, for KTO.
    public var desirableWeight = 1.0
    /// The weight of a bad answer, for KTO.
    public var undesirableWeight = 1.0
    /// The learning rate of the adapter.
    public var learningRate: Float = 1e-4
    /// Steps over which the learning rate rises.
    public var warmUp = 5
    /// The share of the learning rate at the end.
    public var floor: Float = 0.1
    /// AdamW's moments and clipping.
    public var optimizer = Optimizer.Settings()
    /// The norm of the replayed text's gradient as a share of the preferences', at the first step.
    public var replayShare = 0.2
    /// Upper bound on the rows of the text that joins each step; the text is cut there.
    public var replayRows = 256
    /// The number of images, drawn by the seed, whose prompts are held out; 0 if held-out rankings have their own file.
    public var heldOutImages = 100

    /// The default settings.
    public init() {}
}
