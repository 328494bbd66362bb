import Checkpoints
import Foundation

/// What a publication leaves behind when its process is killed, and what becomes of it.
///
/// A generation is written into `.staging-N`. Before that takes its name, `.publishing-N` says that it is about to
/// become current; the mark goes when it is. The process that publishes holds the lock of the generation's folder all
/// the while, so that no other process removes it meanwhile.
extension PolicyFolder {
    static let stagingPrefix = ".staging-"
    static let publishingPrefix = ".publishing-"

    /// Removes what was not whole when its process was killed, and makes current what was.
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

    /// Goes on behind the mark of a publication, unless its process does.
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
            // Files that cannot be read now may be whole. Others were never served.
            if case .file = error { throw error }
            do { try FileManager.default.removeItem(atPath: place) } catch {
                throw .file(FileError(path: place, operation: "remove", reason: error.localizedDescription))
            }
            return
        }
        try writeCurrent(generation, in: "\(policies)/\(name)")
    }
}
