public import Datasets
public import Models
import Support
import Tensors

/// Stage 4: the policy learns to give answers with high scores while staying close to the reference, the policy `sft`
/// that it starts from (Ouyang et al. 2022, eq. 2, by the algorithm of Ziegler et al. 2019 and Schulman et al. 2017).
///
/// A step is one iteration: sample answers with the serving engine, score them, estimate advantages, and update policy
/// and value model once for each minibatch. The decoder and the vision encoder are frozen; policy, reference, value and
/// reward model are adapters on the same decoder.
public struct ProximalPolicyOptimization: TrainingStage {
    /// "ppo".
    public let name = TrainedStage.ppo.rawValue
    /// Answers.
    public let unit = "answers"
    /// The policy's adapter.
    public var parameters: ParameterSet
    /// The policy's AdamW optimiser.
    public var optimizer: Optimizer
    /// The weights of the divergences, their targets, and the counts of the stop rule.
    public var state: [String: String] = [:]

    let base: FrozenDecoder
    let settings: PPOSettings
    let replay: [ReplayRecord]
    let reference: LowRankAdapter
    let sampler: RolloutSampler
    let scorer: any AnswerScorer
    let heldOut: HeldOutPrompts?
    var valueParameters: ParameterSet
    var valueOptimizer: Optimizer
    /// The average of the policies.
    private var average: ParameterSet
    private let initialValue: ValueModel
    private let prompts: any PromptSource
    private let record: (RolloutRecord) throws -> Void

    /// A run that starts from `reference`.
    ///
    /// - Parameters:
    ///   - reference: the policy `sft`, with pairs for all modules of all blocks.
    ///   - value: the initial value model, made from the reward model.
    ///   - scorer: gives the rewards.
    ///   - replay: texts of the base model; may be empty.
    ///   - heldOut: the prompts for validation; nil for no validation.
    ///   - record: receives each iteration's samples, for people to read.
    public init(
        base: FrozenDecoder, reference: LowRankAdapter, value: ValueModel, sampler: RolloutSampler,
        scorer: any AnswerScorer, prompts: any PromptSource, replay: [ReplayRecord], settings: PPOSettings,
        heldOut: HeldOutPrompts? = nil, record: @escaping (RolloutRecord) throws -> Void = { _ in }
    ) {
        self.base = base
        self.reference = reference
        self.initialValue = value
        self.sampler = sampler
        self.scorer = scorer
        self.prompts = prompts
        self.replay = replay
        self.settings = settings
        self.heldOut = heldOut
        self.record = record
        parameters = ParameterSet(reference.parameters)
        average = parameters
        valueParameters = value.parameters
        optimizer = Optimizer(
            parameters: parameters, groups: [.init(learningRate: settings.policyRate)], settings: settings.optimizer)
        valueOptimizer = Optimizer(
            parameters: valueParameters,
            groups: [
                .init(prefix: "head.", learningRate: settings.headRate),
                .init(prefix: "adapter.", learningRate: settings.valueRate),
            ], settings: settings.optimizer)
    }

    /// The number of iterations of the whole run.
    public var steps: Int { settings.iterations }

    /// The current policy.
    public var policy: LowRankAdapter { adapter(of: parameters) }

    /// The average of all policies so far, which ships.
    public var averagedPolicy: LowRankAdapter { adapter(of: average) }

    /// The current value model.
    public var value: ValueModel {
        ValueModel(valueParameters, like: initialValue, configuration: base.configuration)
    }

    private func adapter(of parameters: ParameterSet) -> LowRankAdapter {
        LowRankAdapter(parameters, like: base.configuration, rank: reference.rank, alpha: reference.alpha)
    }

    /// One iteration.
    public mutating func advance(step: Int) throws -> StepReport {
        var progress = try PPOProgress(state: state, settings: settings)
        valueOptimizer.updates = progress.valueUpdates
        let experience = try experience(of: step, klWeight: progress.klWeight)
        begin(&progress, experience)
        progress.iterations = step + 1
        let trainsPolicy = settings.trainsPolicy(in: step)
        let update = update(
            on: experience, trainsPolicy: trainsPolicy, factor: settings.rateFactor(at: step), progress: &progress,
            step: step)
        let report = report(experience, update, progress)
        try record(
            RolloutRecord(
                iteration: step + 1, batch: experience.batch, scores: experience.scores,
                logProbs: experience.logProbs, reference: experience.reference))
        if trainsPolicy { adapt(&progress, experience, update) }
        average.average(with: parameters, decay: settings.averageDecay, on: base.compute)
        state = try progress.state()
        return report
    }

