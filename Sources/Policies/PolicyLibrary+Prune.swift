import Checkpoints
import Foundation

extension PolicyLibrary {
    /// Removes all generations of `name` but the last `count`. The current generation stays, and so does every
    /// generation that a remaining one names: parent, vision, reward or value model.
    ///
    /// Read-only folders are never touched. Numbers are not reused: the last generation always stays.
    /// - Returns: the removed generations, in rising order.
    @discardableResult
    public func prune(_ name: String, keeping count: Int = 3) throws(PolicyError) -> [Int] {
        precondition(count > 0)
        guard let published, FileManager.default.fileExists(atPath: "\(published)/\(name)") else { return [] }
        let folder = "\(published)/\(name)"
        let names = try PolicyFolder.list(folder)
        // Folders that an earlier removal could not finish.
        for rest in names where rest.hasPrefix(Self.removed) { try remove("\(folder)/\(rest)") }
        let there = names.compactMap { Int($0) }.sorted()
        var old = Set(there.dropLast(count))
        if let current = try current()[name] { old.remove(current) }
        for reference in try references(but: old, of: name) where reference.name == name {
            old.remove(reference.generation)
        }
        for generation in old {
            // Renamed first, at once: an incomplete generation must never be found.
            let hidden = "\(folder)/\(Self.removed)\(generation)"
            guard rename("\(folder)/\(generation)", hidden) == 0 else {
                throw .file(FileError(path: "\(folder)/\(generation)", operation: "rename", code: errno))
            }
            try remove(hidden)
        }
        return old.sorted()
    }

    private static let removed = ".removed-"

    /// The generations that the manifests name, leaving out the manifests of the generations `old` of `name`.
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
