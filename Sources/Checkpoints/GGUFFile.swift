public import Tensors

/// A model file in the GGUF format, versions 2 and 3, mapped into memory.
///
/// Opening the file checks everything that it says about itself: afterwards the bytes of every tensor lie in the file,
/// match its shape and type, and belong to no other tensor.
public struct GGUFFile: Sendable {
    /// Where the file was found.
    public let path: String
    /// The metadata by key.
    public let metadata: [String: GGUFValue]
    /// The tensors by name.
    public let tensors: [String: StoredTensor]
    /// The metadata in the file's order, each value with its type as it is stored.
    private let entries: [(key: String, range: Range<Int>)]
    private let file: MappedFile

    /// Opens the file at `path`.
    public init(path: String) throws(GGUFError) {
        let file: MappedFile
        do { file = try MappedFile(path: path) } catch { throw .unreadable(error) }
        let parser: GGUFParser
        do {
            parser = try file.withBytes(0..<file.count) { bytes throws(FileFault) in try GGUFParser(bytes) }
        } catch {
            throw .malformed(path: path, error)
        }
        self.path = path
        self.metadata = parser.metadata
        self.tensors = try Self.layOut(parser, in: file)
        self.entries = parser.entries
        self.file = file
    }

    /// The metadata in the file's order, to be written into another file.
    package var storedMetadata: [(key: String, value: GGUFWriter.Value)] {
        entries.map { key, range in (key, .stored(file.withBytes(range) { Array($0) })) }
    }

    /// The tensors in the order of their bytes.
    package var orderedTensors: [StoredTensor] {
        tensors.values.sorted { $0.range.lowerBound < $1.range.lowerBound }
    }

    /// The tensor `name`.
    public func tensor(_ name: String) throws(GGUFError) -> StoredTensor {
        guard let tensor = tensors[name] else { throw .missingTensor(path: path, name: name) }
        return tensor
    }

    /// The tensor `name` as floats, outermost extent first.
    public func float(_ name: String) throws(GGUFError) -> Tensor {
        try tensor(name).floats()
    }

    /// Gives every tensor its bytes, after checking that they lie in the file and overlap no other tensor.
    private static func layOut(_ parser: GGUFParser, in file: MappedFile) throws(GGUFError) -> [String: StoredTensor] {
        var tensors: [String: StoredTensor] = [:]
        tensors.reserveCapacity(parser.tensors.count)
        var end = parser.dataOffset
        var previous = "the header"
        for info in parser.tensors.sorted(by: { $0.offset < $1.offset }) {
            guard let type = ElementFormat(ggmlType: info.type) else {
                let name = ElementFormat.ggmlName(of: info.type)
                var architecture: String?
                if case .string(let text)? = parser.metadata["general.architecture"] { architecture = text }
                throw .unsupportedType(path: file.path, tensor: info.name, type: name, architecture: architecture)
            }
            let range: Range<Int>
            do { range = try parser.range(of: info, type: type, fileSize: file.count) } catch {
                throw .malformed(path: file.path, error)
            }
            guard range.lowerBound >= end else {
                let fault = FileFault(
                    at: info.position, "offset of \(info.name)", expected: "bytes of its own",
                    found: "bytes of \(previous)")
                throw .malformed(path: file.path, fault)
            }
            end = range.upperBound
            previous = info.name
            tensors[info.name] = StoredTensor(
                name: info.name, shape: info.dimensions.reversed(), type: type, file: file, range: range)
        }
        return tensors
    }
}

extension GGUFParser {
    /// The bytes of a tensor in a file of `fileSize` bytes.
    fileprivate func range(
        of info: TensorInfo, type: ElementFormat, fileSize: Int
    ) throws(FileFault) -> Range<Int> {
        guard info.offset % alignment == 0 else {
            throw FileFault(
                at: info.position, "offset of \(info.name)", expected: "a multiple of \(alignment)",
                found: "\(info.offset)")
        }
        guard let size = type.byteCount(shape: info.dimensions.reversed()) else {
            throw FileFault(
                at: info.position, "dimensions of \(info.name)",
                expected: "rows of whole blocks of \(type.blockSize), and a size that memory can hold",
                found: "\(info.dimensions)")
        }
        let dataSize = max(0, fileSize - dataOffset)
        guard info.offset <= dataSize, size <= dataSize - info.offset else {
            throw FileFault(
                at: info.position, "data of \(info.name)", expected: "\(size) bytes from \(info.offset) on",
                found: "\(dataSize) bytes of data in all")
        }
        let start = dataOffset + info.offset
        return start..<start + size
    }
}

// Typed access to the metadata. A missing key or a value of another type is an error that names the key.
extension GGUFFile {
    /// The text under `key`.
    public func string(_ key: String) throws(GGUFError) -> String {
        try value(key, "a string") { if case .string(let value) = $0 { value } else { nil } }
    }

    /// The boolean under `key`.
    public func bool(_ key: String) throws(GGUFError) -> Bool {
        try value(key, "a boolean") { if case .bool(let value) = $0 { value } else { nil } }
    }

    /// The integer under `key`, of any width.
    public func integer(_ key: String) throws(GGUFError) -> Int {
        try value(key, "an integer that fits 64 bits") {
            switch $0 {
            case .unsigned(let value): Int(exactly: value)
            case .signed(let value): Int(value)
            case .float, .bool, .string, .array: nil
            }
        }
    }

