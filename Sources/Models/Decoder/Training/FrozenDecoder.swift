public import Tensors

/// A decoder's weights for training: floats in Hugging Face row order that never change, packed for products.
///
/// It packs the weights for both directions of every product: SmolLM2-135M takes about 1.3 GB in fp32, 0.9 GB with bf16
/// products.
public struct FrozenDecoder: Sendable {
    /// The decoder's sizes.
    public let configuration: DecoderConfiguration
    /// The kernels and threads that the weights were packed for, and that the products run on.
    public let compute: Compute
    let blocks: [FrozenBlock]
    private let embedding: Tensor
    private let outputNorm: Tensor
    private let output: FrozenMatrix

    /// Packs the weights that `weight` returns, in Hugging Face row order and with the shapes of `DecoderWeight`.
    public init<E: Error>(
        configuration: DecoderConfiguration, precision: Precision = .float32, compute: Compute,
        weight: (DecoderWeight) throws(E) -> Tensor
    ) throws(E) {
        self.configuration = configuration
        self.compute = compute
        self.embedding = try weight(.embedding)
        self.outputNorm = try weight(.outputNorm)
        self.output = FrozenMatrix(embedding, precision: precision, compute: compute)
        self.blocks = try (0..<configuration.layers).map { layer throws(E) in
            func fused(_ modules: [AdapterModule]) throws(E) -> FrozenMatrix {
                let parts = try modules.map { module throws(E) in try weight(.linear(module, layer: layer)) }
                return FrozenMatrix(Tensor.stacking(parts), precision: precision, compute: compute)
            }
            return FrozenBlock(
                attentionNorm: try weight(.attentionNorm(layer: layer)),
                queryKeyValue: try fused([.query, .key, .value]), output: try fused([.output]),
                feedForwardNorm: try weight(.feedForwardNorm(layer: layer)),
                gateUp: try fused([.gate, .up]), down: try fused([.down]))
        }
    }

    /// Dequantises and packs the weights of a model's files.
    ///
    /// - Throws: `ModelError`, naming the file and the tensor.
    public init(_ files: DecoderFiles, precision: Precision = .float32, compute: Compute) throws {
        try self.init(
            configuration: files.configuration, precision: precision, compute: compute, weight: files.floats)
    }

    /// The embeddings of `tokens`, `[tokens, hidden]`.
    public func embeddings(of tokens: [Int32]) -> Tensor {
        compute.gather(tokens, from: embedding)
    }

    /// The final norm: from `[rows, hidden]` of the residual stream to the hidden states that heads read.
    func normalized(_ x: Tensor) -> Tensor {
        compute.rmsNorm(x, weight: outputNorm, epsilon: configuration.normEpsilon)
    }

    /// The gradient of `normalized` with respect to `x`.
    func normalizedBackward(_ dy: Tensor, x: Tensor) -> Tensor {
        compute.rmsNormInputGradient(dy, x: x, weight: outputNorm, epsilon: configuration.normEpsilon)
    }

    /// Logits of normalised hidden states: `[rows, hidden]` to `[rows, vocabulary]`.
    public func logits(_ hidden: Tensor) -> Tensor {
        compute.multiply(hidden, output.forward)
    }

    /// The gradient of `logits` with respect to the hidden states.
    public func logitsBackward(_ dlogits: Tensor) -> Tensor {
        compute.multiply(dlogits, output.backward)
    }
}

/// The frozen weights of one block.
struct FrozenBlock: Sendable {
    let attentionNorm: Tensor
    let queryKeyValue: FrozenMatrix
    let output: FrozenMatrix
    let feedForwardNorm: Tensor
    let gateUp: FrozenMatrix
    let down: FrozenMatrix
}