    // MARK: The steps of an iteration

    private func experience(of step: Int, klWeight: Double) throws -> Experience {
        let asked = try sampler.sample(
            try prompts.images(of: step), adapter: policy, generation: step + 1, answers: settings.answersPerQuestion,
            maximumTokens: settings.maximumTokens
        ) { index in
            var generator = SplitMix64(
                seed: settings.seed, stream: PPOStreams.answer(iteration: step, index: index))
            return generator.next()
        }
        let informative = InformativeQuestions(of: asked, limit: settings.questions)
        let images = informative.images
        let batch = AnswerBatch(images, minibatches: settings.minibatches, rowsPerPass: settings.rowsPerPass)
        let scores = try scorer.scores(of: images)
        precondition(scores.count == batch.lengths.count, "\(scores.count) scores for \(batch.lengths.count) answers")
        return Experience(
            batch, measured: measure(batch), scores: scores, informative: informative.share, klWeight: klWeight,
            settings: settings)
    }

    private func measure(_ batch: AnswerBatch) -> Experience.Measured {
        var measured = Experience.Measured()
        let (policy, reference) = (PolicyModel(base, adapter: policy), PolicyModel(base, adapter: reference))
        let value = value
        for pass in batch.passes {
            let prediction = policy.prediction(of: pass.trees)
            measured.policy += prediction.logProbs
            measured.entropies += prediction.entropies
            measured.reference += reference.prediction(of: pass.trees).logProbs
            if settings.advantage == .value { measured.values += value.values(of: pass.trees, in: base) }
        }
        return measured
    }

    /// Sets the values that the first iteration decides, and counts for the stop rule.
    private func begin(_ progress: inout PPOProgress, _ experience: Experience) {
        let found = experience.statistics
        let target = progress.klTarget ?? settings.klTarget * found.length
        let entropy = progress.referenceEntropy ?? experience.entropy
        progress.klTarget = target
        progress.referenceEntropy = entropy
        guard let rule = settings.stop else { return }
        let isOver = found.divergence > rule.divergence * target
        progress.overTarget = isOver ? progress.overTarget + 1 : 0
        progress.stopReason = rule.reason(
            overTarget: progress.overTarget, missingEnds: found.missingEnds, entropy: experience.entropy,
            referenceEntropy: entropy)
    }

    private func adapt(_ progress: inout PPOProgress, _ experience: Experience, _ update: UpdateStatistics) {
        progress.klWeight = settings.klControl.next(
            progress.klWeight, divergence: experience.statistics.divergence,
            target: progress.klTarget ?? settings.klTarget, episodes: experience.scores.count,
            horizon: settings.klHorizon)
        progress.penaltyWeight = KLControl.switch.next(
            progress.penaltyWeight, divergence: update.lastRatios.approxKLK3, target: settings.penaltyTarget,
            episodes: experience.scores.count, horizon: settings.klHorizon)
    }

    // MARK: Reports

    /// Why a rule stopped the run after the last iteration; nil if none did.
    public func stopReason() throws -> String? {
        try PPOProgress(state: state, settings: settings).stopReason
    }
}

// MARK: What a checkpoint holds beside the policy and its optimiser

extension ProximalPolicyOptimization {
    private static let parts = ["value.", "value-first.", "value-second.", "average."]

    /// The value model, its optimiser's moments, and the average of the policies.
    public var further: ParameterSet {
        get {
            let sets = [valueParameters, valueOptimizer.first, valueOptimizer.second, average]
            return ParameterSet(
                zip(Self.parts, sets).flatMap { part, set in
                    zip(set.names, set.tensors).map { (part + $0, $1) }
                })
        }
        set {
            func set(_ part: String, like set: ParameterSet) -> ParameterSet {
                ParameterSet(set.names.map { ($0, newValue[part + $0]) })
            }
            valueOptimizer.first = set(Self.parts[1], like: valueParameters)
            valueOptimizer.second = set(Self.parts[2], like: valueParameters)
            valueParameters = set(Self.parts[0], like: valueParameters)
            average = set(Self.parts[3], like: average)
        }
    }
}
