import Checkpoints
import Foundation
import Models
import Tensors
import Tokenizers

/// What decides a reward run's result, and what its publication says of it: written to `config.json`.
struct RewardRunRecord: Codable {
    let stage: String
    let settings: RewardModelingSettings
    /// The policy that training starts from.
    let parent: PolicyManifest.Reference
    /// The vision generation that it sees with.
    let vision: PolicyManifest.Reference
    let template: PolicyManifest.ChatTemplate
    let image: PolicyManifest.Image
    let precision: String
    let instructionSet: String
    let inputs: [String: FileDigest]

    static let stageName = "reward"

    /// - Throws: `RewardModelingJobError.missingField` if the policy's manifest does not say how it sees and reads.
    init(
        inputs: RewardModelingJob.Inputs, settings: RewardModelingSettings, precision: Precision,
        instructionSet: InstructionSet
    ) throws {
        let manifest = inputs.policy.manifest
        func required<T>(_ value: T?, _ field: String) throws -> T {
            guard let value else { throw RewardModelingJobError.missingField(path: inputs.policy.path, field: field) }
            return value
        }
        self.stage = Self.stageName
        self.settings = settings
        self.parent = .init(name: manifest.name, generation: manifest.generation)
        self.vision = try required(manifest.vision, "vision")
        self.template = try required(manifest.chatTemplate, "chat_template")
        self.image = try required(manifest.image, "image")
        self.precision = "\(precision)"
        self.instructionSet = instructionSet.rawValue
        var digests = [
            "baseModel": try FileDigest(path: inputs.baseModel), "rankings": try FileDigest(path: inputs.rankings),
            "adapter": try required(manifest.files["adapter_model.safetensors"], "files.adapter_model.safetensors"),
            "visionModel": try required(
                inputs.vision.manifest.files["model.safetensors"], "vision's files.model.safetensors"),
        ]
        if let heldOut = inputs.heldOut { digests["heldOut"] = try FileDigest(path: heldOut) }
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

/// Where a reward run leaves its results.
struct RewardRunFiles {
    let folder: String

    /// A PEFT folder, bf16.
    var adapter: String { folder + "/adapter" }
    /// Shift and gain folded in, fp32; written last.
    var head: String { folder + "/head.safetensors" }
    /// A `RewardReport`.
    var report: String { folder + "/evaluation.json" }
}

/// Why a reward model cannot be trained from, or made of, some files.
public enum RewardModelingJobError: Error, Equatable, CustomStringConvertible {
    /// A policy's manifest, or a run's record, lacks something.
    case missingField(path: String, field: String)
    /// A run has not written all of its results yet.
    case unfinished(folder: String, missing: String)
    /// A file of the run is not what a reward run writes.
    case badFile(path: String, reason: String)

    /// What is wrong, where, and what to do.
    public var description: String {
        switch self {
        case .missingField(let path, let field): "\(path): there is no \(field); name a policy that sees"
        case .unfinished(let folder, let missing):
            "\(folder): the run is not finished, there is no \(missing); let `apus train reward --run \(folder)` go on"
        case .badFile(let path, let reason): "\(path): \(reason); name the folder of a reward run"
        }
    }
}
