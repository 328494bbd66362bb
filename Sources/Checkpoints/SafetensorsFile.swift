import Foundation
import Support
public import Tensors

/// A file of named tensors in the safetensors format, mapped into memory.
///
/// Opening the file checks the header: every tensor's bytes lie in the file and match its shape and type, and together
/// they cover the data without gap or overlap, as the format requires.
public struct SafetensorsFile: Sendable {
    /// One tensor of the file.
    public struct Entry: Sendable, Equatable {
        /// The format of its numbers.
        public let format: FloatFormat
        /// Extents, outermost first.
        public let shape: [Int]
        let range: Range<Int>
    }

    /// Where the file was found.
    public let path: String
    /// The texts under `__metadata__`.
    public let metadata: [String: String]
    /// The tensors by name.
    public let entries: [String: Entry]
    /// The tensors that were skipped, and their types.
    let skipped: [String: String]
    private let file: MappedFile

    private static let headerLimit = 100_000_000

    /// Opens the file at `path`.
    ///
    /// - Parameter skipsOtherTypes: whether tensors whose numbers are not floats are left out of `entries`. Without it
    ///   they are an error.
    public init(path: String, skipsOtherTypes: Bool = false) throws(SafetensorsError) {
        let file: MappedFile
        do { file = try MappedFile(path: path) } catch { throw .file(error) }
        let json: [UInt8]
        do { json = try file.withBytes(0..<file.count, Self.headerBytes) } catch {
            throw .malformed(path: path, error)
        }
        let header: SafetensorsHeader
        do { header = try decodeStrictJSON(SafetensorsHeader.self, from: json) } catch {
            throw .badHeader(path: path, reason: error.reason)
        }
        self.path = path
        self.file = file
        self.metadata = header.metadata
        (self.entries, self.skipped) = try Self.layOut(
            header, from: 8 + json.count, in: file, skipsOtherTypes: skipsOtherTypes)
    }

    /// The tensors as they are in the file, by name.
    public var tensors: [String: StoredTensor] {
        Dictionary(
            uniqueKeysWithValues: entries.map { name, entry in
                (
                    name,
                    StoredTensor(
                        name: name, shape: entry.shape, type: entry.format.element, file: file, range: entry.range)
                )
            })
    }

    /// The tensor `name` as 32-bit floats.
    public func tensor(_ name: String) throws(SafetensorsError) -> Tensor {
        guard let entry = entries[name] else { throw .missingTensor(path: path, name: name) }
        return file.withBytes(entry.range) {
            Tensor(converting: entry.format.element, bytes: $0, shape: entry.shape)
        }
    }

    /// The tensor `name`, which must have the shape `shape`.
    public func tensor(_ name: String, shape: [Int]) throws(SafetensorsError) -> Tensor {
        if let found = entries[name]?.shape, found != shape {
            throw .wrongShape(path: path, tensor: name, expected: shape, found: found)
        }
        return try tensor(name)
    }

    private static func headerBytes(_ bytes: UnsafeRawBufferPointer) throws(FileFault) -> [UInt8] {
        var reader = ByteReader(bytes)
        let length = try reader.count("header length", limit: headerLimit)
        return Array(try reader.take(length, "header"))
    }

    private static func layOut(
        _ header: SafetensorsHeader, from start: Int, in file: MappedFile, skipsOtherTypes: Bool
    ) throws(SafetensorsError) -> (entries: [String: Entry], skipped: [String: String]) {
        var entries: [String: Entry] = [:]
        var skipped: [String: String] = [:]
        var end = 0
        for (name, entry) in header.entries.sorted(by: { $0.value.offsets.lexicographicallyPrecedes($1.value.offsets) })
        {
            func fault(_ expected: String, _ found: String) -> SafetensorsError {
                .badHeader(path: file.path, reason: "\(name): expected \(expected), found \(found)")
            }
            guard entry.offsets.count == 2, entry.offsets[0] == end, entry.offsets[1] >= end else {
                throw fault("data_offsets from \(end) on, where the tensor before it ends", "\(entry.offsets)")
            }
            guard entry.offsets[1] <= file.count - start else {
                throw fault("data_offsets within \(file.count - start) bytes of data", "\(entry.offsets)")
            }
            guard let format = FloatFormat(rawValue: entry.dtype) else {
                guard skipsOtherTypes else {
                    throw .unsupportedType(path: file.path, tensor: name, type: entry.dtype)
                }
                skipped[name] = entry.dtype
                end = entry.offsets[1]
                continue
            }
            guard let size = format.element.byteCount(shape: entry.shape) else {
                throw fault("extents of 0 or more whose product memory can hold", "\(entry.shape)")
            }
            guard size == entry.offsets[1] - end else {
                throw fault("\(size) bytes for shape \(entry.shape) of \(entry.dtype)", "\(entry.offsets[1] - end)")
            }
            entries[name] = Entry(format: format, shape: entry.shape, range: start + end..<start + entry.offsets[1])
            end = entry.offsets[1]
        }
        guard end == file.count - start else {
            let reason = "expected data of \(end) bytes, as the tensors describe it, found \(file.count - start)"
            throw .badHeader(path: file.path, reason: reason)
        }
        return (entries, skipped)
    }
}

