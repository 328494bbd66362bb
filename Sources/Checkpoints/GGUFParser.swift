/// Reads a GGUF file's header, metadata and tensor list, as specified in ggml's `docs/gguf.md`.
///
/// Every length is compared with the remaining bytes before memory is allocated for it, so that the cost of a hostile
/// file is bounded by its own size: up to eight bytes of memory for one byte of an array.
struct GGUFParser {
    /// One entry of the tensor list as stored in the file: dimensions innermost first.
    struct TensorInfo {
        let name: String
        let dimensions: [Int]
        let type: UInt32
        /// The offset from the start of the tensor data, in bytes.
        let offset: Int
        /// The offset of the entry in the file.
        let position: Int
    }

    private static let countLimit = 65_536
    private static let nameLimit = 65_535
    private static let depthLimit = 4
    private static let elementLimit = 1 << 24

    private var reader: ByteReader
    private var elements = 0
    private(set) var metadata: [String: GGUFValue] = [:]
    /// The metadata's keys in order, with the bytes of their types and values.
    private(set) var entries: [(key: String, range: Range<Int>)] = []
    private(set) var tensors: [TensorInfo] = []
    private(set) var alignment = 32
    /// The offset of the tensor data in the file.
    private(set) var dataOffset = 0

    /// Reads everything in `bytes` but the tensor data.
    init(_ bytes: UnsafeRawBufferPointer) throws(FileFault) {
        reader = ByteReader(bytes)
        let (tensorCount, keyCount) = try header()
        for _ in 0..<keyCount { try entry() }
        try readAlignment()
        var names = Set<String>()
        for _ in 0..<tensorCount {
            let info = try tensorInfo()
            guard names.insert(info.name).inserted else {
                throw FileFault(
                    at: info.position, "tensor list", expected: "different names", found: "\(info.name) twice")
            }
            tensors.append(info)
        }
        dataOffset = (reader.offset + alignment - 1) / alignment * alignment
    }

    private mutating func header() throws(FileFault) -> (tensors: Int, keys: Int) {
        let magic = try reader.take(4, "magic")
        guard magic.elementsEqual("GGUF".utf8) else {
            let found = magic.map { String($0, radix: 16) }.joined(separator: " ")
            throw FileFault(at: 0, "magic", expected: "GGUF", found: "bytes \(found)")
        }
        let version: UInt32 = try reader.integer("version")
        guard version == 2 || version == 3 else {
            throw FileFault(at: 4, "version", expected: "2 or 3", found: "\(version)")
        }
        let tensors = try reader.count("tensor count", limit: Self.countLimit)
        return (tensors, try reader.count("metadata count", limit: Self.countLimit))
    }

    private mutating func entry() throws(FileFault) {
        let start = reader.offset
        let key = try reader.string("metadata key", limit: Self.nameLimit)
        let typeStart = reader.offset
        let type: UInt32 = try reader.integer("type of \(key)")
        let value = try self.value(of: type, key: key)
        entries.append((key, typeStart..<reader.offset))
        guard metadata.updateValue(value, forKey: key) == nil else {
            throw FileFault(at: start, "metadata", expected: "different keys", found: "\(key) twice")
        }
    }

    private mutating func readAlignment() throws(FileFault) {
        guard let value = metadata["general.alignment"] else { return }
        guard case .unsigned(let number) = value, (1...65_536).contains(number), number.nonzeroBitCount == 1 else {
            throw FileFault(
                at: reader.offset, "general.alignment", expected: "a power of two up to 65536", found: "\(value)")
        }
        alignment = Int(number)
    }

    private mutating func tensorInfo() throws(FileFault) -> TensorInfo {
        let position = reader.offset
        let name = try reader.string("tensor name", limit: Self.nameLimit)
        let rank: UInt32 = try reader.integer("rank of \(name)")
        guard (1...4).contains(rank) else {
            throw FileFault(at: reader.offset - 4, "rank of \(name)", expected: "1 to 4", found: "\(rank)")
        }
        var dimensions: [Int] = []
        for _ in 0..<rank {
            let extent = try reader.count("dimension of \(name)", limit: .max)
            guard extent > 0 else {
                throw FileFault(at: reader.offset - 8, "dimension of \(name)", expected: "1 or more", found: "0")
            }
            dimensions.append(extent)
        }
        let type: UInt32 = try reader.integer("type of \(name)")
        let offset = try reader.count("offset of \(name)", limit: .max)
        return TensorInfo(name: name, dimensions: dimensions, type: type, offset: offset, position: position)
    }
}

// Values of the metadata.
extension GGUFParser {
    private mutating func value(of type: UInt32, key: String) throws(FileFault) -> GGUFValue {
        switch type {
        case 0: .unsigned(UInt64(try reader.integer(key, as: UInt8.self)))
        case 1: .signed(Int64(try reader.integer(key, as: Int8.self)))
        case 2: .unsigned(UInt64(try reader.integer(key, as: UInt16.self)))
        case 3: .signed(Int64(try reader.integer(key, as: Int16.self)))
        case 4: .unsigned(UInt64(try reader.integer(key, as: UInt32.self)))
        case 5: .signed(Int64(try reader.integer(key, as: Int32.self)))
        case 6: .float(Double(Float(bitPattern: try reader.integer(key))))
        case 7: .bool(try bool(key))
        case 8: .string(try reader.string(key))
        case 9: .array(try array(key, depth: 1))
        case 10: .unsigned(try reader.integer(key))
        case 11: .signed(try reader.integer(key))
        case 12: .float(Double(bitPattern: try reader.integer(key)))
        default: throw unknown(type, key: key)
        }
    }

