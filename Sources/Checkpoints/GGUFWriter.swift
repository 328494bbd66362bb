public import Tensors

/// A GGUF file to be written: metadata, and tensors that are made one after the other while the file is written.
///
///     var writer = GGUFWriter()
///     writer.add("general.architecture", .string("llama"))
///     writer.addTensor("output_norm.weight", shape: [2], [1, 1])
///     try writer.write(to: "model.gguf")
public struct GGUFWriter {
    /// A metadata value with its type.
    public enum Value: Sendable, Equatable {
        case uint8(UInt8), int8(Int8), uint16(UInt16), int16(Int16), uint32(UInt32), int32(Int32)
        case float32(Float), bool(Bool), string(String)
        case uint64(UInt64), int64(Int64), float64(Double)
        /// Elements of one type; an empty array is of 32-bit integers.
        case array([Value])
        /// An array of strings, which may be empty.
        case strings([String])
        /// A value as another file contains it: its type's code and its bytes.
        case stored([UInt8])
    }

    /// Takes bytes of the file in order.
    public typealias Append = (_ bytes: [UInt8]) throws(FileError) -> Void

    private struct Entry {
        let name: String
        let dimensions: [Int]
        let type: UInt32
        let byteCount: Int
        let write: (_ append: Append) throws(FileError) -> Void
    }

    /// The format's version, written as it is.
    package var version: UInt32 = 3
    /// Bytes that each tensor's data is aligned to; other than 32 must also be added as `general.alignment`.
    package var alignment = 32
    package var metadata: [(key: String, value: Value)] = []
    private var tensors: [Entry] = []

    /// A file without metadata or tensors.
    public init() {}

    /// Adds a metadata entry. The keys must differ.
    public mutating func add(_ key: String, _ value: Value) {
        metadata.append((key, value))
    }

    /// Adds a tensor whose bytes are made when the file is written.
    ///
    /// - Parameters:
    ///   - shape: extents, outermost first; rows are whole blocks of `type`.
    ///   - body: appends the tensor's bytes, all of them, in the format `type`.
    public mutating func addTensor(
        _ name: String, shape: [Int], type: ElementFormat,
        _ body: @escaping (_ append: Append) throws(FileError) -> Void
    ) {
        guard let count = type.byteCount(shape: shape) else {
            preconditionFailure("\(shape) is no shape of whole blocks of \(type)")
        }
        tensors.append(
            Entry(name: name, dimensions: shape.reversed(), type: type.ggmlType, byteCount: count, write: body))
    }

    /// Adds a tensor of 32-bit floats.
    public mutating func addTensor(_ name: String, shape: [Int], _ values: [Float]) {
        addTensor(name, shape: shape, ggmlType: 0, bytes: values.flatMap { littleEndian($0.bitPattern) })
    }

    /// Adds a tensor as it is, also one that no reader takes: `bytes` in the format of ggml's type code.
    package mutating func addTensor(_ name: String, shape: [Int], ggmlType: UInt32, bytes: [UInt8]) {
        tensors.append(
            Entry(name: name, dimensions: shape.reversed(), type: ggmlType, byteCount: bytes.count) {
                append throws(FileError) in try append(bytes)
            })
    }

    /// Writes the file atomically. It replaces an older one.
    public func write(to path: String) throws(FileError) {
        try AtomicFile.write(to: path) { append throws(FileError) in try emit(append) }
    }

    /// Passes the whole file to `append`, piece by piece.
    package func emit(_ append: Append) throws(FileError) {
        try append(header)
        for tensor in tensors {
            var count = 0
            try tensor.write { bytes throws(FileError) in
                count += bytes.count
                try append(bytes)
            }
            precondition(count == tensor.byteCount, "\(tensor.name) has \(count) bytes, not \(tensor.byteCount)")
            try append(padding(after: count))
        }
    }

    private var header: [UInt8] {
        var header = Array("GGUF".utf8) + littleEndian(version)
        header += littleEndian(UInt64(tensors.count)) + littleEndian(UInt64(metadata.count))
        for (key, value) in metadata { header += sized(key) + value.bytes }
        var offset = 0
        for tensor in tensors {
            header += sized(tensor.name) + littleEndian(UInt32(tensor.dimensions.count))
            for extent in tensor.dimensions { header += littleEndian(UInt64(extent)) }
            header += littleEndian(tensor.type) + littleEndian(UInt64(offset))
            offset += tensor.byteCount + padding(after: tensor.byteCount).count
        }
        return header + padding(after: header.count)
    }

    private func padding(after count: Int) -> [UInt8] {
        Array(repeating: 0, count: (alignment - count % alignment) % alignment)
    }
}

extension GGUFWriter.Value {
    /// The code of the type, and the value.
    fileprivate var bytes: [UInt8] {
        if case .stored(let bytes) = self { return bytes }
        return littleEndian(code) + encoded
    }

    private var encoded: [UInt8] {
        switch self {
        case .uint8(let number): littleEndian(number)
        case .int8(let number): littleEndian(number)
        case .uint16(let number): littleEndian(number)
        case .int16(let number): littleEndian(number)
        case .uint32(let number): littleEndian(number)
        case .int32(let number): littleEndian(number)
        case .uint64(let number): littleEndian(number)
        case .int64(let number): littleEndian(number)
        case .float32(let number): littleEndian(number.bitPattern)
        case .float64(let number): littleEndian(number.bitPattern)
        case .bool(let flag): [flag ? 1 : 0]
        case .string(let text): sized(text)
        case .array(let values):
            littleEndian(values.first?.code ?? 5) + littleEndian(UInt64(values.count)) + values.flatMap(\.encoded)
        case .strings(let texts): littleEndian(UInt32(8)) + littleEndian(UInt64(texts.count)) + texts.flatMap(sized)
        case .stored(let bytes): Array(bytes.dropFirst(4))
        }
    }

    private var code: UInt32 {
        switch self {
        case .uint8: 0
        case .int8: 1
        case .uint16: 2
        case .int16: 3
        case .uint32: 4
        case .int32: 5
        case .float32: 6
        case .bool: 7
        case .string: 8
        case .array, .strings: 9
        case .uint64: 10
        case .int64: 11
        case .float64: 12
        case .stored(let bytes): bytes.prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
    }
}

private func sized(_ text: String) -> [UInt8] {
    littleEndian(UInt64(text.utf8.count)) + Array(text.utf8)
}

private func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian, Array.init)
}
