public import Checkpoints
public import Foundation
import Models
public import Policies

/// The results of a finished fine-tuning run, to be published as a generation of a policy.
public struct FinishedFineTuning: Sendable {
    /// The name and the manifest's fields of a publication.
    public struct Publication: Sendable {
        /// The policy's name.
        public var name = PolicyRole.sft.name
        /// The policy's generation.
        public var generation: Int
        /// The generation of `vision` that belongs to it.
        public var visionGeneration: Int
        /// The policy that training started from; nil if it started from none.
        public var parent: PolicyManifest.Reference?
        /// Results of its evaluation, by name.
        public var metrics: [String: Double] = [:]

        /// The given generations of `sft` and `vision`, without metrics.
        public init(generation: Int, visionGeneration: Int) {
            self.generation = generation
            self.visionGeneration = visionGeneration
        }
    }

    /// Sampling defaults for dialogues without an image: with greedy decoding, a fine-tuned policy repeats itself more
    /// often than the base model.
    private static let textSampling = PolicyManifest.Sampling(temperature: 0.7, topP: 0.9)

    private let run: FinishedRun
    /// The digests of the policy's weights.
    public let digests: PolicyDigests
    /// The vision model's weights.
    public let vision: FileDigest
    private let image: PolicyManifest.Image

    /// Opens the run in `folder`.
    ///
    /// - Throws: `FinishedRunError`, or the files' own errors if the adapter or the vision model cannot be read.
    public init(folder: String) throws {
        run = try FinishedRun(folder: folder, stage: .sft, results: [PolicyFiles.vision])
        let tileSize = try VisionWeights(path: "\(folder)/\(PolicyFiles.vision)").configuration.imageSize
        image = .init(tileSize: tileSize, maximumTiles: 1, fit: .stretch)
        vision = try run.digest(of: PolicyFiles.vision)
        digests = try run.digests(vision: vision.sha256, image: image)
    }

    /// The SHA-256 of the file of the base model that it was trained for.
    public var backbone: String { run.backbone }

    /// Publishes the vision model, then the policy that names it. If a generation of `vision` has the same file
    /// already, it is reused.
    ///
    /// - Returns: both folders.
    /// - Throws: `PolicyError`; `.published` if the policy's generation, or that of another vision model, exists
    ///   already.
    @discardableResult
    public func publish(
        _ publication: Publication, in policies: String, at time: Date = Date()
    ) throws -> (vision: PolicyFolder, policy: PolicyFolder) {
        let path = "\(policies)/\(publication.name)/\(publication.generation)"
        if FileManager.default.fileExists(atPath: path) { throw PolicyError.published(path: path) }
        let data = run.inputs.filter { !["baseModel", "vision"].contains($0.key) }.mapValues(\.sha256)
        let visionManifest = PolicyManifest(
            name: PolicyRole.vision.name, generation: publication.visionGeneration, backbone: run.backbone,
            created: time,
            creator: FinishedRun.creator, data: data)
        let vision = try run.publishComponent(visionManifest, files: [PolicyFiles.vision], in: policies)
        let manifest = PolicyManifest(
            name: publication.name, generation: publication.generation, parent: publication.parent,
            backbone: run.backbone, created: time, creator: FinishedRun.creator,
            vision: .init(.vision, generation: publication.visionGeneration), chatTemplate: run.record.template,
            textTemplate: FinishedRun.textTemplate, image: image, sampling: .init(temperature: 0),
            textSampling: Self.textSampling,
            metrics: publication.metrics, data: data)
        let policy = try run.publish(manifest, files: FinishedRun.adapterFiles, in: policies)
        return (vision, policy)
    }
}
