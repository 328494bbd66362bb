import Tensors

/// The matrix of a linear layer as stored in the file: quantised blocks, or floats.
enum LinearWeights: Sendable {
    case quantized(QuantizedMatrix)
    case float(PackedMatrix)

    var byteCount: Int {
        switch self {
        case .quantized(let matrix): matrix.byteCount
        case .float(let matrix): matrix.byteCount
        }
    }
}

extension Compute {
    /// x·wᵀ: `[rows, inputs]` to `[rows, outputs]`, plus `updates` for their rows.
    func multiply(_ x: Tensor, _ weights: LinearWeights, updates: [LowRankUpdate]) -> Tensor {
        switch weights {
        case .quantized(let matrix): multiply(x, matrix, updates: updates)
        case .float(let matrix): multiply(x, matrix, updates: updates)
        }
    }
}
