import Checkpoints
import Foundation

/// What a publication leaves behind when its process is killed, and how it is cleaned up.
///
/// A generation is written into `.staging-N`. Before that folder gets its final name, the mark `.publishing-N` is
/// written: the generation is about to become current. Once it is current, the mark is removed. Throughout, the
/// publishing process holds the lock of the generation's folder, so that no other process removes it.
extension PolicyFolder {
    static let stagingPrefix = ".staging-"
    static let publishingPrefix = ".publishing-"

    /// Removes generations that were incomplete when their process was killed, and makes the complete ones current.
    static func recover(_ name: String, in policies: String) throws(PolicyError) {
        let folder = "\(policies)/\(name)"
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else { return }
        let entries = try list(folder)
        for entry in entries where entry.hasPrefix(stagingPrefix) { WriteLock.removeLeftover("\(folder)/\(entry)") }
        for entry in entries where entry.hasPrefix(publishingPrefix) {
            guard let generation = Int(entry.dropFirst(publishingPrefix.count)) else { continue }
            try finish(generation, of: name, in: policies)
        }
        AtomicFile.removeLeftovers(in: folder)
    }

    /// Finishes a marked publication, unless its own process is still running.
    private static func finish(_ generation: Int, of name: String, in policies: String) throws(PolicyError) {
        let folder = "\(policies)/\(name)"
        let files = FileManager.default
        guard !files.fileExists(atPath: "\(folder)/\(stagingPrefix)\(generation)") else { return }
        if let lock = WriteLock(path: "\(folder)/\(generation)") {
            guard lock.isHeld else { return }
            try finishOrUndo(generation, of: name, in: policies)
            withExtendedLifetime(lock) {}
        }
        unlink("\(folder)/\(publishingPrefix)\(generation)")
    }

    private static func finishOrUndo(_ generation: Int, of name: String, in policies: String) throws(PolicyError) {
        let place = "\(policies)/\(name)/\(generation)"
        do throws(PolicyError) {
            let backbone = try PolicyFolder(unverified: place).manifest.backbone
            _ = try PolicyFolder(name: name, generation: generation, in: policies, backbone: backbone)
        } catch {
            // Files that cannot be read now may be complete. Other faulty files were never served.
            if case .file = error { throw error }
            do { try FileManager.default.removeItem(atPath: place) } catch {
                throw .file(FileError(path: place, operation: "remove", reason: error.localizedDescription))
            }
            return
        }
        try writeCurrent(generation, in: "\(policies)/\(name)")
    }
}
