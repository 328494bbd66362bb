import Checkpoints
public import Tensors

/// The vision encoder and connector for serving: packed weights, any number of tiles at once, no saved activations.
///
/// A tile's rows are bitwise the same for any other tiles in the batch. `VisionPass` is for training.
public struct VisionEncoder: Sendable {
    /// How weights are stored and products computed.
    public enum Arithmetic: Sendable {
        /// Products in floats of this precision: the reference in single precision.
        case floats(Precision)
        /// Weights and activations in 8 bits with a scale for each block of 32, sums in 32 bits, and attention in 16
        /// bits. A matrix whose rows are not whole blocks stays in single precision.
        case integers
    }

    /// The sizes.
    public let configuration: VisionConfiguration
    private let compute: Compute
    /// Vectors, and the table of positions.
    private let parameters: ParameterSet
    private let matrices: [String: LinearWeights]
    private let isFused: Bool

    /// An encoder with the given weights; its products run on `compute`.
    public init(_ weights: VisionWeights, arithmetic: Arithmetic = .floats(.float32), on compute: Compute) {
        let parameters = weights.parameters
        let packer = VisionPacker(
            configuration: weights.configuration, arithmetic: arithmetic, compute: compute,
            floats: { parameters[$0] }, rows: { .init(rounding: VisionStem.matrix(parameters[$0])) })
        self.init(packer)
    }

    /// An encoder with the weights of a model's files, which are never in memory as floats all at once.
    public init(_ files: VisionFiles, arithmetic: Arithmetic, on compute: Compute) {
        let tensors = files.tensors
        func stored(_ name: String) -> StoredTensor {
            guard let tensor = tensors[name] else { preconditionFailure("no tensor is called \(name)") }
            return tensor
        }
        let packer = VisionPacker(
            configuration: files.configuration, arithmetic: arithmetic, compute: compute,
            floats: { stored($0).floats() },
            rows: { name in
                let tensor = stored(name)
                return .init(
                    format: tensor.type, outputs: tensor.shape[0], withBytes: { tensor.withBytes($0) })
            })
        self.init(packer)
    }

    private init(_ packer: VisionPacker) {
        configuration = packer.configuration
        compute = packer.compute
        isFused = packer.isInteger
        parameters = ParameterSet(packer.vectors())
        matrices = packer.matrices()
    }

    /// The bytes of the weights.
    public var byteCount: Int {
        matrices.values.reduce(0) { $0 + $1.byteCount } + parameters.tensors.reduce(0) { $0 + $1.count * 4 }
    }

    /// The rows that the language model reads for `pixels`, `[tiles, 3, height, width]`, normalised to [-1, 1]; tiles
    /// of `imageSize` give `[tiles * positionsPerTile, textHidden]`. Sides are multiples of patch × scale.
    public func encode(_ pixels: Tensor) -> Tensor {
        var encoding = VisionEncoding(pixels, by: self)
        encoding.advance(layers: configuration.layers)
        return encoding.embeddings
    }

    /// Tiles that are embedded at once: convolutions need several times the memory of their tiles.
    private static let tilesAtOnce = 8

    /// The input of the first layer: patches with their positions, `[tiles * patches, hidden]`.
    func embed(_ pixels: Tensor) -> Tensor {
        let shape = pixels.shape
        let tiles = pixels.reshaped([shape[0], pixels.count / shape[0]])
        return compute.joinRows(
            stride(from: 0, to: shape[0], by: Self.tilesAtOnce).map { first in
                let some = first..<min(shape[0], first + Self.tilesAtOnce)
                let pixels = tiles.rows(some).reshaped([some.count] + shape.dropFirst())
                let layout = VisionPatches(configuration, pixels: pixels.shape)
                return VisionStem(layout: layout, compute: compute)
                    .forward(pixels, positions: parameters[VisionWeights.positions], linear: linear).embeddings
            })
    }

    /// Applies one layer to all tiles.
    func apply(layer: Int, to x: inout Tensor, _ layout: VisionPatches) {
        attend(&x, VisionWeights.block(layer), layout)
        feedForward(&x, VisionWeights.block(layer))
    }

    /// Applies the norm, the pixel shuffle and the connector after the last layer, and ends rows.
    func connect(_ x: Tensor, _ layout: VisionPatches) -> Tensor {
        let tokens = multiply(
            layout.shuffled(norm(x, VisionWeights.postNorm), on: compute), VisionWeights.connector)
        guard configuration.endsRows else { return tokens }
        return RowEnds(tokens: tokens.rows, side: layout.tokensPerRow)
            .added(to: tokens, end: parameters[VisionWeights.rowEnd], on: compute)
    }

