public import Checkpoints
public import Foundation
import Models

/// Why a fine-tuning run cannot be published.
public enum FinishedFineTuningError: Error, Equatable, CustomStringConvertible {
    /// The run has not written all of its results yet.
    case unfinished(folder: String, missing: String)
    /// `config.json` is not that of a fine-tuning run; `reason` names the field.
    case badConfiguration(path: String, reason: String)

    /// What is wrong, and what to do.
    public var description: String {
        switch self {
        case .unfinished(let folder, let missing):
            "\(folder): the run is not finished, there is no \(missing); let `apus train sft --run \(folder)` go on"
        case .badConfiguration(let path, let reason): "\(path): \(reason); name the folder of a fine-tuning run"
        }
    }
}

/// The results of a finished fine-tuning run, to be published as a generation of a policy.
public struct FinishedFineTuning {
    /// What a publication is called and what it says of itself.
    public struct Publication {
        /// The policy's name.
        public var name = "sft"
        /// The policy's generation.
        public var generation: Int
        /// The generation of `vision` that it sees with.
        public var visionGeneration: Int
        /// What training started from, if that is a policy.
        public var parent: PolicyManifest.Reference?
        /// Results of its evaluation, by name.
        public var figures: [String: Double] = [:]

        /// The given generations of `sft` and `vision`, without figures.
        public init(generation: Int, visionGeneration: Int) {
            self.generation = generation
            self.visionGeneration = visionGeneration
        }
    }

    /// What is read of a run's `config.json`.
    private struct Record: Decodable {
        let template: String
        let inputs: [String: FileDigest]
    }

    private static let creator = "apus"
    private static let adapterFiles = ["adapter_config.json", "adapter_model.safetensors"]
    private static let visionFile = "model.safetensors"

    private let folder: String
    /// The SHA-256 of the base model's file that it was trained for.
    public let backbone: String
    /// The adapter's weights.
    public let adapter: FileDigest
    /// The vision model's weights.
    public let vision: FileDigest
    private let template: PolicyManifest.ChatTemplate
    private let data: [String: String]
    private let viewSize: Int

    /// Opens the run in `folder`.
    ///
    /// - Throws: `FinishedFineTuningError`, or the files' own errors if the adapter or the vision model cannot be read.
    public init(folder: String) throws {
        let path = folder + "/config.json"
        guard FileManager.default.fileExists(atPath: path) else {
            throw FinishedFineTuningError.badConfiguration(path: path, reason: "there is no such file")
        }
        let record: Record
        do { record = try decodeSmallFile(Record.self, path: path) } catch {
            throw FinishedFineTuningError.badConfiguration(path: path, reason: error.reason)
        }
        // After the configuration: a vision run has no adapter, and no going on gives it one.
        for name in Self.adapterFiles.map({ "adapter/" + $0 }) + [Self.visionFile]
        where !FileManager.default.fileExists(atPath: "\(folder)/\(name)") {
            throw FinishedFineTuningError.unfinished(folder: folder, missing: name)
        }
        guard let template = PolicyManifest.ChatTemplate(rawValue: record.template) else {
            throw FinishedFineTuningError.badConfiguration(path: path, reason: "template: found \(record.template)")
        }
        guard let backbone = record.inputs["baseModel"] else {
            throw FinishedFineTuningError.badConfiguration(path: path, reason: "inputs: there is no baseModel")
        }
        _ = try PEFTAdapter(folder: folder + "/adapter")
        self.viewSize = try VisionWeights(path: "\(folder)/\(Self.visionFile)").configuration.imageSize
        self.adapter = try FileDigest(path: "\(folder)/adapter/adapter_model.safetensors")
        self.vision = try FileDigest(path: "\(folder)/\(Self.visionFile)")
        self.folder = folder
        self.backbone = backbone.sha256
        self.template = template
        self.data = record.inputs.filter { !["baseModel", "vision"].contains($0.key) }.mapValues(\.sha256)
    }

    /// Publishes the vision model, then the policy that sees with it. A generation of `vision` that holds the same file
    /// already is used as it is.
    ///
    /// - Returns: both folders.
    /// - Throws: `PolicyError`; `.published` if the policy's generation, or another vision model's, is there already.
    @discardableResult
    public func publish(
        _ publication: Publication, in policies: String, at time: Date = Date()
    ) throws -> (vision: PolicyFolder, policy: PolicyFolder) {
        let place = "\(policies)/\(publication.name)/\(publication.generation)"
        if FileManager.default.fileExists(atPath: place) { throw PolicyError.published(path: place) }
        let vision = try publishVision(publication.visionGeneration, in: policies, at: time)
        let manifest = PolicyManifest(
            name: publication.name, generation: publication.generation, parent: publication.parent, backbone: backbone,
            created: time, creator: Self.creator,
            vision: .init(name: "vision", generation: publication.visionGeneration),
            chatTemplate: template, image: .init(viewSize: viewSize, maxViews: 1, fit: .stretch),
            sampling: .init(temperature: 0), figures: publication.figures, data: data)
        let policy = try PolicyFolder.publish(manifest, in: policies) { staging in
            for name in Self.adapterFiles { try copy("adapter/" + name, to: "\(staging)/\(name)") }
        }
        return (vision, policy)
    }

    private func publishVision(_ generation: Int, in policies: String, at time: Date) throws -> PolicyFolder {
        let place = "\(policies)/vision/\(generation)"
        if FileManager.default.fileExists(atPath: place) {
            let there = try PolicyFolder(name: "vision", generation: generation, in: policies, backbone: backbone)
            guard there.manifest.files == [Self.visionFile: vision] else { throw PolicyError.published(path: place) }
            return there
        }
        let manifest = PolicyManifest(
            name: "vision", generation: generation, backbone: backbone, created: time, creator: Self.creator,
            data: data)
        return try PolicyFolder.publish(manifest, in: policies) { staging in
            try copy(Self.visionFile, to: "\(staging)/\(Self.visionFile)")
        }
    }

    private func copy(_ name: String, to path: String) throws {
        try FileManager.default.copyItem(atPath: "\(folder)/\(name)", toPath: path)
    }
}
