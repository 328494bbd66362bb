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
        /// The generation of `vision` that belongs to it; nil for a policy that sees with the base model's own vision.
        public var visionGeneration: Int?
        /// The policy that training started from; nil for the one that the run recorded, if there is one.
        public var parent: PolicyManifest.Reference?
        /// Results of its evaluation, by name.
        public var metrics: [String: Double] = [:]

        /// The given generations of `sft` and `vision`, without metrics.
        public init(generation: Int, visionGeneration: Int? = nil) {
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
    /// The vision model's weights; nil for a policy that sees with the base model's own vision.
    public let vision: FileDigest?
    private let image: PolicyManifest.Image?

    /// Opens the run in `folder`.
    ///
    /// - Throws: `FinishedRunError`, or the files' own errors if the adapter or the vision model cannot be read.
    public init(folder: String) throws {
        let record = try RunRecord(folder: folder)
        run = try FinishedRun(folder: folder, stage: .sft, results: record.seesAsBase ? [] : [PolicyFiles.vision])
        guard !record.seesAsBase else {
            (image, vision) = (nil, nil)
            digests = try run.digests(vision: nil)
            return
        }
        let encoder = try VisionWeights(path: "\(folder)/\(PolicyFiles.vision)").configuration
        let image = PolicyManifest.Image(for: encoder)
        let vision = try run.digest(of: PolicyFiles.vision)
        digests = try run.digests(vision: image.digest(weights: vision.sha256))
        (self.image, self.vision) = (image, vision)
    }

    /// The SHA-256 of the file of the base model that it was trained for.
    public var backbone: String { run.backbone }

    /// The policy that training started from; nil for a new adapter.
    public var parent: PolicyManifest.Reference? { run.record.parent }

    /// Checks that `library` holds the parent of the run, with the very adapter that it started from.
    ///
    /// - Returns: the digests of the parent's weights; nil without a parent.
    /// - Throws: `PolicyError`; `FinishedRunError.badFile` if the adapter's bytes differ.
    public func checkLineage(in library: PolicyLibrary) throws -> PolicyDigests? {
        guard let parent else { return nil }
        let there = try run.checked("start", parent, PolicyFiles.adapterWeights, in: library)
        let vision = try there.manifest.vision.map {
            try library.open($0.name, generation: $0.generation, backbone: backbone)
        }
        return PolicyDigests(there.manifest, visionWeights: vision?.manifest.files[PolicyFiles.vision]?.sha256)
    }

    /// Publishes the vision model if the run trained one, then the policy that names it. If a generation of `vision`
    /// has the same file already, it is reused.
    ///
    /// - Returns: the folders.
    /// - Throws: `PolicyError`; `.published` if the policy's generation, or that of another vision model, exists
    ///   already.
    @discardableResult
    public func publish(
        _ publication: Publication, in policies: String, at time: Date = Date()
    ) throws -> (vision: PolicyFolder?, policy: PolicyFolder) {
        precondition((publication.visionGeneration == nil) == (vision == nil), "a generation for the trained vision")
        let path = "\(policies)/\(publication.name)/\(publication.generation)"
        if FileManager.default.fileExists(atPath: path) { throw PolicyError.published(path: path) }
        let data = run.inputs.filter { !["baseModel", "vision"].contains($0.key) }.mapValues(\.sha256)
        let vision = try publication.visionGeneration.map { generation in
            let manifest = PolicyManifest(
                name: PolicyRole.vision.name, generation: generation, backbone: run.backbone, created: time,
                creator: FinishedRun.creator, data: data)
            return try run.publishComponent(manifest, files: [PolicyFiles.vision], in: policies)
        }
        let manifest = PolicyManifest(
            name: publication.name, generation: publication.generation, parent: publication.parent ?? run.record.parent,
            backbone: run.backbone, created: time, creator: FinishedRun.creator,
            vision: publication.visionGeneration.map { .init(.vision, generation: $0) },
            chatTemplate: run.record.template, textTemplate: run.record.textTemplate, image: image,
            sampling: .init(temperature: 0), textSampling: Self.textSampling, metrics: publication.metrics, data: data)
        let policy = try run.publish(manifest, files: FinishedRun.adapterFiles, in: policies)
        return (vision, policy)
    }
}
