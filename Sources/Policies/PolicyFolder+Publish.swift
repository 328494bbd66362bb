import Checkpoints
import Foundation
import Support

extension PolicyFolder {
    /// Publishes a generation: `write` puts its files into a folder beside the final one. The files are hashed into the
    /// manifest, flushed to the disk and verified; then the folder takes its final name and becomes the current
    /// generation.
    ///
    /// A crash at any moment leaves the old generation or the new one, never a mixture; `recover` clears up after it.
    /// - Returns: the published folder.
    @discardableResult
    public static func publish(
        _ manifest: PolicyManifest, in policies: String, write: (_ folder: String) throws -> Void
    ) throws -> PolicyFolder {
        guard PolicyManifest.isName(manifest.name) else { throw PolicyError.badName(manifest.name) }
        let parent = "\(policies)/\(manifest.name)"
        let final = "\(parent)/\(manifest.generation)"
        let staging = "\(parent)/\(stagingPrefix)\(manifest.generation)"
        let mark = "\(parent)/\(publishingPrefix)\(manifest.generation)"
        let files = FileManager.default
        try files.createDirectory(atPath: parent, withIntermediateDirectories: true)
        try recover(manifest.name, in: policies)
        if files.fileExists(atPath: final) { throw PolicyError.published(path: final) }
        let lock = try stage(staging)
        do {
            try write(staging)
            try seal(manifest, staging: staging)
            try AtomicFile.write([], to: mark)
            guard rename(staging, final) == 0 else { throw FileError(path: final, operation: "rename", code: errno) }
        } catch {
            try? files.removeItem(atPath: staging)
            unlink(mark)
            throw error
        }
        try AtomicFile.flush(parent)
        let folder = try PolicyFolder(
            name: manifest.name, generation: manifest.generation, in: policies, backbone: manifest.backbone)
        try writeCurrent(manifest.generation, in: parent)
        unlink(mark)
        withExtendedLifetime(lock) {}
        return folder
    }

    /// Makes the folder that a generation is written into. It is locked until the generation is current.
    private static func stage(_ staging: String) throws -> WriteLock {
        guard mkdir(staging, 0o755) == 0 else {
            if errno == EEXIST { throw PolicyError.beingPublished(path: staging) }
            throw FileError(path: staging, operation: "create", code: errno)
        }
        guard let lock = WriteLock(path: staging, waits: true), lock.isHeld, lock.isInPlace else {
            throw PolicyError.beingPublished(path: staging)
        }
        return lock
    }

    /// Makes a published generation the one that is served; a generation older than the current one is a rollback.
    public static func setCurrent(_ generation: Int, of name: String, in policies: String) throws(PolicyError) {
        guard PolicyManifest.isName(name) else { throw .badName(name) }
        let folder = "\(policies)/\(name)"
        let manifest = "\(folder)/\(generation)/\(manifestName)"
        try recover(name, in: policies)
        guard FileManager.default.fileExists(atPath: manifest) else { throw .missingFile(path: manifest) }
        try writeCurrent(generation, in: folder)
    }

    /// Writes the number that the folder of a policy serves.
    static func writeCurrent(_ generation: Int, in folder: String) throws(PolicyError) {
        do { try AtomicFile.write(Array("\(generation)\n".utf8), to: "\(folder)/\(currentName)") } catch {
            throw .file(error)
        }
    }

    /// Writes the manifest of the files in `staging` and flushes all of them, so that they survive a power cut.
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
