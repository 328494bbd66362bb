public import Checkpoints
import Tensors

extension VisionWeights {
    /// Reads a file of `write`: the weights, and their sizes in its metadata.
    ///
    /// - Throws: `SafetensorsError`, or `VisionError` with the name of the wrong size or tensor. No memory is allocated
    ///   for tensors with unexpected names or shapes.
    public init(path: String) throws {
        let file = try SafetensorsFile(path: path)
        try self.init(file, configuration: VisionConfiguration(metadata: file.metadata))
    }

    /// The weights in `file`, which must contain the tensors of `configuration`, and no others with names for which
    /// `ours` is true.
    ///
    /// - Throws: `SafetensorsError`, or `VisionError` with the name of a missing, unknown or wrongly shaped tensor.
    init(
        _ file: SafetensorsFile, configuration: VisionConfiguration, ours: (String) -> Bool = { _ in true }
    ) throws {
        let shapes = Self.shapes(for: configuration)
        var known: Set<String> = []
        for (name, shape) in shapes {
            guard let found = file.entries[name]?.shape else { throw VisionError.missingTensor(name) }
            guard found == shape else { throw VisionError.shape(name, expected: shape, found: found) }
            known.insert(name)
        }
        if let unknown = file.entries.keys.filter({ ours($0) && !known.contains($0) }).min() {
            throw VisionError.unknownTensor(unknown)
        }
        self.configuration = configuration
        self.parameters = ParameterSet(try shapes.map { name, _ in (name, try file.tensor(name)) })
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
        ]
    }

    fileprivate init(metadata: [String: String]) throws(VisionError) {
        func number<N: LosslessStringConvertible>(_ name: String) throws(VisionError) -> N {
            guard let value = metadata[name].flatMap(N.init) else { throw .metadata(name) }
            return value
        }
        try self.init(
            imageSize: number("image_size"), patchSize: number("patch_size"), hidden: number("hidden_size"),
            layers: number("num_hidden_layers"), heads: number("num_attention_heads"),
            feedForward: number("intermediate_size"), scale: number("scale_factor"),
            textHidden: number("text_hidden_size"), normEpsilon: number("layer_norm_eps"))
    }
}
