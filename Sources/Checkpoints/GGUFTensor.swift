public import Tensors

/// A tensor of a GGUF file. Its bytes stay in the mapped file until they are asked for.
public struct GGUFTensor: Sendable {
    /// Its name in the file.
    public let name: String
    /// Extents, outermost first: `[outputs, inputs]` for a matrix. The file itself writes them the other way round.
    public let shape: [Int]
    /// How its numbers are stored.
    public let type: ElementFormat
    let file: MappedFile
    let range: Range<Int>

    /// The same without the rows from `count` on; a matrix has at least as many.
    public func firstRows(_ count: Int) -> GGUFTensor {
        precondition(shape.count == 2 && (1...shape[0]).contains(count), "\(count) rows of \(shape)")
        let bytes = range.count / shape[0] * count
        return GGUFTensor(
            name: name, shape: [count, shape[1]], type: type, file: file,
            range: range.lowerBound..<range.lowerBound + bytes)
    }

    /// Bytes in the file.
    public var byteCount: Int { range.count }

    /// Calls `body` with the bytes as they stand in the file: row-major, each row in blocks of `type`.
    public func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try file.withBytes(range, body)
    }

    /// A copy of those bytes.
    public var bytes: [UInt8] { withBytes(Array.init) }

    /// The numbers as floats.
    public func floats() -> Tensor {
        withBytes { Tensor(converting: type, bytes: $0, shape: shape) }
    }
}
