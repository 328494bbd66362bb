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
    public var optimizer = AdamWOptimizer.Settings()
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