    private mutating func array(_ key: String, depth: Int) throws(FileFault) -> GGUFArray {
        let type: UInt32 = try reader.integer("element type of \(key)")
        guard type != 9 || depth < Self.depthLimit else {
            throw FileFault(
                at: reader.offset - 4, key, expected: "arrays up to \(Self.depthLimit) deep", found: "a deeper one")
        }
        guard let size = Self.minimumBytes[type] else { throw unknown(type, key: key) }
        let count = try reader.count("length of \(key)", limit: min(Self.elementLimit - elements, reader.remaining))
        guard count * size <= reader.remaining else {
            throw FileFault(
                at: reader.offset, key, expected: "\(count) elements", found: "\(reader.remaining) bytes to the end")
        }
        elements += count
        return switch type {
        case 0: .unsigned(try list(count) { p throws(FileFault) in UInt64(try p.reader.integer(key, as: UInt8.self)) })
        case 1: .signed(try list(count) { p throws(FileFault) in Int64(try p.reader.integer(key, as: Int8.self)) })
        case 2: .unsigned(try list(count) { p throws(FileFault) in UInt64(try p.reader.integer(key, as: UInt16.self)) })
        case 3: .signed(try list(count) { p throws(FileFault) in Int64(try p.reader.integer(key, as: Int16.self)) })
        case 4: .unsigned(try list(count) { p throws(FileFault) in UInt64(try p.reader.integer(key, as: UInt32.self)) })
        case 5: .signed(try list(count) { p throws(FileFault) in Int64(try p.reader.integer(key, as: Int32.self)) })
        case 6:
            .floats(try list(count) { p throws(FileFault) in Double(Float(bitPattern: try p.reader.integer(key))) })
        case 7: .bools(try list(count) { p throws(FileFault) in try p.bool(key) })
        case 8: .strings(try list(count) { p throws(FileFault) in try p.reader.string(key) })
        case 9: .arrays(try list(count) { p throws(FileFault) in try p.array(key, depth: depth + 1) })
        case 10: .unsigned(try list(count) { p throws(FileFault) in try p.reader.integer(key) })
        case 11: .signed(try list(count) { p throws(FileFault) in try p.reader.integer(key) })
        default: .floats(try list(count) { p throws(FileFault) in Double(bitPattern: try p.reader.integer(key)) })
        }
    }

    /// The smallest size in bytes of a value of each type.
    private static let minimumBytes: [UInt32: Int] = [
        0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 8: 8, 9: 12, 10: 8, 11: 8, 12: 8,
    ]

    private mutating func list<T>(
        _ count: Int, _ read: (inout GGUFParser) throws(FileFault) -> T
    ) throws(FileFault) -> [T] {
        var values: [T] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try read(&self)) }
        return values
    }

    private mutating func bool(_ key: String) throws(FileFault) -> Bool {
        let byte: UInt8 = try reader.integer(key)
        guard byte <= 1 else { throw FileFault(at: reader.offset - 1, key, expected: "0 or 1", found: "\(byte)") }
        return byte == 1
    }

    private func unknown(_ type: UInt32, key: String) -> FileFault {
        FileFault(at: reader.offset - 4, "type of \(key)", expected: "a value type from 0 to 12", found: "\(type)")
    }
}

/// A value of a GGUF file's metadata. Integers and floats of all widths are kept at 64 bits.
public enum GGUFValue: Sendable, Equatable {
    /// uint8, uint16, uint32 or uint64.
    case unsigned(UInt64)
    /// int8, int16, int32 or int64.
    case signed(Int64)
    /// float32 or float64.
    case float(Double)
    /// bool.
    case bool(Bool)
    /// string.
    case string(String)
    /// array.
    case array(GGUFArray)

    /// The kind of value, for messages.
    public var kind: String {
        switch self {
        case .unsigned, .signed: "an integer"
        case .float: "a float"
        case .bool: "a boolean"
        case .string: "a string"
        case .array(let array): "an array of \(array.kind)"
        }
    }
}

/// An array in a GGUF file's metadata. Its elements are of one type; arrays may hold arrays.
public enum GGUFArray: Sendable, Equatable {
    /// uint8, uint16, uint32 or uint64.
    case unsigned([UInt64])
    /// int8, int16, int32 or int64.
    case signed([Int64])
    /// float32 or float64.
    case floats([Double])
    /// bool.
    case bools([Bool])
    /// string.
    case strings([String])
    /// array.
    case arrays([GGUFArray])

    var kind: String {
        switch self {
        case .unsigned, .signed: "integers"
        case .floats: "floats"
        case .bools: "booleans"
        case .strings: "strings"
        case .arrays: "arrays"
        }
    }
}
