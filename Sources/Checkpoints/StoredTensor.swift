public import Tensors

/// A tensor of a GGUF or safetensors file. Its bytes stay in the mapped file until they are used.
public struct StoredTensor: Sendable {
    /// Its name in the file.
    public let name: String
    /// Extents, outermost first: `[outputs, inputs]` for a matrix. GGUF itself stores them innermost first.
    public let shape: [Int]
    /// The format of its numbers.
    public let type: ElementFormat
    let file: MappedFile
    let range: Range<Int>

    /// The file that contains the tensor.
    public var path: String { file.path }

    /// The rows `rows` of a matrix.
    public func rows(_ rows: Range<Int>) -> StoredTensor {
        precondition(
            shape.count == 2 && !rows.isEmpty && rows.lowerBound >= 0 && rows.upperBound <= shape[0],
            "rows \(rows) of \(shape)")
        let bytes = range.count / shape[0]
        return StoredTensor(
            name: name, shape: [rows.count, shape[1]], type: type, file: file,
            range: range.lowerBound + bytes * rows.lowerBound..<range.lowerBound + bytes * rows.upperBound)
    }

    /// Bytes in the file.
    public var byteCount: Int { range.count }

    /// Calls `body` with the bytes as stored in the file: row-major, each row in blocks of `type`.
    public func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try file.withBytes(range, body)
    }

    /// A copy of the tensor's bytes in the file.
    public var bytes: [UInt8] { withBytes(Array.init) }

    /// The numbers as floats.
    public func floats() -> Tensor {
        withBytes { Tensor(converting: type, bytes: $0, shape: shape) }
    }
}
