/// Makes GGUF files, right or wrong ones, for tests.
public struct GGUFWriter {
    /// A value with the code of its type.
    public enum Value {
        case uint8(UInt8), int8(Int8), uint16(UInt16), int16(Int16), uint32(UInt32), int32(Int32)
        case float32(Float), bool(Bool), string(String)
        case uint64(UInt64), int64(Int64), float64(Double)
        /// Elements of one type; an empty array is of 32-bit integers.
        case array([Value])
    }

    /// The format's version, written as it is.
    public var version: UInt32 = 3
    /// Bytes that each tensor's data is aligned to; other than 32 must also be added as `general.alignment`.
    public var alignment = 32
    private var metadata: [(key: String, value: Value)] = []
    private var tensors: [(name: String, dimensions: [Int], type: UInt32, bytes: [UInt8])] = []

    /// A file without metadata or tensors.
    public init() {}

    /// Adds a metadata entry; adding a key twice writes it twice.
    public mutating func add(_ key: String, _ value: Value) {
        metadata.append((key, value))
    }

    /// Adds a tensor of `shape` (outermost first) whose bytes are already in the format of ggml's type code `type`.
    public mutating func addTensor(_ name: String, shape: [Int], type: UInt32, bytes: [UInt8]) {
        tensors.append((name, shape.reversed(), type, bytes))
    }

    /// Adds a tensor of 32-bit floats.
    public mutating func addTensor(_ name: String, shape: [Int], _ values: [Float]) {
        addTensor(name, shape: shape, type: 0, bytes: values.flatMap { littleEndian($0.bitPattern) })
    }

    /// The whole file.
    public func bytes() -> [UInt8] {
        var header = Array("GGUF".utf8) + littleEndian(version)
        header += littleEndian(UInt64(tensors.count)) + littleEndian(UInt64(metadata.count))
        for (key, value) in metadata { header += string(key) + littleEndian(value.code) + encode(value) }
        var data: [UInt8] = []
        for tensor in tensors {
            header += string(tensor.name) + littleEndian(UInt32(tensor.dimensions.count))
            for extent in tensor.dimensions { header += littleEndian(UInt64(extent)) }
            header += littleEndian(tensor.type) + littleEndian(UInt64(data.count))
            data = padded(data + tensor.bytes)
        }
        return padded(header) + data
    }

    private func encode(_ value: Value) -> [UInt8] {
        switch value {
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
        case .string(let text): string(text)
        case .array(let values):
            littleEndian(values.first?.code ?? 5) + littleEndian(UInt64(values.count)) + values.flatMap(encode)
        }
    }

    private func string(_ text: String) -> [UInt8] {
        littleEndian(UInt64(text.utf8.count)) + Array(text.utf8)
    }

    private func padded(_ bytes: [UInt8]) -> [UInt8] {
        bytes + Array(repeating: 0, count: (alignment - bytes.count % alignment) % alignment)
    }
}

extension GGUFWriter.Value {
    fileprivate var code: UInt32 {
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
        case .array: 9
        case .uint64: 10
        case .int64: 11
        case .float64: 12
        }
    }
}

private func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian, Array.init)
}