    /// The logits of the characters in `pixels`, `[tiles, 3, height, width]`:
    /// `[tiles * patches, columnsPerPatch * CharacterClass.count]`. The weights must have a head that reads.
    package func characters(in pixels: Tensor) -> Tensor {
        precondition(configuration.readsText, "the encoder has no head that reads")
        let layout = VisionPatches(configuration, pixels: pixels.shape)
        var x = embed(pixels)
        for layer in 0..<configuration.layers { apply(layer: layer, to: &x, layout) }
        return linear(norm(x, VisionWeights.postNorm), VisionWeights.reader)
    }

    private func attend(_ x: inout Tensor, _ block: String, _ layout: VisionPatches) {
        let normed = norm(x, block + "layer_norm1")
        let attended =
            isFused
            ? compute.tileAttention(
                linear(normed, block + VisionPacker.fused), heads: configuration.heads, rows: layout.patchesPerTile)
            : compute.attention(
                linear(normed, block + "self_attn.q_proj"), linear(normed, block + "self_attn.k_proj"),
                linear(normed, block + "self_attn.v_proj"), heads: configuration.heads, kvHeads: configuration.heads,
                spans: layout.spans
            ).output
        compute.add(&x, linear(attended, block + "self_attn.out_proj"))
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
        guard let matrix = matrices[name] else { preconditionFailure("no matrix is called \(name)") }
        return compute.multiply(x, matrix)
    }
}

/// Lays out an encoder's weights for serving.
private struct VisionPacker {
    let configuration: VisionConfiguration
    let arithmetic: VisionEncoder.Arithmetic
    let compute: Compute
    /// A weight as floats.
    let floats: (String) -> Tensor
    /// A matrix's rows for rounding to blocks.
    let rows: (String) -> QuantizedMatrix.Source

    /// The projections of queries, keys and values as one layer.
    static let fused = "self_attn.qkv_proj"
    private static let projections = ["q_proj", "k_proj", "v_proj"]

    var isInteger: Bool { if case .integers = arithmetic { true } else { false } }

    private var shapes: [(name: String, shape: [Int])] { VisionWeights.shapes(for: configuration) }

    private static func isVector(_ name: String, _ shape: [Int]) -> Bool {
        shape.count == 1 || name == VisionWeights.positions
    }

    private func projections(_ layer: Int, _ suffix: String) -> [String] {
        Self.projections.map { "\(VisionWeights.block(layer))self_attn.\($0).\(suffix)" }
    }

    func vectors() -> [(String, Tensor)] {
        var vectors = shapes.filter { Self.isVector($0.name, $0.shape) }.map { ($0.name, floats($0.name)) }
        guard isInteger else { return vectors }
        for layer in 0..<configuration.layers {
            let biases = projections(layer, "bias").flatMap { floats($0).elements }
            vectors.append(
                ("\(VisionWeights.block(layer))\(Self.fused).bias", Tensor(biases, shape: [biases.count])))
        }
        return vectors
    }

    func matrices() -> [String: LinearWeights] {
        var matrices: [String: LinearWeights] = [:]
        var fused: Set<String> = []
        if isInteger {
            for layer in 0..<configuration.layers {
                let names = projections(layer, "weight")
                matrices["\(VisionWeights.block(layer))\(Self.fused).weight"] = pack(
                    names, inputs: configuration.hidden)
                fused.formUnion(names)
            }
        }
        for (name, shape) in shapes where !Self.isVector(name, shape) && !fused.contains(name) {
            matrices[name] = pack([name], inputs: shape.dropFirst().reduce(1, *))
        }
        return matrices
    }

    private func pack(_ names: [String], inputs: Int) -> LinearWeights {
        if isInteger, inputs % BlockFormat.q8_0.blockSize == 0 {
            return .quantized(QuantizedMatrix(inputs: inputs, concatenating: names.map(rows), compute: compute))
        }
        let matrix = Tensor.stacking(names.map { VisionStem.matrix(floats($0)) })
        guard case .floats(let precision) = arithmetic else { return .float(PackedMatrix(matrix, compute: compute)) }
        return .float(PackedMatrix(matrix, precision: precision, compute: compute))
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
        x = encoder.embed(pixels)
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
