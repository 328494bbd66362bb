public import Checkpoints
import Foundation
package import Tensors

/// The weights of a vision encoder and its connector, under the names of the reference implementation (transformers,
/// `Idefics3Model`); linear layers are `[outputs, inputs]`, the patch embedding is `[hidden, 3, patch, patch]`. With a
/// stem, `embeddings.stem.N` and the patch embedding are convolutions, `[outputs, 9 * inputs]`: row, column, channel.
public struct VisionWeights: Sendable {
    /// The sizes of the encoder.
    public let configuration: VisionConfiguration
    /// The weights, in the order of `shapes(for:)`.
    public var parameters: ParameterSet

    /// The encoder's weights in `parameters`, which may also contain training heads.
    public init(configuration: VisionConfiguration, parameters: ParameterSet) {
        self.configuration = configuration
        self.parameters = ParameterSet(Self.shapes(for: configuration).map { ($0.name, parameters[$0.name]) })
    }

    /// Initial weights for training. Linear layers have PyTorch's variance, 1/(3 inputs), and no bias.
    public init(configuration: VisionConfiguration, using generator: inout some RandomNumberGenerator) {
        self.configuration = configuration
        self.parameters = ParameterSet(
            Self.shapes(for: configuration).map { name, shape in
                if name.hasSuffix("bias") { return (name, Tensor(zeros: shape)) }
                if name.contains("norm") { return (name, Tensor(repeating: 1, shape)) }
                if name == Self.rowEnd { return (name, Tensor(zeros: shape)) }
                let inputs = shape.dropFirst().reduce(1, *)
                let deviation = name == Self.positions ? 0.02 : (1 / Float(3 * inputs)).squareRoot()
                return (name, Tensor(normal: deviation, shape, using: &generator))
            })
    }

    /// Sets the positions to sines and cosines of the row in one half of the width and of the column in the other
    /// (Vaswani et al. 2017, §3.5, in two dimensions): from the first step on, neighbours are alike. Wavelengths fit a
    /// tile's sides.
    package mutating func setPositionsToWaves() {
        let (side, width) = (configuration.patchesPerSide, configuration.hidden)
        let quarter = max(1, width / 4)
        var elements: [Float] = []
        for patch in 0..<configuration.patches {
            let coordinates = [Double(patch / side), Double(patch % side)]
            for index in 0..<width {
                let wave = index % (2 * quarter)
                let angle = coordinates[index / (2 * quarter) % 2] * pow(100, -Double(wave / 2) / Double(quarter))
                elements.append(0.3 * Float(wave % 2 == 0 ? sin(angle) : cos(angle)))
            }
        }
        parameters[Self.positions] = Tensor(elements, shape: [configuration.patches, width])
    }

    /// The head that names characters: for each patch, logits `[columnsPerPatch, CharacterClass.count]`.
    package struct Reader {
        /// `[columnsPerPatch * CharacterClass.count, hidden]`.
        package let weight: Tensor
        /// `[columnsPerPatch * CharacterClass.count]`.
        package let bias: Tensor

        /// A head with these weights.
        package init(weight: Tensor, bias: Tensor) {
            self.weight = weight
            self.bias = bias
        }
    }

    /// The same weights, with `rowEnd` at the end of each row of tokens, and with a head that reads; nil for none.
    package func with(rowEnd: Tensor?, reader: Reader?) -> VisionWeights {
        let others = [Self.rowEnd, Self.reader + ".weight", Self.reader + ".bias"]
        var weights = zip(parameters.names, parameters.tensors).filter { !others.contains($0.0) }.map { ($0, $1) }
        if let rowEnd { weights.append((Self.rowEnd, rowEnd.reshaped([configuration.textHidden]))) }
        if let reader {
            weights += [(Self.reader + ".weight", reader.weight), (Self.reader + ".bias", reader.bias)]
        }
        return VisionWeights(
            configuration: configuration.with(rowEnds: rowEnd != nil, reader: reader != nil),
            parameters: ParameterSet(weights))
    }

    /// The head that names characters; nil for an encoder that does not read.
    package var reader: Reader? {
        guard configuration.readsText else { return nil }
        return Reader(weight: parameters[Self.reader + ".weight"], bias: parameters[Self.reader + ".bias"])
    }

    /// The SHA-256 of the sizes and of every weight as loaded.
    public var digest: String {
        let sizes = configuration.metadata.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        let weights = zip(parameters.names, parameters.tensors).map { "\($0) \(TensorDigest($1).hexadecimal)" }
        return FileDigest.sha256(of: (sizes + weights).joined(separator: "\n"))
    }

    static let patchEmbedding = "model.vision_model.embeddings.patch_embedding"
    static func stem(_ index: Int) -> String { "model.vision_model.embeddings.stem.\(index)" }
    static let positions = "model.vision_model.embeddings.position_embedding.weight"
    static let postNorm = "model.vision_model.post_layernorm"
    /// The connector's weight, `[textHidden, shuffledWidth]`.
    package static let connector = "model.connector.modality_projection.proj.weight"

    /// The embedding that ends each row of tokens, `[textHidden]`; LLaVA-NeXT's name.
    package static let rowEnd = "model.image_newline"

    /// The layer that names characters.
    package static let reader = "model.character_head"

    /// The beginnings of the weights' names.
    static let prefixes = ["model.vision_model.", "model.connector."]

    /// The beginning of the names of all blocks' weights.
    package static let blocks = "model.vision_model.encoder.layers."

    static func block(_ layer: Int) -> String { "\(blocks)\(layer)." }

