import Checkpoints
import Foundation
import Support

/// The names of a policy's files. Training runs write files with the same names.
package enum PolicyFiles {
    /// PEFT's configuration of the adapter.
    package static let adapterConfiguration = "adapter_config.json"
    /// The adapter's weights.
    package static let adapterWeights = "adapter_model.safetensors"
    /// Both files of an adapter.
    package static let adapter = [adapterConfiguration, adapterWeights]
    /// The head of a reward or value model.
    package static let head = "head.safetensors"
    /// The vision encoder and the connector.
    package static let vision = "model.safetensors"
}

/// One generation of a policy on disk, `<policies>/<name>/<generation>`, with the files that its manifest lists.
///
/// `<policies>/<name>/current` holds the number of the generation to serve.
public struct PolicyFolder: Sendable {
    /// The folder.
    public let path: String
    /// The manifest that lists its files.
    public let manifest: PolicyManifest

    static let manifestName = "manifest.json"
    static let currentName = "current"
    private static let manifestLimit = 1 << 20

    /// Opens a generation of the policy `name` in the folder `policies` and verifies every file's size and SHA-256.
    ///
    /// - Parameters:
    ///   - generation: nil for the current one.
    ///   - backbone: the SHA-256 of the base model's file that the policy must have been trained for.
    public init(
        name: String, generation: Int? = nil, in policies: String, backbone: String
    ) throws(PolicyError) {
        guard PolicyManifest.isName(name) else { throw .badName(name) }
        let number: Int
        if let generation { number = generation } else { number = try Self.current(of: name, in: policies) }
        try self.init(unverified: "\(policies)/\(name)/\(number)")
        let expected = PolicyManifest.Reference(name: name, generation: number)
        let found = PolicyManifest.Reference(name: manifest.name, generation: manifest.generation)
        guard found == expected else { throw .misplaced(path: path, expected: expected, found: found) }
        guard manifest.backbone == backbone else {
            throw .otherBackbone(path: path, expected: backbone, found: manifest.backbone)
        }
        try verifyFiles()
    }

    /// Reads the manifest at `path` alone.
    public init(unverified path: String) throws(PolicyError) {
        let manifestPath = "\(path)/\(Self.manifestName)"
        let json: [UInt8]
        do { json = try readSmallFile(manifestPath, limit: Self.manifestLimit) } catch { throw .file(error) }
        do { manifest = try PolicyManifest(json: json) } catch {
            throw .badManifest(path: manifestPath, reason: error.reason)
        }
        self.path = path
    }

    /// The path of the policy's file `name`; nil if the manifest does not list it.
    public func file(_ name: String) -> String? {
        manifest.files[name] == nil ? nil : "\(path)/\(name)"
    }

    /// The number of the generation of `name` to serve.
    public static func current(of name: String, in policies: String) throws(PolicyError) -> Int {
        guard PolicyManifest.isName(name) else { throw .badName(name) }
        let path = "\(policies)/\(name)/\(currentName)"
        let bytes: [UInt8]
        do { bytes = try readSmallFile(path, limit: 32) } catch { throw .file(error) }
        let text = String(decoding: bytes, as: UTF8.self)
        let digits = text.trimmingCharacters(in: .newlines)
        guard let number = Int(digits), number > 0, digits == "\(number)" else {
            throw .badCurrent(path: path, found: text)
        }
        return number
    }

    /// The policies and components in the folder `policies` that have a current generation, sorted by name.
    public static func names(in policies: String) throws(PolicyError) -> [String] {
        try list(policies).filter { name in
            PolicyManifest.isName(name) && FileManager.default.fileExists(atPath: "\(policies)/\(name)/\(currentName)")
        }
    }

    static func list(_ folder: String) throws(PolicyError) -> [String] {
        do { return try FileManager.default.contentsOfDirectory(atPath: folder).sorted() } catch {
            throw .file(FileError(path: folder, operation: "list", reason: error.localizedDescription))
        }
    }

    private func verifyFiles() throws(PolicyError) {
        let present = Set(try Self.list(path)).subtracting([Self.manifestName])
        if let name = present.subtracting(manifest.files.keys).min() {
            throw .unlistedFile(path: "\(path)/\(name)")
        }
        for (name, expected) in manifest.files.sorted(by: { $0.key < $1.key }) {
            let file = "\(path)/\(name)"
            guard present.contains(name) else { throw .missingFile(path: file) }
            let found: FileDigest
            do { found = try FileDigest(path: file) } catch { throw .file(error) }
            guard found == expected else { throw .altered(path: file, expected: expected, found: found) }
        }
    }
}