extension SafetensorsFile {
    /// Writes `tensors` to `path` in `format`, rounding to the nearest number, ties to even.
    ///
    /// The same tensors and metadata give the same bytes: names are sorted, and the header ends at a multiple of 8.
    /// The file is written atomically and replaces an older one.
    public static func write(
        _ tensors: [String: Tensor], as format: FloatFormat, metadata: [String: String] = [:], to path: String
    ) throws(SafetensorsError) {
        var entries: [String: SafetensorsHeader.Entry] = [:]
        var end = 0
        let sorted = tensors.sorted { $0.key < $1.key }
        for (name, tensor) in sorted {
            let start = end
            end += tensor.count * format.element.blockBytes
            entries[name] = .init(dtype: format.rawValue, shape: tensor.shape, offsets: [start, end])
        }
        let header: [UInt8]
        do { header = try SafetensorsHeader(metadata: metadata, entries: entries).bytes() } catch {
            throw .badHeader(path: path, reason: "\(error)")
        }
        do {
            try AtomicFile.write(to: path) { append throws(FileError) in
                try append(header)
                for (_, tensor) in sorted { try append(tensor.bytes(as: format.element)) }
            }
        } catch {
            throw .file(error)
        }
    }
}

extension SafetensorsHeader {
    /// The header as stored in the file: its length, then the JSON, padded with spaces to a multiple of 8.
    fileprivate func bytes() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var json = [UInt8](try encoder.encode(self))
        json += Array(repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8)
        return withUnsafeBytes(of: UInt64(json.count).littleEndian, Array.init) + json
    }
}

/// The JSON at the front of a safetensors file.
struct SafetensorsHeader: Codable {
    /// One tensor as the header describes it.
    struct Entry: Codable {
        var dtype: String
        var shape: [Int]
        /// The first byte and the byte after the last one, counted from the end of the header.
        var offsets: [Int]

        enum CodingKeys: String, CodingKey {
            case dtype, shape
            case offsets = "data_offsets"
        }
    }

    var metadata: [String: String]
    var entries: [String: Entry]

    init(metadata: [String: String], entries: [String: Entry]) {
        self.metadata = metadata
        self.entries = entries
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: AnyKey.self)
        metadata = [:]
        entries = [:]
        for key in container.allKeys {
            if key == .metadata {
                metadata = try container.decode([String: String].self, forKey: key)
            } else {
                entries[key.stringValue] = try container.decode(Entry.self, forKey: key)
            }
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: AnyKey.self)
        if !metadata.isEmpty { try container.encode(metadata, forKey: .metadata) }
        for (name, entry) in entries { try container.encode(entry, forKey: AnyKey(name)) }
    }
}

extension AnyKey {
    fileprivate static let metadata = AnyKey("__metadata__")
}

/// How floats are stored in a safetensors file.
public enum FloatFormat: String, Sendable, CaseIterable {
    /// 32-bit floats.
    case float32 = "F32"
    /// IEEE half floats.
    case float16 = "F16"
    /// The upper halves of 32-bit floats.
    case bfloat16 = "BF16"

    /// The corresponding element format of tensors.
    var element: ElementFormat {
        switch self {
        case .float32: .f32
        case .float16: .f16
        case .bfloat16: .bf16
        }
    }
}

/// Why a safetensors file cannot be used.
public enum SafetensorsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The system could not read or write it.
    case file(FileError)
    /// Its bytes break the format.
    case malformed(path: String, FileFault)
    /// The header's JSON does not describe tensors; `reason` names the field if it can.
    case badHeader(path: String, reason: String)
    /// A tensor's numbers have a type that Apus cannot read.
    case unsupportedType(path: String, tensor: String, type: String)
    /// There is no such tensor.
    case missingTensor(path: String, name: String)
    /// A tensor does not have the shape that its reader needs.
    case wrongShape(path: String, tensor: String, expected: [Int], found: [Int])

    /// One line for a person.
    public var description: String {
        switch self {
        case .file(let error):
            return "\(error)"
        case .malformed(let path, let fault):
            return "\(path): not a safetensors file: \(fault)"
        case .badHeader(let path, let reason):
            return "\(path): the safetensors header is not valid: \(reason)"
        case .unsupportedType(let path, let tensor, let type):
            let known = FloatFormat.allCases.map(\.rawValue).joined(separator: ", ")
            return "\(path): tensor \(tensor) is of type \(type), expected one of \(known)"
        case .missingTensor(let path, let name):
            return "\(path): no tensor \(name)"
        case .wrongShape(let path, let tensor, let expected, let found):
            return "\(path): tensor \(tensor): expected shape \(expected), found \(found)"
        }
    }
}
