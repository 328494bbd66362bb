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
        self.output = FrozenMatrix(
            configuration.hasOwnOutput ? try weight(.ownOutput) : embedding, precision: precision, compute: compute)
        self.blocks = try (0..<configuration.layers).map { layer throws(E) in
            func fused(_ modules: [AdapterModule]) throws(E) -> FrozenLinear {
                let parts = try modules.map { module throws(E) in try weight(.linear(module, layer: layer)) }
                let biases = try modules.map { module throws(E) in
                    configuration.biases.contains(module)
                        ? try weight(.bias(module, layer: layer))
                        : Tensor(zeros: [module.shape(in: configuration).outputs])
                }
                let hasBias = modules.contains(where: configuration.biases.contains)
                return FrozenLinear(
                    matrix: FrozenMatrix(Tensor.stacking(parts), precision: precision, compute: compute),
                    bias: hasBias
                        ? Tensor(biases.flatMap(\.elements), shape: [biases.reduce(0) { $0 + $1.count }]) : nil)
            }
            let norms = configuration.normalizesHeads
            return FrozenBlock(
                attentionNorm: try weight(.attentionNorm(layer: layer)),
                queryKeyValue: try fused([.query, .key, .value]),
                queryNorm: norms ? try weight(.queryNorm(layer: layer)) : nil,
                keyNorm: norms ? try weight(.keyNorm(layer: layer)) : nil, output: try fused([.output]),
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
        var logits = compute.multiply(hidden, output.forward)
        if configuration.logitsScale != 1 { compute.scale(&logits, by: 1 / configuration.logitsScale) }
        return logits
    }

    /// The gradient of `logits` with respect to the hidden states.
    public func logitsBackward(_ dlogits: Tensor) -> Tensor {
        var dhidden = compute.multiply(dlogits, output.backward)
        if configuration.logitsScale != 1 { compute.scale(&dhidden, by: 1 / configuration.logitsScale) }
        return dhidden
    }
}

/// The frozen weights of one block.
struct FrozenBlock: Sendable {
    let attentionNorm: Tensor
    let queryKeyValue: FrozenLinear
    /// The norm of each query head, `[headSize]`; nil in a model without.
    let queryNorm: Tensor?
    /// The norm of each key head, `[headSize]`; nil in a model without.
    let keyNorm: Tensor?
    let output: FrozenLinear
    let feedForwardNorm: Tensor
    let gateUp: FrozenLinear
    let down: FrozenLinear
}

/// Frozen linear layers of one input.
struct FrozenLinear: Sendable {
    let matrix: FrozenMatrix
    /// `[outputs]`; nil without one.
    let bias: Tensor?
}
