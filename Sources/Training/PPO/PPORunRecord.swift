import Checkpoints
public import Datasets
import Policies
import Tensors

/// The prompts of a run; the run's seed draws them.
public struct PromptSettings: Codable, Sendable, Equatable {
    /// The families of the images, in turn: families whose answers differ more are listed more often.
    public var families: [Family] = [
        .crowds, .descriptions, .counts, .positions, .crowds, .descriptions, .comparisons, .counts, .crowds,
        .attributes, .descriptions, .absence,
    ]
    /// The number of images per iteration. They have more questions than are trained on, because a policy's answers
    /// often agree.
    public var images = 80
    /// Upper bound on the questions of an image.
    public var questions = 4
    /// The number of images of the validation split whose questions the policies answer at each validation.
    public var heldOutImages = 64

    /// The prompts of the shipped policy.
    public init() {}

    private enum CodingKeys: String, CodingKey {
        case families, questions
        case images = "pictures"
        case heldOutImages = "heldOutPictures"
    }
}

/// Everything that decides a PPO run's result, except the policy that it starts from.
struct PPORunRecord: Encodable {
    let stage = TrainedStage.ppo.rawValue
    let settings: PPOSettings
    let prompts: PromptSettings
    /// The reward model.
    let reward: PolicyManifest.Reference
    let precision: String
    let instructionSet: String
    let inputs: [String: FileDigest]

    /// - Throws: `PolicyBasisError` if a manifest lacks a field, `PPOJobError` if the reward model uses other vision
    ///   weights than the policy.
    init(
        inputs: PPOJob.Inputs, basis: PolicyBasis, settings: PPOSettings, prompts: PromptSettings,
        precision: Precision, instructionSet: InstructionSet
    ) throws {
        let reward = inputs.reward
        guard reward.manifest.vision == basis.vision else {
            throw PPOJobError.otherVision(
                path: reward.path, expected: basis.vision.generation, found: reward.manifest.vision?.generation)
        }
        self.settings = settings
        self.prompts = prompts
        self.reward = .init(name: reward.manifest.name, generation: reward.manifest.generation)
        self.precision = "\(precision)"
        self.instructionSet = instructionSet.rawValue
        var digests = [
            "baseModel": try FileDigest(path: inputs.baseModel),
            "policy": try inputs.policy.digest(of: PolicyFiles.adapterWeights),
            "reward": try reward.digest(of: PolicyFiles.adapterWeights),
            "rewardHead": try reward.digest(of: PolicyFiles.head),
            "visionModel": try inputs.vision.digest(of: PolicyFiles.vision),
        ]
        if let replay = inputs.replay { digests["replay"] = try FileDigest(path: replay) }
        self.inputs = digests
    }
}

/// Why PPO cannot start from the given policies.
public enum PPOJobError: Error, Equatable, CustomStringConvertible {
    /// The reward model was trained on another vision generation.
    case otherVision(path: String, expected: Int, found: Int?)
    /// The base model's file names no end token.
    case noEndToken(path: String)

    /// What is wrong, where, and what was expected.
    public var description: String {
        switch self {
        case .otherVision(let path, let expected, let found):
            "\(path): expected a reward model of vision generation \(expected), found "
                + (found.map(String.init) ?? "none")
        case .noEndToken(let path): "\(path): there is no end token (tokenizer.ggml.eos_token_id)"
        }
    }
}
