/// How reinforcement learning goes; together with the input files and the prompts it decides the result.
public struct PPOSettings: Codable, Sendable, Equatable {
    /// Decides the prompts and every draw.
    public var seed: UInt64 = 0
    /// Iterations of the whole run: sample, score, update.
    public var iterations = 24
    /// Answers to each question.
    public var answersPerQuestion = 4
    /// Tokens after which an answer is cut.
    public var maximumTokens = 96
    /// The most questions whose answers are learned from.
    public var questions = 128
    /// Updates of an iteration, each on its part of the images.
    public var minibatches = 4
    /// Rows of one pass, unless a single image's answers need more: bounds the memory of the backward pass.
    public var rowsPerPass = 1_024
    /// What is taken from the score of an answer without end token.
    public var missingEndPenalty = 1.0
    /// Whether rewards are brought to variance 1 before advantages are estimated.
    public var whitensRewards = false
    /// λ of the advantages.
    public var lambda = 0.95
    /// What holds an update near the policy that drew the answers.
    public var objective = PolicyObjective.clipped
    /// ε of the policy's clipping, and the most that a value may move at once.
    public var clipRange = 0.2
    /// The penalized objective: weight of the divergence from the old policy at the start, and the divergence a token
    /// that it is steered to.
    public var penaltyWeight = 1.0
    /// The divergence from the old policy, in nats a token, that the penalized objective's weight is steered to.
    public var penaltyTarget = 0.003
    /// β at the start: the weight of the divergence from the reference in the reward.
    public var klWeight = 0.05
    /// How β follows the divergence.
    public var klControl = KLControl.proportional
    /// The divergence from the reference that β is steered to, in nats a token; times the mean length of the first
    /// iteration's answers it is the target of an answer.
    public var klTarget = 0.25
    /// Episodes over which a proportional β follows.
    public var klHorizon = 1_500.0
    /// Learning rate of the policy's adapter.
    public var policyRate: Float = 2.5e-4
    /// Learning rate of the value model's adapter.
    public var valueRate: Float = 1e-4
    /// Learning rate of the value model's head.
    public var headRate: Float = 1e-3
    /// Iterations over which the rates rise from a tenth.
    public var warmUp = 5
    /// The share of the rates that is left in the last iteration: a policy under constant ones goes on wandering.
    public var floor: Float = 0.1
    /// The first iterations, which train the value model only: a poor baseline aims badly.
    public var valueIterations = 2
    /// Moments and clipping of both models' optimisers, each by its own norm.
    public var optimizer = AdamWOptimizer.Settings(epsilon: 1e-5)
    /// The norm of the replayed text's gradient beside that of the policy's, at the first update of the policy.
    public var replayShare = 0.2
    /// The most rows of the text that joins each update; the rest of it is cut off.
    public var replayRows = 256
    /// Decay of the average of the policies, an iteration.
    public var averageDecay: Float = 0.92
    /// When a run is stopped; nil for controls, which are to show what goes wrong.
    public var stop: StopRule? = StopRule()

    /// The settings of the policy that ships (InstructGPT's third stage, Ouyang et al. 2022 §3.5, at this scale).
    public init() {}

    /// The factor of the learning rates in `iteration`, counted from 0: it rises to 1, then falls evenly to `floor`.
    func rateFactor(at iteration: Int) -> Float {
        if iteration < warmUp { return 0.1 + 0.9 * Float(iteration) / Float(warmUp) }
        return 1 - (1 - floor) * Float(iteration - warmUp) / Float(max(1, iterations - 1 - warmUp))
    }
}
