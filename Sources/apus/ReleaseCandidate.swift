import Checkpoints
import Foundation
import Policies
import Training

/// A finished run as it would be published, in a folder of its own, to be served and measured before it is.
struct ReleaseCandidate {
    /// What it is asked as; no policy of the library can be in its way.
    static let name = "candidate"

    /// The candidate and, if it must be compared with what it started from, that.
    let library: PolicyLibrary
    /// What it must be compared with.
    let parent: (name: String, digests: PolicyDigests)?
    private let folder: String

    /// Publishes `run` into the empty or absent `folder`.
    init(_ run: PolicyRun, among policies: PolicyLibrary, in folder: String) throws {
        self.folder = folder
        try Self.removeIfThere(folder)
        switch run {
        case .fineTuning(let run):
            // Alone, with vision of its own.
            library = PolicyLibrary(published: folder, shipped: folder)
            parent = nil
            var publication = FinishedFineTuning.Publication(generation: 1, visionGeneration: 1)
            publication.name = Self.name
            try run.publish(publication, in: folder)
        case .reinforced(let run):
            library = policies.behind(folder)
            parent = (run.parent.name, try run.checkLineage(in: policies))
            try run.publish(name: Self.name, generation: 1, in: folder)
            try library.setCurrent(run.parent.generation, of: run.parent.name)
        }
    }

    /// Removes what was published.
    func remove() {
        do { try Self.removeIfThere(folder) } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
        }
    }

    private static func removeIfThere(_ folder: String) throws {
        guard FileManager.default.fileExists(atPath: folder) else { return }
        try FileManager.default.removeItem(atPath: folder)
    }
}
