import Foundation
public import Policies
import Training

/// A finished run, published into a folder of its own so that it can be served and measured before its release.
public struct ReleaseCandidate: Sendable {
    /// The policies to serve: the candidate, and the policy that it must be compared with if there is one.
    public let library: PolicyLibrary
    /// The policy that it must be compared with.
    public let parent: (name: String, digests: PolicyDigests)?
    private let folder: String

    /// Publishes `run` as `PolicyRole.candidate` into the folder, whose contents are removed first.
    ///
    /// - Parameter comparing: whether a fine-tuned policy is served beside the one that it started from. The others
    ///   always are.
    public init(_ run: PolicyRun, among policies: PolicyLibrary, in folder: String, comparing: Bool = false) throws {
        self.folder = folder
        try Self.removeIfThere(folder)
        switch run {
        case .fineTuning(let fineTuning):
            var publication = FinishedFineTuning.Publication(generation: 1, visionGeneration: 1)
            publication.name = PolicyRole.candidate.name
            if comparing, let reference = run.parent, let digests = try fineTuning.checkLineage(in: policies) {
                library = policies.behind(folder)
                parent = (reference.name, digests)
                // A number of its own: other policies name the vision generations that are there.
                let known = try policies.generations()[PolicyRole.vision.name] ?? []
                publication.visionGeneration = (known.last ?? 0) + 1
            } else {
                // The candidate is served alone, with its own vision model.
                library = PolicyLibrary(published: folder, shipped: folder)
                parent = nil
            }
            try fineTuning.publish(publication, in: folder)
        case .reinforced(let run):
            library = policies.behind(folder)
            parent = (run.parent.name, try run.checkLineage(in: policies))
            try run.publish(name: PolicyRole.candidate.name, generation: 1, in: folder)
        case .preferred(let run):
            library = policies.behind(folder)
            parent = (run.parent.name, try run.checkLineage(in: policies))
            try run.publish(name: PolicyRole.candidate.name, generation: 1, in: folder)
        }
        if parent != nil, let parent = run.parent { try library.setCurrent(parent.generation, of: parent.name) }
    }

    /// Removes the folder.
    public func remove() throws {
        try Self.removeIfThere(folder)
    }

    private static func removeIfThere(_ folder: String) throws {
        guard FileManager.default.fileExists(atPath: folder) else { return }
        try FileManager.default.removeItem(atPath: folder)
    }
}
