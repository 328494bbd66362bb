public import Tensors

/// The tensors of a Llama-shaped decoder, under their GGUF names.
public enum DecoderWeight: Sendable, Hashable {
    /// Token embeddings `[vocabulary, hidden]`, also the output projection.
    case embedding
    /// Weight of the norm before the output projection, `[hidden]`.
    case outputNorm
    /// Weight of the norm before a block's attention, `[hidden]`.
    case attentionNorm(layer: Int)
    /// Weight of the norm before a block's feed-forward layer, `[hidden]`.
    case feedForwardNorm(layer: Int)
    /// A linear layer of a block, `[outputs, inputs]`.
    case linear(AdapterModule, layer: Int)

    /// The tensor's name in a GGUF file.
    public var ggufName: String {
        switch self {
        case .embedding: "token_embd.weight"
        case .outputNorm: "output_norm.weight"
        case .attentionNorm(let layer): "blk.\(layer).attn_norm.weight"
        case .feedForwardNorm(let layer): "blk.\(layer).ffn_norm.weight"
        case .linear(let module, let layer): "blk.\(layer).\(module.ggufStem).weight"
        }
    }

    /// The tensor's extents, outermost first.
    public func shape(in configuration: DecoderConfiguration) -> [Int] {
        switch self {
        case .embedding: return [configuration.vocabulary, configuration.hidden]
        case .outputNorm, .attentionNorm, .feedForwardNorm: return [configuration.hidden]
        case .linear(let module, _):
            let shape = module.shape(in: configuration)
            return [shape.outputs, shape.inputs]
        }
    }
}

extension AdapterModule {
    fileprivate var ggufStem: String {
        switch self {
        case .query: "attn_q"
        case .key: "attn_k"
        case .value: "attn_v"
        case .output: "attn_output"
        case .gate: "ffn_gate"
        case .up: "ffn_up"
        case .down: "ffn_down"
        }
    }

    /// The order that brings the layer's rows from a GGUF file into Hugging Face order; nil if they have it already.
    public func rowOrder(in configuration: DecoderConfiguration) -> HuggingFaceRowOrder? {
        switch self {
        case .query: HuggingFaceRowOrder(heads: configuration.heads, headSize: configuration.headSize)
        case .key: HuggingFaceRowOrder(heads: configuration.kvHeads, headSize: configuration.headSize)
        case .value, .output, .gate, .up, .down: nil
        }
    }
}

/// The order of query and key rows within a head.
///
/// ggml rotates neighbouring elements (2i, 2i + 1); Hugging Face rotates element i with element i + half. So
/// llama.cpp's converter interleaves the two halves of each head's rows, and this order undoes it.
public struct HuggingFaceRowOrder: Sendable, Equatable {
    /// Heads.
    public let heads: Int
    /// Rows per head; even.
    public let headSize: Int

    /// The order for `heads` heads of `headSize` rows.
    public init(heads: Int, headSize: Int) {
        precondition(headSize % 2 == 0, "heads of \(headSize) rows have no halves")
        self.heads = heads
        self.headSize = headSize
    }

    /// The row of the GGUF tensor that becomes row `row` in Hugging Face order.
    public func ggufRow(of row: Int) -> Int {
        let (head, element) = row.quotientAndRemainder(dividingBy: headSize)
        let half = headSize / 2
        return head * headSize + 2 * (element % half) + element / half
    }

    /// A GGUF tensor `[heads * headSize, inputs]` in Hugging Face order.
    public func reordered(_ tensor: Tensor) -> Tensor {
        precondition(tensor.rows == heads * headSize, "\(tensor.rows) rows are not \(heads) heads of \(headSize)")
        var elements: [Float] = []
        elements.reserveCapacity(tensor.count)
        for row in 0..<tensor.rows {
            let source = ggufRow(of: row)
            elements += tensor.rows(source..<source + 1).elements
        }
        return Tensor(elements, shape: tensor.shape)
    }
}

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
