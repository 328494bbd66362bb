/// The rows of a float matrix in the form in which a file stores them, such as embeddings in bfloat16.
public struct StoredRows: Sendable {
    private let format: ElementFormat
    private let columns: Int
    private let bytes: [UInt8]

    /// Rows of `columns` floats in `bytes`, row-major, in a format that stores each element by itself.
    public init(format: ElementFormat, columns: Int, bytes: [UInt8]) {
        precondition(format.blockFormat == nil && columns > 0, "rows of \(columns) in blocks")
        precondition(bytes.count % (columns * format.blockBytes) == 0, "\(bytes.count) bytes are no whole rows")
        self.format = format
        self.columns = columns
        self.bytes = bytes
    }

    /// The rows with the indices `ids`, in fp32: `[ids, columns]`.
    public func rows(_ ids: [Int32]) -> Tensor {
        let size = columns * format.blockBytes
        var chosen: [UInt8] = []
        chosen.reserveCapacity(ids.count * size)
        for id in ids { chosen += bytes[Int(id) * size..<(Int(id) + 1) * size] }
        return chosen.withUnsafeBytes { Tensor(converting: format, bytes: $0, shape: [ids.count, columns]) }
    }
}
