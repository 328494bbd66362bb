import Checkpoints
public import Datasets
import Models
import Tensors
import Tokenizers

/// Which prompts a run asks; drawn by the run's seed.
public struct PromptSettings: Codable, Sendable, Equatable {
    /// Families of the pictures, in turn: what leaves something to prefer stands there more than once.
    public var families: [Family] = [
        .descriptions, .counts, .absence, .positions, .descriptions, .comparisons, .absence, .attributes,
    ]
    /// Pictures an iteration.
    public var pictures = 16
    /// The most questions of a picture.
    public var questions = 4

    /// The prompts of the policy that ships.
    public init() {}
}

/// What decides a PPO run's result: written to `config.json`.
struct PPORunRecord: Codable {
    let stage: String
    let settings: PPOSettings
    let prompts: PromptSettings
    /// The policy that training starts from and is held to.
    let parent: PolicyManifest.Reference
    /// The reward model.
    let reward: PolicyManifest.Reference
    /// The vision generation that all of them see with.
    let vision: PolicyManifest.Reference
    let template: PolicyManifest.ChatTemplate
    let image: PolicyManifest.Image
    let precision: String
    let instructionSet: String
    let inputs: [String: FileDigest]

    /// - Throws: `PPOJobError` if a manifest does not say how its policy sees and reads, or the reward model sees with
    ///   other eyes than the policy.
    init(
        inputs: PPOJob.Inputs, settings: PPOSettings, prompts: PromptSettings, precision: Precision,
        instructionSet: InstructionSet
    ) throws {
        let (policy, reward) = (inputs.policy, inputs.reward)
        func required<T>(_ value: T?, _ field: String, of folder: PolicyFolder) throws -> T {
            guard let value else { throw PPOJobError.missingField(path: folder.path, field: field) }
            return value
        }
        let vision = try required(policy.manifest.vision, "vision", of: policy)
        guard reward.manifest.vision == vision else {
            throw PPOJobError.otherVision(
                path: reward.path, expected: vision.generation, found: reward.manifest.vision?.generation)
        }
        self.stage = "ppo"
        self.settings = settings
        self.prompts = prompts
        self.parent = .init(name: policy.manifest.name, generation: policy.manifest.generation)
        self.reward = .init(name: reward.manifest.name, generation: reward.manifest.generation)
        self.vision = vision
        self.template = try required(policy.manifest.chatTemplate, "chat_template", of: policy)
        self.image = try required(policy.manifest.image, "image", of: policy)
        self.precision = "\(precision)"
        self.instructionSet = instructionSet.rawValue
        let adapter = "adapter_model.safetensors"
        var digests = [
            "baseModel": try FileDigest(path: inputs.baseModel),
            "policy": try required(policy.manifest.files[adapter], "files.\(adapter)", of: policy),
            "reward": try required(reward.manifest.files[adapter], "files.\(adapter)", of: reward),
            "rewardHead": try required(
                reward.manifest.files["head.safetensors"], "files.head.safetensors", of: reward),
            "visionModel": try required(
                inputs.vision.manifest.files["model.safetensors"], "files.model.safetensors", of: inputs.vision),
        ]
        if let replay = inputs.replay { digests["replay"] = try FileDigest(path: replay) }
        self.inputs = digests
    }

    /// How conversations become tokens.
    var chatTemplate: ChatTemplate {
        switch template {
        case .chatml: .chatml
        case .smollm2: .smollm2
        }
    }

    /// How pictures become views.
    var imageProcessor: ImageProcessor {
        ImageProcessor(viewSize: image.viewSize, maxViews: image.maxViews, fit: image.fit)
    }
}

/// Why PPO cannot start from some policies.
public enum PPOJobError: Error, Equatable, CustomStringConvertible {
    /// A policy's manifest lacks something.
    case missingField(path: String, field: String)
    /// The reward model was trained on what another vision generation sees.
    case otherVision(path: String, expected: Int, found: Int?)
    /// The base model's file names no end token.
    case noEndToken(path: String)

    /// What is wrong, where, and what was expected.
    public var description: String {
        switch self {
        case .missingField(let path, let field): "\(path): there is no \(field)"
        case .otherVision(let path, let expected, let found):
            "\(path): expected a reward model of vision generation \(expected), found "
                + (found.map(String.init) ?? "none")
        case .noEndToken(let path): "\(path): there is no end token (tokenizer.ggml.eos_token_id)"
        }
    }
}
