import Checkpoints
public import Datasets
public import Foundation
public import Policies

/// The results of a PPO run that finished or was stopped by its rule, to be published as a generation of a policy and,
/// of the same number, of the part `value`.
public struct FinishedPPO: Sendable {
    /// What is read of the run's own settings.
    private struct Settings: Decodable {
        struct Limits: Decodable { let maximumTokens: Int }
        struct Prompts: Decodable { let families: [Family] }
        let settings: Limits
        let prompts: Prompts
    }

    private static let valueFiles = (PolicyFiles.adapter + [PolicyFiles.head]).map { "value/\($0)" }

    private let run: FinishedRun
    private let log: [String: Double]
    /// What the policy answers with.
    public let digests: PolicyDigests
    /// The policy that training started from and was held to.
    public let parent: PolicyManifest.Reference
    /// The reward model.
    public let reward: PolicyManifest.Reference
    /// The vision generation that all of them see with.
    public let vision: PolicyManifest.Reference
    /// The families of the images that it was trained on, each as often as it came in turn.
    public let families: [Family]
    /// Tokens after which its answers were cut.
    public let maximumTokens: Int
    /// The divergence from the parent that the run was steered to, in nats an answer.
    public let klTarget: Double
    private let image: PolicyManifest.Image

    /// Opens the run in `folder`.
    ///
    /// - Throws: `FinishedRunError`, or the files' own errors if an adapter or the log cannot be read.
    public init(folder: String) throws {
        run = try FinishedRun(
            folder: folder, stage: .ppo, adapters: ["adapter", "value"], results: ["value/\(PolicyFiles.head)"])
        parent = try run.required(run.record.parent, "parent")
        reward = try run.required(run.record.reward, "reward")
        vision = try run.required(run.record.vision, "vision")
        image = try run.required(run.record.image, "image")
        let vision = try run.required(run.inputs["visionModel"], "inputs.visionModel")
        digests = try run.digests(vision: vision.sha256, image: image)
        let config = folder + "/config.json"
        let own: Settings
        do { own = try decodeSmallFile(Settings.self, path: config) } catch {
            throw FinishedRunError.badFile(path: config, reason: error.reason)
        }
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

    /// The SHA-256 of the base model's file that it was trained for.
    public var backbone: String { run.backbone }

    /// Metrics of the last iteration's samples, by name; they are of the policy before it was averaged.
    public var trainingMetrics: [String: Double] {
        let names = ["step", "reward", "kl", "kl_target", "kl_weight", "entropy", "missing_ends"]
        return Dictionary(uniqueKeysWithValues: names.compactMap { name in log[name].map { ("training_\(name)", $0) } })
    }

    /// Checks that `library` holds what the run started from: its parent, the reward model and the vision model, with
    /// the very weights that the run read.
    ///
    /// - Returns: what the parent answers with.
    /// - Throws: `PolicyError`; `FinishedRunError.badFile` naming the input that is of other bytes.
    @discardableResult
    public func checkLineage(in library: PolicyLibrary) throws -> PolicyDigests {
        let inputs = [
            ("policy", parent, PolicyFiles.adapterWeights), ("reward", reward, PolicyFiles.adapterWeights),
            ("rewardHead", reward, PolicyFiles.head), ("visionModel", vision, PolicyFiles.vision),
        ]
        var parentDigests = digests
        for (input, reference, file) in inputs {
            let there = try library.open(reference.name, generation: reference.generation, backbone: backbone)
            let (expected, found) = (run.inputs[input]?.sha256, there.manifest.files[file]?.sha256)
            guard let expected, expected == found else {
                throw FinishedRunError.badFile(
                    path: "\(run.folder)/config.json",
                    reason: "inputs.\(input): expected \(expected ?? "none"), found \(found ?? "none") in \(there.path)"
                )
            }
            guard input == "policy" else { continue }
            parentDigests = PolicyDigests(there.manifest, visionWeights: run.inputs["visionModel"]?.sha256)
        }
        return parentDigests
    }

    /// The generation under which it can be published next: neither `name` nor `value` has given it to other bytes.
    public func nextGeneration(of name: String, in library: PolicyLibrary) throws -> Int {
        let known = try library.generations()
        var next = (known[name]?.last ?? 0) + 1
        for generation in known[PolicyRole.value.name] ?? [] where generation >= next {
            let there = try library.open(.value, generation: generation, backbone: backbone)
            // A publication that broke off after its first half is taken up again.
            if generation == next, try run.holds(there.manifest, Self.valueFiles) { return next }
            next = generation + 1
        }
        return next
    }

    /// Publishes the value model, then the policy that names it. A generation of `value` that holds the same files
    /// already is used as it is. The run's own metrics stand beside `metrics`.
    ///
    /// - Throws: `PolicyError`; `.published` if the policy's generation, or another value model's, is there already.
    @discardableResult
    public func publish(
        name: String = PolicyRole.ppo.name, generation: Int, metrics: [String: Double] = [:],
        in policies: String, at time: Date = Date()
    ) throws -> (value: PolicyFolder, policy: PolicyFolder) {
        let path = "\(policies)/\(name)/\(generation)"
        if FileManager.default.fileExists(atPath: path) { throw PolicyError.published(path: path) }
        let data = run.inputs.filter { $0.key != "baseModel" }.mapValues(\.sha256)
        var manifest = PolicyManifest(
            name: PolicyRole.value.name, generation: generation, parent: reward, backbone: backbone, created: time,
            creator: FinishedRun.creator, vision: vision, chatTemplate: run.record.template, image: image,
            metrics: trainingMetrics, data: data)
        let value = try run.publishComponent(manifest, files: Self.valueFiles, in: policies)
        manifest.name = name
        manifest.parent = parent
        manifest.reward = reward
        manifest.value = .init(.value, generation: generation)
        manifest.textTemplate = FinishedRun.textTemplate
        manifest.sampling = .init(temperature: 0)
        manifest.metrics = trainingMetrics.merging(metrics) { $1 }
        return (value, try run.publish(manifest, files: FinishedRun.adapterFiles, in: policies))
    }
}
