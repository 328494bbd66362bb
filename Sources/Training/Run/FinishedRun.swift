import Checkpoints
import Foundation
import Models
import Policies
import Tokenizers

/// The stages whose results are published.
public enum TrainedStage: String, Sendable, CaseIterable {
    /// Supervised fine-tuning: a policy and its vision model.
    case sft
    /// The reward model.
    case reward
    /// Reinforcement learning: a policy and its value model.
    case ppo
    /// Direct preference optimisation: a policy.
    case dpo
    /// Kahneman-Tversky optimisation: a policy.
    case kto

    /// The stage of the run in `folder`.
    ///
    /// - Throws: `FinishedRunError.badFile` if it is a run of none of these stages.
    public init(ofRun folder: String) throws(FinishedRunError) {
        self = try RunRecord(folder: folder).stage
    }
}

/// Why a run cannot be published.
public enum FinishedRunError: Error, Equatable, CustomStringConvertible {
    /// The run has not written all its results yet.
    case unfinished(folder: String, missing: String, stage: TrainedStage)
    /// A file of the run does not have its stage's format; `reason` names the field.
    case badFile(path: String, reason: String)

    /// What is wrong, and what to do.
    public var description: String {
        switch self {
        case .unfinished(let folder, let missing, let stage):
            "\(folder): the run is not finished, there is no \(missing); "
                + "let `apus train \(stage.rawValue) --run \(folder)` go on"
        case .badFile(let path, let reason):
            "\(path): \(reason); name the folder of a finished run of `apus train`, "
                + TrainedStage.allCases.map(\.rawValue).joined(separator: ", ")
        }
    }
}

/// The fields of a run's `config.json` that publishing reads, for all stages.
struct RunRecord: Decodable {
    private let stageName: String?
    let template: ChatTemplate.Name
    let parent: PolicyManifest.Reference?
    let reward: PolicyManifest.Reference?
    let vision: PolicyManifest.Reference?
    let image: PolicyManifest.Image?
    let inputs: [String: FileDigest]
    /// Who made the rankings; nil for stages without rankings.
    let labelers: LabelerCounts?

    enum CodingKeys: String, CodingKey {
        case template, parent, reward, vision, image, inputs, labelers
        case stageName = "stage"
    }

    /// Whether the policy sees with the base model's own vision: it has the base model's template, and names no vision.
    var seesAsBase: Bool { template == .model && vision == nil }

    /// The template of replayed conversations, which policies also use for dialogues without an image; nil for the
    /// policy's only template.
    var textTemplate: ChatTemplate.Name? { seesAsBase ? nil : .smollm2 }

    /// Fine-tuning, the first stage, does not record its name.
    var stage: TrainedStage { stageName.flatMap { TrainedStage(rawValue: $0) } ?? .sft }

    init(folder: String) throws(FinishedRunError) {
        let path = RunFolder.configurationPath(in: folder)
        guard FileManager.default.fileExists(atPath: path) else {
            throw .badFile(path: path, reason: "there is no such file")
        }
        do { self = try decodeSmallFile(Self.self, path: path) } catch {
            throw .badFile(path: path, reason: error.reason)
        }
        if let stageName, TrainedStage(rawValue: stageName) == nil {
            throw .badFile(path: path, reason: "stage: found \(stageName)")
        }
    }
}

/// A finished run in its folder, with its record; all its results exist.
struct FinishedRun: Sendable {
    static let creator = "apus"
    /// The files of a run's adapter, as paths in the run's folder.
    static let adapterFiles = PolicyFiles.adapter.map { "adapter/\($0)" }

    let folder: String
    /// The SHA-256 of the file of the base model that it was trained for.
    let backbone: String
    /// The digest of each input.
    let inputs: [String: FileDigest]
    let record: RunRecord

    /// Opens the run in `folder`, which must contain an adapter and the paths `results`.
    ///
    /// - Throws: `FinishedRunError`, or `PEFTError` if an adapter cannot be read.
    init(folder: String, stage: TrainedStage, results: [String]) throws {
        self.folder = folder
        record = try RunRecord(folder: folder)
        inputs = record.inputs
        guard record.stage == stage else {
            throw FinishedRunError.badFile(
                path: RunFolder.configurationPath(in: folder),
                reason: "stage: expected \(stage.rawValue), found \(record.stage.rawValue)")
        }
        guard let backbone = inputs["baseModel"] else {
            throw FinishedRunError.badFile(
                path: RunFolder.configurationPath(in: folder), reason: "inputs: there is no baseModel")
        }
        self.backbone = backbone.sha256
        // Checked after the record: a run of another kind has no adapter, and resuming it would not create one.
        try check(adapters: ["adapter"], results: results)
    }

    /// Checks that the run has an adapter in each of `adapters`, and the paths `results`.
    ///
    /// - Throws: `FinishedRunError.unfinished`, or `PEFTError` if an adapter cannot be read.
    func check(adapters: [String], results: [String]) throws {
        let files = adapters.flatMap { adapter in PolicyFiles.adapter.map { "\(adapter)/\($0)" } } + results
        for name in files where !FileManager.default.fileExists(atPath: "\(folder)/\(name)") {
            throw FinishedRunError.unfinished(folder: folder, missing: name, stage: record.stage)
        }
        for adapter in adapters { _ = try PEFTAdapter(folder: "\(folder)/\(adapter)") }
    }

