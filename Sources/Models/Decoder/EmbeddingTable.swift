import Tensors

/// Token embeddings, which are also the output projection.
enum EmbeddingTable: Sendable {
    case quantized(QuantizedMatrix)
    case float(Tensor, PackedMatrix)

    /// The embeddings of the given tokens, `[ids, hidden]`.
    func rows(_ ids: [Int32], _ compute: Compute) -> Tensor {
        switch self {
        case .quantized(let matrix): compute.rows(ids, of: matrix)
        case .float(let table, _): compute.gather(ids, from: table)
        }
    }

    /// The logits of final hidden states, `[rows, vocabulary]`.
    func logits(_ hidden: Tensor, _ compute: Compute) -> Tensor {
        switch self {
        case .quantized(let matrix): compute.multiply(hidden, matrix)
        case .float(_, let matrix): compute.multiply(hidden, matrix)
        }
    }

    /// Bytes that `logits` reads.
    var outputBytes: Int {
        switch self {
        case .quantized(let matrix): matrix.byteCount
        case .float(_, let matrix): matrix.byteCount
        }
    }
}
