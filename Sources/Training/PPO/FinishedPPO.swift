import Checkpoints
public import Datasets
public import Foundation
import Models
public import Policies
import Tensors

/// The results of a PPO run that finished or was stopped by its rule. They are published as a generation of a policy
/// and, if a value model was trained, as the generation of `value` with the same number.
public struct FinishedPPO: Sendable {
    /// The fields of the run's settings that publishing reads.
    private struct Settings: Decodable {
        struct Limits: Decodable {
            let maximumTokens: Int
            /// Missing in the records of older runs, which all had a value model.
            let advantage: AdvantageSource?
        }
        struct Prompts: Decodable { let families: [Family] }
        let settings: Limits
        let prompts: Prompts
    }

    private static let valueFiles = (PolicyFiles.adapter + [PolicyFiles.head]).map { "value/\($0)" }

    private let run: FinishedRun
    private let log: [String: Double]
    /// The digests of the policy's weights.
    public let digests: PolicyDigests
    /// The policy that training started from, which is also the KL reference.
    public let parent: PolicyManifest.Reference
    /// The reward model.
    public let reward: PolicyManifest.Reference
    /// The generation of the vision weights of policy, parent and reward model; nil if they see with the base model's
    /// own vision.
    public let vision: PolicyManifest.Reference?
    /// The families of its training images, each as often as it was listed.
    public let families: [Family]
    /// Its answers were cut after this many tokens.
    public let maximumTokens: Int
    /// The target of the divergence from the parent, in nats per answer.
    public let klTarget: Double
    private let image: PolicyManifest.Image?
    /// Whether the run trained a value model.
    private let hasValue: Bool

    /// Opens the run in `folder`.
    ///
    /// - Throws: `FinishedRunError`, or the files' own errors if an adapter or the log cannot be read.
    public init(folder: String) throws {
        run = try FinishedRun(folder: folder, stage: .ppo, results: [])
        let inherited = try run.inheritance()
        (parent, vision, image, digests) = (inherited.parent, inherited.vision, inherited.image, inherited.digests)
        reward = try run.required(run.record.reward, "reward")
        let config = RunFolder.configurationPath(in: folder)
        let own: Settings
        do { own = try decodeSmallFile(Settings.self, path: config) } catch {
            throw FinishedRunError.badFile(path: config, reason: error.reason)
        }
        hasValue = own.settings.advantage ?? .value == .value
        if hasValue { try run.check(adapters: ["value"], results: ["value/\(PolicyFiles.head)"]) }
        families = own.prompts.families
        maximumTokens = own.settings.maximumTokens
        log = try RunFolder.lastMetrics(in: folder)
        guard let target = log["kl_target"], target > 0 else {
            throw FinishedRunError.badFile(
                path: "\(folder)/\(RunFolder.logName)",
                reason: "kl_target: expected a number above 0 in the last line")
        }
        klTarget = target
    }

    /// The SHA-256 of the file of the base model that it was trained for.
    public var backbone: String { run.backbone }

    /// Metrics of the last iteration's samples, by name; they are of the policy before averaging.
    public var trainingMetrics: [String: Double] {
        let names = ["step", "reward", "kl", "kl_target", "kl_weight", "entropy", "missing_ends"]
        return Dictionary(uniqueKeysWithValues: names.compactMap { name in log[name].map { ("training_\(name)", $0) } })
    }

    /// Checks that `library` holds the parent, the reward model and the vision model of the run, with the very weights
    /// that the run read.
    ///
    /// - Returns: the digests of the parent's weights.
    /// - Throws: `PolicyError`; `FinishedRunError.badFile` naming an input whose bytes differ.
    @discardableResult
    public func checkLineage(in library: PolicyLibrary) throws -> PolicyDigests {
        let inputs =
            [
                ("policy", parent, PolicyFiles.adapterWeights), ("reward", reward, PolicyFiles.adapterWeights),
                ("rewardHead", reward, PolicyFiles.head),
            ] + (vision.map { [("visionModel", $0, PolicyFiles.vision)] } ?? [])
        var parentDigests = digests
        for (input, reference, file) in inputs {
            let there = try run.checked(input, reference, file, in: library)
            guard input == "policy" else { continue }
            parentDigests = PolicyDigests(there.manifest, visionWeights: run.inputs["visionModel"]?.sha256)
        }
        return parentDigests
    }

    /// The next free generation: the number under which neither `name` nor, if there is a value model, `value` has
    /// other bytes.
    public func nextGeneration(of name: String, in library: PolicyLibrary) throws -> Int {
        let known = try library.generations()
        var next = (known[name]?.last ?? 0) + 1
        guard hasValue else { return next }
        for generation in known[PolicyRole.value.name] ?? [] where generation >= next {
            let there = try library.open(.value, generation: generation, backbone: backbone)
            // A publication that stopped after its first half is continued.
            if generation == next, try run.holds(there.manifest, Self.valueFiles) { return next }
            next = generation + 1
        }
        return next
    }

