import Foundation

extension PolicyFolder {
    /// Publishes a generation: `write` puts its files into a folder beside the final place; they are hashed into the
    /// manifest, flushed to the disk and verified; then the folder takes its name and becomes the current generation.
    ///
    /// A crash at any moment leaves the old generation or the new one, never a mixture.
    /// - Returns: the published folder.
    @discardableResult
    public static func publish(
        _ manifest: PolicyManifest, in policies: String, write: (_ folder: String) throws -> Void
    ) throws -> PolicyFolder {
        guard PolicyManifest.isName(manifest.name) else { throw PolicyError.badName(manifest.name) }
        let parent = "\(policies)/\(manifest.name)"
        let final = "\(parent)/\(manifest.generation)"
        let staging = "\(parent)/.staging-\(manifest.generation)"
        let files = FileManager.default
        if files.fileExists(atPath: final) { throw PolicyError.published(path: final) }
        if files.fileExists(atPath: staging) { try files.removeItem(atPath: staging) }
        try files.createDirectory(atPath: staging, withIntermediateDirectories: true)
        do {
            try write(staging)
            try seal(manifest, staging: staging)
            guard rename(staging, final) == 0 else { throw FileError(path: final, operation: "rename", code: errno) }
        } catch {
            try? files.removeItem(atPath: staging)
            throw error
        }
        try AtomicFile.flush(parent)
        let folder = try PolicyFolder(
            name: manifest.name, generation: manifest.generation, in: policies, backbone: manifest.backbone)
        try setCurrent(manifest.generation, of: manifest.name, in: policies)
        return folder
    }

    /// Makes a published generation the one to be served; an older one than now is a rollback.
    public static func setCurrent(_ generation: Int, of name: String, in policies: String) throws(PolicyError) {
        guard PolicyManifest.isName(name) else { throw .badName(name) }
        let folder = "\(policies)/\(name)"
        let manifest = "\(folder)/\(generation)/\(manifestName)"
        guard FileManager.default.fileExists(atPath: manifest) else { throw .missingFile(path: manifest) }
        try writeCurrent(generation, in: folder)
    }

    /// Writes the number that the folder of a policy serves.
    static func writeCurrent(_ generation: Int, in folder: String) throws(PolicyError) {
        do { try AtomicFile.write(Array("\(generation)\n".utf8), to: "\(folder)/\(currentName)") } catch {
            throw .file(error)
        }
    }

    /// Writes the manifest of the files in `staging`, and makes all of them survive a power cut.
    private static func seal(_ manifest: PolicyManifest, staging: String) throws {
        var manifest = manifest
        for name in try list(staging) {
            manifest.files[name] = try FileDigest(path: "\(staging)/\(name)")
            try AtomicFile.flush("\(staging)/\(name)")
        }
        let path = "\(staging)/\(manifestName)"
        do {
            let json = try manifest.json()
            _ = try PolicyManifest(json: json)
            try AtomicFile.write(json, to: path)
        } catch let fault as JSONFault {
            throw PolicyError.badManifest(path: path, reason: fault.reason)
        }
    }
}
