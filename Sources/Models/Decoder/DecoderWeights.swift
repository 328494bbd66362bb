public import Tensors

/// The tensors of a decoder by their role.
public enum DecoderWeight: Sendable, Hashable {
    /// Token embeddings `[vocabulary, hidden]`, also the output projection unless the model has `ownOutput`.
    case embedding
    /// The output projection `[vocabulary, hidden]` of a model with `hasOwnOutput`.
    case ownOutput
    /// Weight of the norm before the output projection, `[hidden]`.
    case outputNorm
    /// The divisors of the rotary frequencies in a GGUF file, `[headSize / 2]`.
    case rotaryFactors
    /// Weight of the norm before a block's attention, `[hidden]`.
    case attentionNorm(layer: Int)
    /// Weight of the norm of each query head, `[headSize]`, in a model with `normalizesHeads`.
    case queryNorm(layer: Int)
    /// Weight of the norm of each key head, `[headSize]`, in a model with `normalizesHeads`.
    case keyNorm(layer: Int)
    /// Weight of the norm before a block's feed-forward layer, `[hidden]`.
    case feedForwardNorm(layer: Int)
    /// A linear layer of a block, `[outputs, inputs]`.
    case linear(AdapterModule, layer: Int)
    /// The bias of a linear layer, `[outputs]`, for the layers in `biases`.
    case bias(AdapterModule, layer: Int)

    /// The tensor's name in a GGUF file.
    public var ggufName: String {
        switch self {
        case .embedding: "token_embd.weight"
        case .ownOutput: "output.weight"
        case .outputNorm: "output_norm.weight"
        case .rotaryFactors: "rope_freqs.weight"
        case .attentionNorm(let layer): "blk.\(layer).attn_norm.weight"
        case .queryNorm(let layer): "blk.\(layer).attn_q_norm.weight"
        case .keyNorm(let layer): "blk.\(layer).attn_k_norm.weight"
        case .feedForwardNorm(let layer): "blk.\(layer).ffn_norm.weight"
        case .linear(let module, let layer): "blk.\(layer).\(module.ggufStem).weight"
        case .bias(let module, let layer): "blk.\(layer).\(module.ggufStem).bias"
        }
    }

    /// The tensor's name in a Hugging Face checkpoint whose decoder is called `prefix`, such as `model.`; nil if such
    /// checkpoints do not have it.
    public func huggingFaceName(prefix: String) -> String? {
        switch self {
        case .embedding: "\(prefix)embed_tokens.weight"
        case .ownOutput: "lm_head.weight"
        case .outputNorm: "\(prefix)norm.weight"
        case .rotaryFactors: nil
        case .attentionNorm(let layer): "\(prefix)layers.\(layer).input_layernorm.weight"
        case .queryNorm(let layer): "\(prefix)layers.\(layer).self_attn.q_norm.weight"
        case .keyNorm(let layer): "\(prefix)layers.\(layer).self_attn.k_norm.weight"
        case .feedForwardNorm(let layer): "\(prefix)layers.\(layer).post_attention_layernorm.weight"
        case .linear(let module, let layer): "\(prefix)layers.\(layer).\(module.huggingFaceStem).weight"
        case .bias(let module, let layer): "\(prefix)layers.\(layer).\(module.huggingFaceStem).bias"
        }
    }

    /// The tensor's extents, outermost first.
    public func shape(in configuration: DecoderConfiguration) -> [Int] {
        switch self {
        case .embedding, .ownOutput: return [configuration.vocabulary, configuration.hidden]
        case .outputNorm, .attentionNorm, .feedForwardNorm: return [configuration.hidden]
        case .rotaryFactors: return [configuration.headSize / 2]
        case .queryNorm, .keyNorm: return [configuration.headSize]
        case .linear(let module, _):
            let shape = module.shape(in: configuration)
            return [shape.outputs, shape.inputs]
        case .bias(let module, _): return [module.shape(in: configuration).outputs]
        }
    }

    /// All tensors of a decoder.
    public static func all(in configuration: DecoderConfiguration) -> [DecoderWeight] {
        var all: [DecoderWeight] = [.embedding, .outputNorm]
        if configuration.hasOwnOutput { all.append(.ownOutput) }
        if case .divided = configuration.ropeScaling { all.append(.rotaryFactors) }
        for layer in 0..<configuration.layers {
            all += [.attentionNorm(layer: layer), .feedForwardNorm(layer: layer)]
            all += AdapterModule.allCases.map { .linear($0, layer: layer) }
            all += AdapterModule.allCases.filter(configuration.biases.contains).map { .bias($0, layer: layer) }
            if configuration.normalizesHeads { all += [.queryNorm(layer: layer), .keyNorm(layer: layer)] }
        }
        return all
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

    fileprivate var huggingFaceStem: String {
        switch self {
        case .query, .key, .value, .output: "self_attn.\(rawValue)"
        case .gate, .up, .down: "mlp.\(rawValue)"
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

    /// A Hugging Face tensor `[heads * headSize, inputs]` in GGUF order: `reordered` undoes it.
    public func interleaved(_ tensor: Tensor) -> Tensor {
        precondition(tensor.rows == heads * headSize, "\(tensor.rows) rows are not \(heads) heads of \(headSize)")
        var result = Tensor(zeros: tensor.shape)
        for row in 0..<tensor.rows { result.replaceRows(from: ggufRow(of: row), with: tensor.rows(row..<row + 1)) }
        return result
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