    /// Publishes the value model, if there is one, then the policy that names it. If a generation of `value` has the
    /// same files already, it is reused. The manifest holds the run's own metrics and `metrics`.
    ///
    /// - Throws: `PolicyError`; `.published` if the policy's generation, or that of another value model, exists
    ///   already.
    @discardableResult
    public func publish(
        name: String = PolicyRole.ppo.name, generation: Int, metrics: [String: Double] = [:],
        in policies: String, at time: Date = Date()
    ) throws -> (value: PolicyFolder?, policy: PolicyFolder) {
        let path = "\(policies)/\(name)/\(generation)"
        if FileManager.default.fileExists(atPath: path) { throw PolicyError.published(path: path) }
        let data = run.inputs.filter { $0.key != "baseModel" }.mapValues(\.sha256)
        var manifest = PolicyManifest(
            name: PolicyRole.value.name, generation: generation, parent: reward, backbone: backbone, created: time,
            creator: FinishedRun.creator, vision: vision, chatTemplate: run.record.template, image: image,
            metrics: trainingMetrics, data: data)
        let value = hasValue ? try run.publishComponent(manifest, files: Self.valueFiles, in: policies) : nil
        manifest.name = name
        manifest.parent = parent
        manifest.reward = reward
        manifest.value = value.map { _ in .init(.value, generation: generation) }
        manifest.textTemplate = run.record.textTemplate
        manifest.sampling = .init(temperature: 0)
        manifest.metrics = trainingMetrics.merging(metrics) { $1 }
        return (value, try run.publish(manifest, files: FinishedRun.adapterFiles, in: policies))
    }
}

/// The prompts of a run; the run's seed draws them.
public struct PromptSettings: Codable, Sendable, Equatable {
    /// The families of the images, in turn: families whose answers differ more are listed more often.
    public var families: [Family] = [
        .crowds, .descriptions, .counts, .positions, .crowds, .descriptions, .comparisons, .counts, .crowds,
        .attributes, .descriptions, .absence,
    ]
    /// The families of documents, in turn after the others.
    public var documents: [DocumentFamily] = []
    /// How the user's own images take part; nil for none.
    public var ownData: OwnDataSettings?
    /// The number of images per iteration. They have more questions than are trained on, because a policy's answers
    /// often agree.
    public var images = 80
    /// Upper bound on the questions of an image.
    public var questions = 4
    /// The number of images of the validation split whose questions the policies answer at each validation.
    public var heldOutImages = 64

    /// The prompts of the shipped policy.
    public init() {}

    /// What the images are, in turn.
    var kinds: [ImageKind] { families.map { .family($0) } + documents.map { .document($0) } }

    private enum CodingKeys: String, CodingKey {
        case families, documents, questions, ownData
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
        own: [OwnTrainingData], precision: Precision, instructionSet: InstructionSet
    ) throws {
        let reward = inputs.reward
        guard reward.manifest.vision == basis.vision else {
            throw PPOJobError.otherVision(
                path: reward.path, expected: basis.vision?.generation, found: reward.manifest.vision?.generation)
        }
        self.settings = settings
        self.prompts = prompts
        self.reward = .init(name: reward.manifest.name, generation: reward.manifest.generation)
        self.precision = "\(precision)"
        self.instructionSet = instructionSet.rawValue
        var digests = [
            "baseModel": inputs.baseModel.digest,
            "policy": try inputs.policy.digest(of: PolicyFiles.adapterWeights),
            "reward": try reward.digest(of: PolicyFiles.adapterWeights),
            "rewardHead": try reward.digest(of: PolicyFiles.head),
        ]
        if let vision = inputs.vision { digests["visionModel"] = try vision.digest(of: PolicyFiles.vision) }
        if let replay = inputs.replay { digests["replay"] = try FileDigest(path: replay) }
        if let drawing = inputs.drawing { digests.merge(try drawing.digests(forDocuments: true)) { first, _ in first } }
        for data in own { digests[data.group] = try data.digest() }
        self.inputs = digests
    }
}

/// Why PPO cannot start from the given policies.
public enum PPOJobError: Error, Equatable, CustomStringConvertible {
    /// The reward model was trained on another vision generation.
    case otherVision(path: String, expected: Int?, found: Int?)
    /// The base model's file names no end token.
    case noEndToken(path: String)

    /// What is wrong, where, and what was expected.
    public var description: String {
        switch self {
        case .otherVision(let path, let expected, let found):
            "\(path): expected a reward model of vision generation \(expected.map(String.init) ?? "none"), found "
                + (found.map(String.init) ?? "none")
        case .noEndToken(let path): "\(path): there is no end token (tokenizer.ggml.eos_token_id)"
        }
    }
}
