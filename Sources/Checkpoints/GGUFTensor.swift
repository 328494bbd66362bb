public import Tensors

/// A tensor of a GGUF file. Its bytes stay in the mapped file until they are used.
public struct GGUFTensor: Sendable {
    /// Its name in the file.
    public let name: String
    /// Extents, outermost first: `[outputs, inputs]` for a matrix. The file itself stores them innermost first.
    public let shape: [Int]
    /// The format of its numbers.
    public let type: ElementFormat
    let file: MappedFile
    let range: Range<Int>

    /// The first `count` rows; the matrix must have at least that many.
    public func firstRows(_ count: Int) -> GGUFTensor {
        precondition(shape.count == 2 && (1...shape[0]).contains(count), "\(count) rows of \(shape)")
        let bytes = range.count / shape[0] * count
        return GGUFTensor(
            name: name, shape: [count, shape[1]], type: type, file: file,
            range: range.lowerBound..<range.lowerBound + bytes)
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
