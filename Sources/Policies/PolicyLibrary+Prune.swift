import Checkpoints
import Foundation

extension PolicyLibrary {
    /// Removes the generations of `name` that were published before its last `count`. The current one stays, and so do
    /// those that a generation which is left names: parent, vision, reward or value model.
    ///
    /// Folders that are only read are never touched. A number stays given: the last generation is always left.
    /// - Returns: the removed generations, rising.
    @discardableResult
    public func prune(_ name: String, keeping count: Int = 3) throws(PolicyError) -> [Int] {
        precondition(count > 0)
        guard let published, FileManager.default.fileExists(atPath: "\(published)/\(name)") else { return [] }
        let folder = "\(published)/\(name)"
        let names = try PolicyFolder.list(folder)
        // What an earlier removal could not finish.
        for rest in names where rest.hasPrefix(Self.removed) { try remove("\(folder)/\(rest)") }
        let there = names.compactMap { Int($0) }.sorted()
        var old = Set(there.dropLast(count))
        if let current = try current()[name] { old.remove(current) }
        for reference in try references(but: old, of: name) where reference.name == name {
            old.remove(reference.generation)
        }
        for generation in old {
            // Out of sight at once: half a generation must never be found.
            let hidden = "\(folder)/\(Self.removed)\(generation)"
            guard rename("\(folder)/\(generation)", hidden) == 0 else {
                throw .file(FileError(path: "\(folder)/\(generation)", operation: "rename", code: errno))
            }
            try remove(hidden)
        }
        return old.sorted()
    }

    private static let removed = ".removed-"

    /// What the manifests name, but those of the generations `old` of `name`.
    private func references(but old: Set<Int>, of name: String) throws(PolicyError) -> [PolicyManifest.Reference] {
        var references: [PolicyManifest.Reference] = []
        for (policy, generations) in try generations() {
            for generation in generations where policy != name || !old.contains(generation) {
                guard let folder = place(of: policy, generation: generation) else { continue }
                let manifest = try PolicyFolder(unverified: "\(folder)/\(policy)/\(generation)").manifest
                references += [manifest.parent, manifest.vision, manifest.reward, manifest.value].compactMap { $0 }
            }
        }
        return references
    }

    private func remove(_ path: String) throws(PolicyError) {
        do { try FileManager.default.removeItem(atPath: path) } catch {
            throw .file(FileError(path: path, operation: "remove", reason: error.localizedDescription))
        }
    }
}