    /// The digest of the run's file `name`.
    func digest(of name: String) throws -> FileDigest { try FileDigest(path: "\(folder)/\(name)") }

    /// The digests of the run's policy, which sees with `vision`: the digest of the weights and of the preparation of
    /// images, or nil for the base model's own.
    func digests(vision: String?) throws -> PolicyDigests {
        PolicyDigests(
            adapter: try digest(of: "adapter/\(PolicyFiles.adapterWeights)").sha256,
            adapterConfiguration: try digest(of: "adapter/\(PolicyFiles.adapterConfiguration)").sha256,
            vision: vision, backbone: backbone)
    }

    /// A field that the stage must have written into the record.
    func required<T>(_ value: T?, _ field: String) throws(FinishedRunError) -> T {
        guard let value else {
            throw .badFile(
                path: RunFolder.configurationPath(in: folder), reason: "\(field): the field is missing")
        }
        return value
    }

    /// A field that the stage must have written unless the policy sees with the base model's own vision.
    func requiredToSee<T>(_ value: T?, _ field: String) throws(FinishedRunError) -> T? {
        record.seesAsBase ? nil : try required(value, field)
    }

    /// What a stage after fine-tuning takes over from the policy that it started from.
    struct Inheritance {
        /// The policy.
        let parent: PolicyManifest.Reference
        /// The generation of its vision weights; nil if it sees with the base model's own vision.
        let vision: PolicyManifest.Reference?
        /// How images become tiles.
        let image: PolicyManifest.Image?
        /// The digests of the run's policy, which sees in the same way.
        let digests: PolicyDigests
    }

    /// The policy that the run started from, and what follows from it.
    func inheritance() throws -> Inheritance {
        let image = try requiredToSee(record.image, "image")
        let weights = try requiredToSee(inputs["visionModel"], "inputs.visionModel")
        return Inheritance(
            parent: try required(record.parent, "parent"), vision: try requiredToSee(record.vision, "vision"),
            image: image, digests: try digests(vision: weights.flatMap { image?.digest(weights: $0.sha256) }))
    }

    /// The SHA-256 of each input among `names` that the run had.
    func digests(of names: Set<String>) -> [String: String] {
        inputs.filter { names.contains($0.key) }.mapValues(\.sha256)
    }

    /// The generation in `library` that the run read as `input`, with the very file that it read.
    ///
    /// - Throws: `PolicyError`; `FinishedRunError.badFile` if the bytes differ.
    func checked(
        _ input: String, _ reference: PolicyManifest.Reference, _ file: String, in library: PolicyLibrary
    ) throws -> PolicyFolder {
        let there = try library.open(reference.name, generation: reference.generation, backbone: backbone)
        let (expected, found) = (inputs[input]?.sha256, there.manifest.files[file]?.sha256)
        guard let expected, expected == found else {
            throw FinishedRunError.badFile(
                path: RunFolder.configurationPath(in: folder),
                reason: "inputs.\(input): expected \(expected ?? "none"), found \(found ?? "none") in \(there.path)")
        }
        return there
    }

    /// Publishes `files`, which are paths in the run's folder, under the manifest's name.
    ///
    /// - Throws: `PolicyError`; `.published` if the generation exists already.
    func publish(_ manifest: PolicyManifest, files: [String], in policies: String) throws -> PolicyFolder {
        try PolicyFolder.publish(manifest, in: policies) { staging in
            for name in files {
                let last = name.split(separator: "/").last.map(String.init) ?? name
                try FileManager.default.copyItem(atPath: "\(folder)/\(name)", toPath: "\(staging)/\(last)")
            }
        }
    }

    /// Publishes a component that another policy names. If a generation has the same files already, it is reused.
    func publishComponent(_ manifest: PolicyManifest, files: [String], in policies: String) throws -> PolicyFolder {
        let path = "\(policies)/\(manifest.name)/\(manifest.generation)"
        guard FileManager.default.fileExists(atPath: path) else {
            return try publish(manifest, files: files, in: policies)
        }
        let there = try PolicyFolder(
            name: manifest.name, generation: manifest.generation, in: policies, backbone: backbone)
        guard try holds(there.manifest, files) else { throw PolicyError.published(path: path) }
        try PolicyFolder.setCurrent(manifest.generation, of: manifest.name, in: policies)
        return there
    }

    /// Whether a generation has exactly the bytes of `files`.
    func holds(_ manifest: PolicyManifest, _ files: [String]) throws -> Bool {
        let own = try files.map { name in
            (name.split(separator: "/").last.map(String.init) ?? name, try digest(of: name))
        }
        return manifest.files == Dictionary(own) { $1 }
    }
}

extension LowRankAdapter {
    /// The adapter in a folder. It must change every linear layer, because training reads and writes all of them.
    init(completeIn folder: String, configuration: DecoderConfiguration) throws {
        self = try LowRankAdapter(PEFTAdapter(folder: folder), configuration: configuration)
        for (layer, pairs) in layers.enumerated() {
            for module in AdapterModule.allCases where pairs[module] == nil {
                throw ModelError.missingTensor("layers.\(layer).\(module.rawValue).lora_A in \(folder)")
            }
        }
    }
}
