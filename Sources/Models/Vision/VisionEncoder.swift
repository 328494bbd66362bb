public import Tensors

/// The vision encoder and connector for serving: packed weights, any number of tiles at once, no saved activations.
///
/// A tile's rows are bitwise the same for any other tiles in the batch. `VisionPass` is for training.
public struct VisionEncoder: Sendable {
    /// The sizes.
    public let configuration: VisionConfiguration
    private let compute: Compute
    private let parameters: ParameterSet
    private let packed: [String: PackedMatrix]

    /// An encoder with the given weights; its products run on `compute`.
    public init(_ weights: VisionWeights, precision: Precision = .float32, on compute: Compute) {
        self.configuration = weights.configuration
        self.compute = compute
        var packed: [String: PackedMatrix] = [:]
        var vectors: [(name: String, tensor: Tensor)] = []
        for (name, tensor) in zip(weights.parameters.names, weights.parameters.tensors) {
            if tensor.shape.count == 1 || name == VisionWeights.positions {
                vectors.append((name, tensor))
            } else {
                let matrix = tensor.reshaped([tensor.shape[0], tensor.count / tensor.shape[0]])
                packed[name] = PackedMatrix(matrix, precision: precision, compute: compute)
            }
        }
        self.parameters = ParameterSet(vectors)
        self.packed = packed
    }

    /// The bytes of the weights.
    public var byteCount: Int {
        packed.values.reduce(0) { $0 + $1.byteCount } + parameters.tensors.reduce(0) { $0 + $1.count * 4 }
    }

    /// The rows that the language model reads for `pixels`, `[tiles, 3, height, width]`, normalised to [-1, 1]; tiles
    /// of `imageSize` give `[tiles * tokensPerTile, textHidden]`. Sides are multiples of patch × scale.
    public func encode(_ pixels: Tensor) -> Tensor {
        var encoding = VisionEncoding(pixels, by: self)
        encoding.advance(layers: configuration.layers)
        return encoding.embeddings
    }

    /// The input of the first layer: patches with their positions, `[tiles * patches, hidden]`.
    func embed(_ pixels: Tensor, _ layout: VisionPatches) -> Tensor {
        var x = linear(layout.flattened(pixels, on: compute), VisionWeights.patchEmbedding)
        compute.add(&x, compute.gather(layout.positions, from: parameters[VisionWeights.positions]))
        return x
    }

    /// Applies one layer to all tiles.
    func apply(layer: Int, to x: inout Tensor, _ layout: VisionPatches) {
        attend(&x, VisionWeights.block(layer), spans: layout.spans)
        feedForward(&x, VisionWeights.block(layer))
    }

    /// Applies the norm, the pixel shuffle and the connector after the last layer.
    func connect(_ x: Tensor, _ layout: VisionPatches) -> Tensor {
        multiply(layout.shuffled(norm(x, VisionWeights.postNorm), on: compute), VisionWeights.connector)
    }

    private func attend(_ x: inout Tensor, _ block: String, spans: AttentionSpans) {
        let normed = norm(x, block + "layer_norm1")
        let attention = compute.attention(
            linear(normed, block + "self_attn.q_proj"), linear(normed, block + "self_attn.k_proj"),
            linear(normed, block + "self_attn.v_proj"), heads: configuration.heads, kvHeads: configuration.heads,
            spans: spans)
        compute.add(&x, linear(attention.output, block + "self_attn.out_proj"))
    }

    private func feedForward(_ x: inout Tensor, _ block: String) {
        let expanded = linear(norm(x, block + "layer_norm2"), block + "mlp.fc1")
        compute.add(&x, linear(compute.gelu(expanded), block + "mlp.fc2"))
    }

    private func norm(_ x: Tensor, _ name: String) -> Tensor {
        compute.layerNorm(x, name, of: parameters, epsilon: configuration.normEpsilon)
    }

    private func linear(_ x: Tensor, _ name: String) -> Tensor {
        var y = multiply(x, name + ".weight")
        compute.addBias(&y, parameters[name + ".bias"])
        return y
    }

    private func multiply(_ x: Tensor, _ name: String) -> Tensor {
        guard let matrix = packed[name] else { preconditionFailure("no matrix is called \(name)") }
        return compute.multiply(x, matrix)
    }
}

/// The encoding of tiles, a layer at a time, so that other work can run in between. The result is bitwise equal to that
/// of `VisionEncoder.encode`.
public struct VisionEncoding: Sendable {
    private let encoder: VisionEncoder
    private let layout: VisionPatches
    private var x: Tensor
    /// Layers still to compute.
    public private(set) var remainingLayers: Int

    /// Begins with `pixels` in the form of `VisionEncoder.encode`.
    public init(_ pixels: Tensor, by encoder: VisionEncoder) {
        self.encoder = encoder
        layout = VisionPatches(encoder.configuration, pixels: pixels.shape)
        x = encoder.embed(pixels, layout)
        remainingLayers = encoder.configuration.layers
    }

    /// Computes `layers` more layers, or the remaining ones if they are fewer.
    public mutating func advance(layers: Int) {
        for _ in 0..<min(layers, remainingLayers) {
            encoder.apply(layer: encoder.configuration.layers - remainingLayers, to: &x, layout)
            remainingLayers -= 1
        }
    }

    /// The rows that the language model reads; all layers must be computed.
    public var embeddings: Tensor {
        precondition(remainingLayers == 0, "\(remainingLayers) layers are to come")
        return encoder.connect(x, layout)
    }
}
