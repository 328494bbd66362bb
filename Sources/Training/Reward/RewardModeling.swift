import Datasets
public import Models
import Support
import Tensors

/// Stage 3: an adapter, initialised from `sft`'s, and a head learn the labelers' preferences; the decoder, the vision
/// encoder and the connector are frozen.
///
/// Training makes one pass over the prompts. All pairs of a prompt are in one step, because the model would otherwise
/// fit each answer several times (Ouyang et al. 2022, §3.5). Prompts about one image are consecutive, so that they
/// share its rows.
public struct RewardModeling: TrainingStage {
    /// "reward".
    public let name = TrainedStage.reward.rawValue
    /// Rows of the decoder.
    public let unit = "tokens"
    /// The parameters of the head and the adapter.
    public var parameters: ParameterSet
    /// Their AdamW optimiser.
    public var optimizer: Optimizer
    /// Empty: the order of the data follows from seed and step.
    public var state: [String: String] = [:]
    /// The prompts for validation.
    public let heldOut: [RankedPrompt]

    private let base: FrozenDecoder
    private let settings: RewardModelingSettings
    private let training: [RankedPrompt]
    private let schedule: CosineSchedule
    private let rank: Int
    private let alpha: Float

    /// A run over `prompts`.
    ///
    /// - Parameters:
    ///   - adapter: the initial adapter, with pairs for all modules of all blocks.
    ///   - heldOut: further validation prompts, in addition to those that the settings hold out from `prompts`.
    /// - Throws: `RankedAnswersError.tooFew` if no prompts are left for training or validation.
    public init(
        base: FrozenDecoder, adapter: LowRankAdapter, prompts: [RankedPrompt], heldOut: [RankedPrompt] = [],
        settings: RewardModelingSettings
    ) throws(RankedAnswersError) {
        var generator = SplitMix64(seed: settings.seed, stream: 0)
        let head = RewardHead(
            score: ScalarHead(starting: base.configuration.hidden, using: &generator),
            logProbWeight: settings.logProbWeight)
        let split = try RankedPromptSplit(prompts, heldOutImages: settings.heldOutImages, using: &generator)
        self.heldOut = heldOut + split.heldOut
        if self.heldOut.isEmpty { throw .tooFew(what: "held-out prompts", expected: 1, found: 0) }
        var training = split.training
        if let limit = settings.trainingPrompts { training = Array(training.prefix(max(1, limit))) }
        if settings.shufflesRankings { training = training.map { $0.shuffled(using: &generator) } }
        self.base = base
        self.settings = settings
        self.training = training
        self.rank = adapter.rank
        self.alpha = adapter.alpha
        self.parameters = ParameterSet(head.parameters + adapter.parameters)
        self.optimizer = Optimizer(
            parameters: parameters,
            groups: [
                .init(prefix: "head.", learningRate: settings.headRate),
                .init(prefix: "adapter.", learningRate: settings.adapterRate),
            ], settings: settings.optimizer)
        let steps = (training.count + settings.promptsPerStep - 1) / settings.promptsPerStep
        self.schedule = CosineSchedule(steps: steps, warmUp: settings.warmUp, floor: settings.floor)
    }

    /// The number of steps of the whole run: one pass over the training prompts.
    public var steps: Int { schedule.steps }

    /// The current model.
    public var model: RewardModel {
        RewardModel(
            base: base, adapter: LowRankAdapter(parameters, like: base.configuration, rank: rank, alpha: alpha),
            head: RewardHead(parameters))
    }

    /// Forward, backward and update on the prompts of `step`.
    public mutating func advance(step: Int) throws -> StepReport {
        let first = step * settings.promptsPerStep
        let prompts = training[first..<min(training.count, first + settings.promptsPerStep)]
        let result = model.gradients(of: prompts)
        let gradients = ParameterSet(result.head.parameters + result.adapter.parameters)
        let norm = optimizer.update(
            &parameters, gradients: gradients, factor: schedule.factor(at: step), on: base.compute)
        var score = PairScore()
        for (prompt, rewards) in zip(prompts, result.rewards) { score.count(prompt, rewards: rewards) }
        return StepReport(
            loss: result.loss, units: result.rows,
            metrics: [
                (name: "gradient_norm", value: norm), (name: "pairs_right", value: score.accuracy),
                (name: "margin", value: score.margin),
                (name: "likelihood", value: Double(model.head.logProbWeight)),
            ])
    }

    /// Loss and accuracy over the pairs of the held-out prompts, and the accuracy by family.
    public mutating func validate() throws -> [(name: String, value: Double)] {
        let rewards = model.rewards(of: heldOut)
        let scores = PairScore.families(heldOut, rewards: rewards)
        let all = PairScore(joining: scores.values)
        let own = PairScore.own(heldOut, rewards: rewards)
        return [("accuracy", all.accuracy), ("accuracy_own", own.accuracy), ("loss_held_out", all.loss)]
            + scores.sorted { $0.key < $1.key }.map { ("family_\($0.key)", $0.value.accuracy) }
    }
}

extension RankedPrompt {
    /// The prompt with each of its rankings assigned to the answers in a random order.
    fileprivate func shuffled(using generator: inout some RandomNumberGenerator) -> RankedPrompt {
        RankedPrompt(
            id: id, image: image, prefix: prefix, tiles: tiles, embeddings: embeddings, question: question,
            answers: answers,
            rankings: rankings.map { ranking in
                let order = answers.indices.shuffled(using: &generator)
                return .init(
                    labeler: ranking.labeler,
                    pairs: ranking.pairs.map { .init(chosen: order[$0.chosen], rejected: order[$0.rejected]) },
                    weight: ranking.weight)
            }, family: family, distractors: distractors)
    }
}

/// The settings of the reward model's training; together with the input files they decide the result.
public struct RewardModelingSettings: Codable, Sendable, Equatable {
    /// Decides the head's initial weights, the order of the data and the held-out images.
    public var seed: UInt64 = 0
    /// Prompts per step; all pairs of a prompt are in one step.
    public var promptsPerStep = 16
    /// Upper bound on the training prompts; nil for all of them, once.
    public var trainingPrompts: Int?
    /// The initial reward per nat of an answer's log-probability.
    public var logProbWeight: Float = 0.5
    /// The learning rate of the adapter.
    public var adapterRate: Float = 1e-4
    /// The learning rate of the head.
    public var headRate: Float = 1e-3
    /// Steps over which the learning rates rise.
    public var warmUp = 5
    /// The share of the learning rates at the end.
    public var floor: Float = 0.1
    /// AdamW's moments and clipping.
    public var optimizer = Optimizer.Settings()
    /// The number of images, drawn by the seed, whose prompts are held out; 0 if held-out rankings have their own file.
    public var heldOutImages = 100
    /// A control: each training ranking is assigned to its completions in random order, so there is nothing to learn.
    public var shufflesRankings = false

    /// The settings of the shipped reward model (InstructGPT's second stage, Ouyang et al. 2022 §3.5, at this scale).
    public init() {}

    private enum CodingKeys: String, CodingKey {
        case seed, promptsPerStep, trainingPrompts, adapterRate, headRate, warmUp, floor, optimizer
        case shufflesRankings
        case logProbWeight = "likelihood"
        case heldOutImages = "heldOutPictures"
    }
}