    /// Names and shapes of all weights, in the order of the forward pass.
    public static func shapes(for configuration: VisionConfiguration) -> [(name: String, shape: [Int])] {
        let (hidden, feedForward) = (configuration.hidden, configuration.feedForward)
        func layer(_ name: String, _ shape: [Int]) -> [(name: String, shape: [Int])] {
            [(name + ".weight", shape), (name + ".bias", [shape[0]])]
        }
        var shapes: [(name: String, shape: [Int])] = []
        var channels = 3
        for (index, outputs) in configuration.stem.enumerated() {
            shapes += layer(stem(index), [outputs, 9 * channels])
            channels = outputs
        }
        let isStem = !configuration.stem.isEmpty
        shapes += layer(
            patchEmbedding,
            isStem ? [hidden, 9 * channels] : [hidden, 3, configuration.patchSize, configuration.patchSize])
        shapes.append((positions, [configuration.patches, hidden]))
        for index in 0..<configuration.layers {
            let block = block(index)
            shapes += layer(block + "layer_norm1", [hidden])
            for projection in ["q_proj", "k_proj", "v_proj", "out_proj"] {
                shapes += layer(block + "self_attn." + projection, [hidden, hidden])
            }
            shapes += layer(block + "layer_norm2", [hidden])
            shapes += layer(block + "mlp.fc1", [feedForward, hidden])
            shapes += layer(block + "mlp.fc2", [hidden, feedForward])
        }
        shapes += layer(postNorm, [hidden])
        shapes.append((connector, [configuration.textHidden, configuration.shuffledWidth]))
        if configuration.endsRows { shapes.append((rowEnd, [configuration.textHidden])) }
        if configuration.readsText {
            shapes += layer(reader, [CharacterClass.columnsPerPatch * CharacterClass.count, hidden])
        }
        return shapes
    }
}

extension VisionWeights {
    /// Reads a file of `write`: the weights, and their sizes in its metadata.
    ///
    /// - Throws: `SafetensorsError`, or `VisionError` with the name of the wrong size or tensor. No memory is allocated
    ///   for tensors with unexpected names or shapes.
    public init(path: String) throws {
        let file = try SafetensorsFile(path: path)
        try self.init(file.tensors, configuration: VisionConfiguration(metadata: file.metadata))
    }

    /// The weights in `tensors`, which must be the tensors of `configuration` and no others.
    ///
    /// - Throws: `VisionError` with the name of a missing, unknown or wrongly shaped tensor.
    init(_ tensors: [String: StoredTensor], configuration: VisionConfiguration) throws(VisionError) {
        let ours = try Self.check(tensors, configuration: configuration)
        self.configuration = configuration
        self.parameters = ParameterSet(
            zip(Self.shapes(for: configuration), ours).map { ($0.name, $1.floats()) })
    }

    /// The weights in `tensors` in order, which must be the tensors of `configuration` and no others. No weight is
    /// read.
    ///
    /// - Throws: `VisionError` with the name of a missing, unknown or wrongly shaped tensor.
    static func check(
        _ tensors: [String: StoredTensor], configuration: VisionConfiguration
    ) throws(VisionError) -> [StoredTensor] {
        let shapes = shapes(for: configuration)
        var ours: [StoredTensor] = []
        for (name, shape) in shapes {
            guard let tensor = tensors[name] else { throw .missingTensor(name) }
            guard tensor.shape == shape else { throw .shape(name, expected: shape, found: tensor.shape) }
            ours.append(tensor)
        }
        let known = Set(shapes.map(\.name))
        if let unknown = tensors.keys.filter({ !known.contains($0) }).min() { throw .unknownTensor(unknown) }
        return ours
    }

    /// Writes the weights to `path` in `format`, with their sizes in the metadata.
    public func write(to path: String, as format: FloatFormat = .float32) throws(SafetensorsError) {
        let tensors = Dictionary(uniqueKeysWithValues: zip(parameters.names, parameters.tensors))
        try SafetensorsFile.write(tensors, as: format, metadata: configuration.metadata, to: path)
    }
}

extension VisionConfiguration {
    /// The sizes as a safetensors file's metadata, under the names in Idefics3's configuration.
    var metadata: [String: String] {
        [
            "image_size": "\(imageSize)", "patch_size": "\(patchSize)", "hidden_size": "\(hidden)",
            "num_hidden_layers": "\(layers)", "num_attention_heads": "\(heads)",
            "intermediate_size": "\(feedForward)", "scale_factor": "\(scale)", "text_hidden_size": "\(textHidden)",
            "layer_norm_eps": "\(normEpsilon)",
        ].merging(endsRows ? ["ends_rows": "true"] : [:]) { first, _ in first }
            .merging(readsText ? ["reads_text": "true"] : [:]) { first, _ in first }
            .merging(stem.isEmpty ? [:] : ["stem": stem.map { "\($0)" }.joined(separator: ",")]) { first, _ in first }
    }

    fileprivate init(metadata: [String: String]) throws(VisionError) {
        func number<N: LosslessStringConvertible>(_ name: String) throws(VisionError) -> N {
            guard let value = metadata[name].flatMap(N.init) else { throw .metadata(name) }
            return value
        }
        let channels = (metadata["stem"]?.split(separator: ",", omittingEmptySubsequences: false) ?? []).map { Int($0) }
        let stem = channels.compactMap { $0 }
        guard stem.count == channels.count else { throw .metadata("stem") }
        try self.init(
            imageSize: number("image_size"), patchSize: number("patch_size"), hidden: number("hidden_size"),
            layers: number("num_hidden_layers"), heads: number("num_attention_heads"),
            feedForward: number("intermediate_size"), scale: number("scale_factor"),
            textHidden: number("text_hidden_size"), stem: stem, normEpsilon: number("layer_norm_eps"),
            endsRows: metadata["ends_rows"] == nil ? false : number("ends_rows"),
            readsText: metadata["reads_text"] == nil ? false : number("reads_text"))
    }
}