    /// The float under `key`, of either width.
    public func number(_ key: String) throws(GGUFError) -> Double {
        try value(key, "a float") { if case .float(let value) = $0 { value } else { nil } }
    }

    /// The array of text under `key`.
    public func strings(_ key: String) throws(GGUFError) -> [String] {
        try value(key, "an array of strings") { if case .array(.strings(let values)) = $0 { values } else { nil } }
    }

    /// The array of integers under `key`, of any width.
    public func integers(_ key: String) throws(GGUFError) -> [Int] {
        try value(key, "an array of integers that fit 64 bits") {
            switch $0 {
            case .array(.unsigned(let values)): values.contains { $0 > UInt64(Int.max) } ? nil : values.map { Int($0) }
            case .array(.signed(let values)): values.map { Int($0) }
            case .unsigned, .signed, .float, .bool, .string, .array: nil
            }
        }
    }

    /// The array of floats under `key`, of either width.
    public func numbers(_ key: String) throws(GGUFError) -> [Double] {
        try value(key, "an array of floats") { if case .array(.floats(let values)) = $0 { values } else { nil } }
    }

    private func value<T>(
        _ key: String, _ expected: String, _ extract: (GGUFValue) -> T?
    ) throws(GGUFError) -> T {
        guard let value = metadata[key] else { throw .missingKey(path: path, key: key, expected: expected) }
        guard let result = extract(value) else {
            throw .wrongType(path: path, key: key, expected: expected, found: value.kind)
        }
        return result
    }
}

extension ElementFormat {
    /// The formats by ggml's type codes (`ggml.h`, `enum ggml_type`).
    private static let ggmlTypes: [UInt32: ElementFormat] = [
        0: .f32, 1: .f16, 2: .blocks(.q4_0), 3: .blocks(.q4_1), 6: .blocks(.q5_0), 7: .blocks(.q5_1),
        8: .blocks(.q8_0), 10: .blocks(.q2_k), 11: .blocks(.q3_k), 12: .blocks(.q4_k), 13: .blocks(.q5_k),
        14: .blocks(.q6_k), 20: .blocks(.iq4_nl), 23: .blocks(.iq4_xs), 30: .bf16,
    ]

    private static let ggmlCodes = Dictionary(uniqueKeysWithValues: ggmlTypes.map { ($1, $0) })

    /// The format with ggml's type code `code`; nil for a format that Apus cannot read.
    init?(ggmlType code: UInt32) {
        guard let format = Self.ggmlTypes[code] else { return nil }
        self = format
    }

    /// ggml's type code.
    var ggmlType: UInt32 { Self.ggmlCodes[self] ?? 0 }

    /// ggml's names for types, also for types that Apus cannot read.
    private static let ggmlNames: [UInt32: String] = [
        0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K",
        12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
        20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
        29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
    ]

    /// ggml's name, such as `Q8_0`.
    package var ggmlName: String { Self.ggmlName(of: ggmlType) }

    /// ggml's name for a type.
    static func ggmlName(of code: UInt32) -> String { ggmlNames[code] ?? "type \(code)" }

    /// The names of the types that Apus can read.
    static var supportedNames: [String] {
        ggmlNames.keys.sorted().filter { Self(ggmlType: $0) != nil }.map(ggmlName(of:))
    }

    /// Bytes of a tensor of `shape`; nil if an extent is negative, a row is not a whole number of blocks, or the size
    /// does not fit an `Int`.
    func byteCount(shape: [Int]) -> Int? {
        let row = shape.last ?? 1
        guard row % blockSize == 0 else { return nil }
        var size = blockBytes
        for extent in shape.dropLast() + [row / blockSize] {
            let product = size.multipliedReportingOverflow(by: extent)
            if extent < 0 || product.overflow { return nil }
            size = product.partialValue
        }
        return size
    }
}

/// Why a GGUF file cannot be used.
public enum GGUFError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The system could not read it.
    case unreadable(FileError)
    /// Its bytes break the format.
    case malformed(path: String, FileFault)
    /// A tensor has a format that Apus cannot read; `type` is ggml's name for it. The architecture is the file's, if it
    /// names one.
    case unsupportedType(path: String, tensor: String, type: String, architecture: String?)
    /// The metadata has no such key.
    case missingKey(path: String, key: String, expected: String)
    /// A key's value has the wrong type.
    case wrongType(path: String, key: String, expected: String, found: String)
    /// There is no such tensor.
    case missingTensor(path: String, name: String)

    /// One line for a person.
    public var description: String {
        switch self {
        case .unreadable(let error):
            return "\(error)"
        case .malformed(let path, let fault):
            return "\(path): not a GGUF file that can be read: \(fault)"
        case .unsupportedType(let path, let tensor, let type, _):
            let known = ElementFormat.supportedNames.joined(separator: ", ")
            return "\(path): tensor \(tensor) is of type \(type), expected one of \(known)"
        case .missingKey(let path, let key, let expected):
            return "\(path): metadata key \(key): expected \(expected), found nothing"
        case .wrongType(let path, let key, let expected, let found):
            return "\(path): metadata key \(key): expected \(expected), found \(found)"
        case .missingTensor(let path, let name):
            return "\(path): no tensor \(name)"
        }
    }
}
