/// The settings of reinforcement learning; together with the input files and the prompts they decide the result.
public struct PPOSettings: Codable, Sendable, Equatable {
    /// Decides the prompts and all sampled answers.
    public var seed: UInt64 = 0
    /// The number of iterations: sample, score, update.
    public var iterations = 24
    /// The number of answers to each question.
    public var answersPerQuestion = 4
    /// Answers are cut after this many tokens.
    public var maximumTokens = 96
    /// Upper bound on the questions per iteration whose answers are trained on.
    public var questions = 128
    /// The number of updates per iteration, each on its own share of the images.
    public var minibatches = 4
    /// Upper bound on the rows of one pass, unless a single image's answers need more: it bounds the memory of the
    /// backward pass.
    public var rowsPerPass = 1_024
    /// The penalty on the score of an answer without an end token.
    public var missingEndPenalty = 1.0
    /// Whether rewards are scaled to variance 1 before advantages are estimated.
    public var whitensRewards = false
    /// Where the baseline of advantages comes from. Only `value` has a value model.
    public var advantage = AdvantageSource.value
    /// λ of the advantage estimation with a value model.
    public var lambda = 0.95
    /// The bound on an update's distance from the policy that sampled the answers.
    public var objective = PolicyObjective.clipped
    /// ε of the policy's clipping, and the bound on a value's move per iteration.
    public var clipRange = 0.2
    /// For the penalized objective: the initial weight of the divergence from the old policy.
    public var penaltyWeight = 1.0
    /// The target of the divergence from the old policy, in nats per token, for the penalized objective's weight.
    public var penaltyTarget = 0.003
    /// The initial β: the weight of the divergence from the reference in the reward.
    public var klWeight = 0.05
    /// How β follows the divergence.
    public var klControl = KLControl.proportional
    /// The target of the divergence from the reference, in nats per token. Times the mean length of the first
    /// iteration's answers it is the target per answer.
    public var klTarget = 0.25
    /// The number of episodes over which a proportional β adapts.
    public var klHorizon = 1_500.0
    /// The learning rate of the policy's adapter.
    public var policyRate: Float = 2.5e-4
    /// The learning rate of the value model's adapter.
    public var valueRate: Float = 1e-4
    /// The learning rate of the value model's head.
    public var headRate: Float = 1e-3
    /// Iterations over which the learning rates rise, from a tenth.
    public var warmUp = 5
    /// The share of the learning rates in the last iteration. With constant rates a policy keeps wandering.
    public var floor: Float = 0.1
    /// The number of first iterations that train only the value model, if there is one: a poor baseline gives poor
    /// advantages.
    public var valueIterations = 2
    /// Moments and clipping of both models' optimisers, each clipped by its own norm.
    public var optimizer = Optimizer.Settings(epsilon: 1e-5)
    /// The norm of the replayed text's gradient as a share of the policy's, at the first update of the policy.
    public var replayShare = 0.2
    /// Upper bound on the rows of the text that joins each update; the text is cut there.
    public var replayRows = 256
    /// The decay of the average of the policies, per iteration.
    public var averageDecay: Float = 0.92
    /// The rule that stops a run; nil for control runs, which are to show what goes wrong.
    public var stop: StopRule? = StopRule()

    /// The settings of the shipped policy (InstructGPT's third stage, Ouyang et al. 2022 §3.5, at this scale).
    public init() {}

    /// Whether iteration `iteration`, counted from 0, trains the policy.
    func trainsPolicy(in iteration: Int) -> Bool { advantage != .value || iteration >= valueIterations }

    /// The factor of the learning rates in `iteration`, counted from 0: it rises to 1, then falls linearly to `floor`.
    func rateFactor(at iteration: Int) -> Float {
        if iteration < warmUp { return 0.1 + 0.9 * Float(iteration) / Float(warmUp) }
        return 1 - (1 - floor) * Float(iteration - warmUp) / Float(max(1, iterations - 1 - warmUp))
    }
}

/// The conditions that stop a failing run.
public struct StopRule: Codable, Sendable, Equatable {
    /// Upper bound on the divergence, in multiples of the target.
    public var divergence = 2.0
    /// The number of consecutive iterations above that bound that stops the run.
    public var patience = 3
    /// Upper bound on the share of answers without an end token.
    public var missingEnds = 0.1
    /// Lower bound on the entropy per token, as a share of the reference's.
    public var entropy = 0.25

    /// The rule of the shipped run.
    public init() {}

    /// Why to stop; nil to continue.
    ///
    /// - Parameter overTarget: the number of consecutive iterations above the bound, this one included.
    package func reason(
        overTarget: Int, missingEnds share: Double, entropy found: Double, referenceEntropy: Double
    ) -> String? {
        if overTarget >= patience { return "the KL was above \(divergence)x its target \(overTarget) times running" }
        if share > missingEnds { return "\(Int(100 * share)) % of the answers have no end token" }
        if found < entropy * referenceEntropy {
            return "the entropy fell to \(found) nats a token, the reference's was \(referenceEntropy)"
        }
        return nil
    }
}
