/// How the reward model is trained; together with the input files it decides the result.
public struct RewardModelingSettings: Codable, Sendable, Equatable {
    /// Decides the head's start, the order of the data and what is held out.
    public var seed: UInt64 = 0
    /// Prompts a step; all pairs of a prompt are in one step.
    public var promptsPerStep = 16
    /// The most prompts that are trained on; nil for all of them, once.
    public var trainingPrompts: Int?
    /// What a nat of an answer's log-probability is worth at the start.
    public var logProbWeight: Float = 0.5
    /// Learning rate of the adapter.
    public var adapterRate: Float = 1e-4
    /// Learning rate of the head.
    public var headRate: Float = 1e-3
    /// Steps over which the rates rise.
    public var warmUp = 5
    /// The share of the rates that is left at the end.
    public var floor: Float = 0.1
    /// AdamW's moments and clipping.
    public var optimizer = AdamWOptimizer.Settings()
    /// Images, drawn by the seed, whose prompts are held out; 0 where held-out rankings come from a file of their own.
    public var heldOutImages = 100
    /// A control: each training ranking is given to its candidates in random order, so there is nothing to learn.
    public var shufflesRankings = false

    /// The settings of the reward model that ships (InstructGPT's second stage, Ouyang et al. 2022 §3.5, at this
    /// scale).
    public init() {}

    private enum CodingKeys: String, CodingKey {
        case seed, promptsPerStep, trainingPrompts, adapterRate, headRate, warmUp, floor, optimizer
        case shufflesRankings
        case logProbWeight = "likelihood"
        case heldOutImages = "heldOutPictures"
    }
}
