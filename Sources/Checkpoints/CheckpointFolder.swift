import Foundation
import Support

/// A model in the form in which Hugging Face's libraries save it: a folder with `config.json`, the weights in
/// `model.safetensors` or in shards with an index, and small JSON files.
///
///     let folder = try CheckpointFolder(path: "SmolVLM-256M-Instruct")
///     let configuration = try folder.fields("config.json")
///     let head = folder.tensors["lm_head.weight"]
public struct CheckpointFolder: Sendable {
    /// Where the folder was found.
    public let path: String
    /// The tensors of all shards by name.
    public let tensors: [String: StoredTensor]
    /// The types of the tensors whose numbers are not floats, by name.
    package let skipped: [String: String]
    private let weights: [String]

    private static let single = "model.safetensors"
    private static let index = "model.safetensors.index.json"
    /// The largest small file: tokenizers of 250,000 tokens have about 35 MB.
    private static let fileLimit = 128 << 20
    private static let shardLimit = 1024

    /// Opens the folder's weights. Their bytes stay in the mapped files.
    public init(path: String) throws {
        let files = try Self.weightFiles(in: path)
        var tensors: [String: StoredTensor] = [:]
        var skipped: [String: String] = [:]
        for name in files.names {
            let file = try SafetensorsFile(path: "\(path)/\(name)", skipsOtherTypes: true)
            for (tensor, stored) in file.tensors {
                guard tensors.updateValue(stored, forKey: tensor) == nil else {
                    throw CheckpointError(file.path, "tensor \(tensor) is in another shard too")
                }
            }
            skipped.merge(file.skipped) { first, _ in first }
        }
        for (tensor, file) in files.map.sorted(by: { $0.key < $1.key }) where skipped[tensor] == nil {
            guard tensors[tensor]?.path == "\(path)/\(file)" else {
                throw CheckpointError("\(path)/\(Self.index)", "\(file) has no tensor \(tensor)")
            }
        }
        self.path = path
        self.tensors = tensors
        self.skipped = skipped
        self.weights = files.names + (files.map.isEmpty ? [] : [Self.index])
    }

    /// Whether the folder has the file `name`.
    public func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/\(name)") }

    /// The members of the JSON object in the file `name`.
    public func fields(_ name: String) throws -> CheckpointFields {
        try CheckpointFields(path: "\(path)/\(name)")
    }

    /// The text in the file `name`; nil if there is no such file.
    public func text(_ name: String) throws -> String? {
        guard has(name) else { return nil }
        let bytes = try readSmallFile("\(path)/\(name)", limit: 1 << 20)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CheckpointError("\(path)/\(name)", "expected UTF-8")
        }
        return text
    }

    /// The digest of the files with weights and of the files in `names` that exist: their bytes together, and the
    /// SHA-256 of a list of their names and digests.
    public func digest(with names: [String]) throws -> FileDigest {
        let files = try (weights + names.filter(has)).sorted().map { ($0, try FileDigest(path: "\(path)/\($0)")) }
        let list = files.map { "\($0) \($1.sha256)" }.joined(separator: "\n")
        return FileDigest(sha256: FileDigest.sha256(of: list), bytes: files.reduce(0) { $0 + $1.1.bytes })
    }

    /// The files with weights in order, and the index's map from tensors to files; empty if there is no index.
    private static func weightFiles(in path: String) throws -> (names: [String], map: [String: String]) {
        let indexPath = "\(path)/\(index)"
        let manager = FileManager.default
        if manager.fileExists(atPath: "\(path)/\(single)") { return ([single], [:]) }
        guard manager.fileExists(atPath: indexPath) else {
            throw CheckpointError(path, "there is neither \(single) nor \(index)")
        }
        var map: [String: String] = [:]
        for member in try CheckpointFields(path: indexPath, limit: 64 << 20).object("weight_map").members {
            guard case .string(let file) = member.value, isPlain(file) else {
                throw CheckpointError(indexPath, "weight_map.\(member.name): expected the name of a file beside it")
            }
            map[member.name] = file
        }
        let names = Set(map.values).sorted()
        guard (1...shardLimit).contains(names.count) else {
            throw CheckpointError(indexPath, "weight_map: expected 1 to \(shardLimit) files, found \(names.count)")
        }
        return (names, map)
    }

    private static func isPlain(_ name: String) -> Bool {
        name.hasSuffix(".safetensors") && !name.contains("/") && !name.contains("\0") && name.utf8.count <= 255
    }
}

/// Why a checkpoint's files cannot be used: the file, the field and what is wrong with it.
public struct CheckpointError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file or folder.
    public let path: String
    /// The field and what is wrong with it.
    public let reason: String

    /// A fault of `path`.
    public init(_ path: String, _ reason: String) {
        self.path = path
        self.reason = reason
    }

    /// One line for a person.
    public var description: String { "\(path): \(reason)" }
}
