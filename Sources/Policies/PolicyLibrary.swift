import Checkpoints
import Foundation

/// The folders that policies are read from: first the one that is published into, then the read-only ones, like the
/// folder that comes with the program.
public struct PolicyLibrary: Sendable {
    /// The folder that generations are published into; nil: none, and a choice of a generation ends with the process.
    public let published: String?
    /// The folders that are only read.
    public let shipped: [String]

    /// A library of the given folders, which need not exist.
    public init(published: String?, shipped: String) {
        self.init(published: published, shipped: [shipped])
    }

    private init(published: String?, shipped: [String]) {
        self.published = published
        self.shipped = shipped
    }

    /// All folders, in the order in which they are searched.
    public var folders: [String] { [published].compactMap { $0 } + shipped }

    /// A library that publishes into `folder` and searches it first; all folders of this library are read-only in it.
    public func behind(_ folder: String) -> PolicyLibrary { PolicyLibrary(published: folder, shipped: folders) }

    /// The generation of each policy and component that is served.
    public func current() throws(PolicyError) -> [String: Int] {
        var numbers: [String: Int] = [:]
        for folder in folders where FileManager.default.fileExists(atPath: folder) {
            for name in try PolicyFolder.names(in: folder) where numbers[name] == nil {
                numbers[name] = try PolicyFolder.current(of: name, in: folder)
            }
        }
        return numbers
    }

    /// The generations of each policy and component, in rising order.
    public func generations() throws(PolicyError) -> [String: [Int]] {
        var numbers: [String: Set<Int>] = [:]
        for folder in folders where FileManager.default.fileExists(atPath: folder) {
            for name in try PolicyFolder.names(in: folder) {
                let found = try PolicyFolder.list("\(folder)/\(name)").compactMap { Int($0) }
                numbers[name, default: []].formUnion(found.filter { place(of: name, generation: $0) != nil })
            }
        }
        return numbers.mapValues { $0.sorted() }
    }

    /// Opens a generation of the policy `name` and verifies every file of it.
    public func open(_ name: String, generation: Int, backbone: String) throws(PolicyError) -> PolicyFolder {
        guard let folder = place(of: name, generation: generation) else {
            throw .missingFile(path: "\(folders.last ?? ".")/\(name)/\(generation)/\(PolicyFolder.manifestName)")
        }
        return try PolicyFolder(name: name, generation: generation, in: folder, backbone: backbone)
    }

    /// Opens a generation of the policy with a role.
    public func open(_ role: PolicyRole, generation: Int, backbone: String) throws(PolicyError) -> PolicyFolder {
        try open(role.name, generation: generation, backbone: backbone)
    }

    /// Serves a generation from any of the folders from now on, and with it the value model that was trained beside it.
    public func setCurrent(_ generation: Int, of name: String) throws(PolicyError) {
        guard let published else { return }
        guard place(of: name, generation: generation) != nil else {
            throw .missingFile(path: "\(published)/\(name)/\(generation)/\(PolicyFolder.manifestName)")
        }
        if let value = try value(of: name, generation: generation) {
            guard self.place(of: value.name, generation: value.generation) != nil else {
                throw .missingFile(path: "\(published)/\(value.name)/\(value.generation)/\(PolicyFolder.manifestName)")
            }
            try writeCurrent(value.generation, of: value.name, in: published)
        }
        try writeCurrent(generation, of: name, in: published)
    }

    /// The value model that was trained beside a generation; nil if there is none, or no such generation.
    public func value(of name: String, generation: Int) throws(PolicyError) -> PolicyManifest.Reference? {
        guard let place = place(of: name, generation: generation) else { return nil }
        return try PolicyFolder(unverified: "\(place)/\(name)/\(generation)").manifest.value
    }

    /// The SHA-256 of the base model that a generation was trained for; nil if there is no such generation.
    func backbone(of name: String, generation: Int) throws(PolicyError) -> String? {
        guard let place = place(of: name, generation: generation) else { return nil }
        return try PolicyFolder(unverified: "\(place)/\(name)/\(generation)").manifest.backbone
    }

    /// Finishes or undoes killed publications in the folder that this library publishes into.
    public func recover() throws(PolicyError) {
        guard let published, FileManager.default.fileExists(atPath: published) else { return }
        for name in try PolicyFolder.list(published) where PolicyManifest.isName(name) {
            try PolicyFolder.recover(name, in: published)
        }
    }

    private func writeCurrent(_ generation: Int, of name: String, in published: String) throws(PolicyError) {
        let folder = "\(published)/\(name)"
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw .file(FileError(path: folder, operation: "create", reason: error.localizedDescription))
        }
        try PolicyFolder.recover(name, in: published)
        try PolicyFolder.writeCurrent(generation, in: folder)
    }

    func place(of name: String, generation: Int) -> String? {
        folders.first {
            FileManager.default.fileExists(atPath: "\($0)/\(name)/\(generation)/\(PolicyFolder.manifestName)")
        }
    }
}
