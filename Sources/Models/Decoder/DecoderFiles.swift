public import Checkpoints
public import Tensors

/// The decoder in a model's files: its sizes and options, and its weights by their role.
///
///     let files = try DecoderFiles(GGUFFile(path: "SmolLM2-135M-Instruct.Q4_1.gguf"))
///     let decoder = try TransformerDecoder(files, compute: compute)
public struct DecoderFiles: Sendable {
    /// The sizes and options.
    public var configuration: DecoderConfiguration
    /// The decoder's name in the model, with which PEFT names the layers of an adapter.
    public let decoderName: PEFTAdapter.DecoderName
    private let path: String
    /// The architecture or model type, for errors.
    private let model: String
    /// The architecture under which a GGUF file has such a decoder.
    let architecture: GGUFArchitecture
    private let tensors: [String: StoredTensor]
    /// The types of the tensors whose numbers are not floats, by name.
    private let skipped: [String: String]
    /// The tensors that belong to the decoder; the others belong to a vision encoder.
    private let isOurs: @Sendable (String) -> Bool
    private let naming: Naming

    private enum Naming: Sendable {
        /// GGUF's names; query and key heads may be interleaved.
        case gguf(interleavesHeads: Bool)
        /// Hugging Face's names after a prefix.
        case huggingFace(prefix: String)
    }

    /// The decoder of a GGUF file. Every tensor of the file must be the decoder's.
    ///
    /// - Throws: `GGUFError` or `ModelError`, naming the key or tensor.
    public init(_ file: GGUFFile) throws {
        configuration = try DecoderConfiguration(file)
        path = file.path
        architecture = try GGUFArchitecture(file)
        model = architecture.rawValue
        tensors = file.tensors
        skipped = [:]
        isOurs = { _ in true }
        decoderName = .text
        naming = .gguf(interleavesHeads: architecture.interleavesHeads)
        try check()
    }

    /// The decoder of a Hugging Face folder: a text model, or the text model of Idefics3 or SmolVLM.
    ///
    /// - Throws: `CheckpointError` or `ModelError`, naming the file and the field or tensor.
    public init(_ folder: CheckpointFolder) throws {
        let fields = try folder.fields("config.json")
        try fields.require("model_type", oneOf: Self.modelTypes)
        model = try fields.string("model_type") ?? ""
        let isMultimodal = VisionConfiguration.modelTypes.contains(model)
        guard fields["quantization_config"] == nil else {
            throw fields.fault("quantization_config", "no quantised weights in a folder", "an object")
        }
        let text = isMultimodal ? try fields.object("text_config") : fields
        let family = try DecoderFamily(text, or: "llama")
        architecture = GGUFArchitecture(family)
        configuration = try DecoderConfiguration(text, family: family)
        path = folder.path
        tensors = folder.tensors
        skipped = folder.skipped
        decoderName = isMultimodal ? .multimodal : .text
        naming = .huggingFace(prefix: decoderName.rawValue)
        isOurs = { name in !isMultimodal || !VisionWeights.prefixes.contains { name.hasPrefix($0) } }
        let isTied = try fields.flag("tie_word_embeddings", or: family == .smollm3 && !isMultimodal)
        configuration.hasOwnOutput = try hasOwnOutput(isTied: isTied)
        try check()
    }

    /// The `model_type`s of folders with a decoder that is supported.
    public static let modelTypes = DecoderFamily.allCases.map(\.rawValue) + VisionConfiguration.modelTypes

    /// Whether the output projection has weights of its own. As in transformers, a stored head that differs from the
    /// embedding is used even if the configuration ties them.
    private func hasOwnOutput(isTied: Bool) throws -> Bool {
        guard let head = stored(.ownOutput) else {
            guard isTied else { throw missing(.ownOutput, " and tie_word_embeddings is not true") }
            return false
        }
        guard isTied, let embedding = stored(.embedding) else { return true }
        guard head.shape == embedding.shape, head.type == embedding.type else { return true }
        return head.withBytes { head in embedding.withBytes { !head.elementsEqual($0) } }
    }

    /// Refuses tensors that are missing, of other shapes or types, or not known.
    private func check() throws {
        for weight in DecoderWeight.all(in: configuration) { _ = try tensor(weight) }
        // A tied head is the embedding again.
        let known = Set((DecoderWeight.all(in: configuration) + [.ownOutput]).compactMap(name))
        if let unknown = tensors.keys.filter({ isOurs($0) && !known.contains($0) && !isConstant($0) }).min() {
            throw CheckpointError(path, "tensor \(unknown) is not part of the architecture of \(model)")
        }
    }

    private func missing(_ weight: DecoderWeight, _ reason: String = "") -> CheckpointError {
        let name = name(weight) ?? weight.ggufName
        if let type = skipped[name] {
            return CheckpointError(path, "tensor \(name) is of type \(type), expected F32, F16 or BF16")
        }
        return CheckpointError(path, "tensor \(name) is missing\(reason) (\(model))")
    }

    /// Older checkpoints store rotary frequencies, which follow from the configuration.
    private func isConstant(_ name: String) -> Bool { name.hasSuffix(".rotary_emb.inv_freq") }

    private func name(_ weight: DecoderWeight) -> String? {
        switch naming {
        case .gguf: weight.ggufName
        case .huggingFace(let prefix): weight.huggingFaceName(prefix: prefix)
        }
    }

    private func stored(_ weight: DecoderWeight) -> StoredTensor? { name(weight).flatMap { tensors[$0] } }

    /// A tensor as stored, after a check of its shape; of a GGUF file's embedding, only the rows of tokens.
    ///
    /// - Throws: `CheckpointError`, naming the file and the tensor.
    public func tensor(_ weight: DecoderWeight) throws(CheckpointError) -> StoredTensor {
        let expected = weight.shape(in: configuration)
        guard var tensor = stored(weight) else { throw missing(weight) }
        let isTable = weight == .embedding || weight == .ownOutput
        if isTable, case .gguf = naming, tensor.shape.count == 2, tensor.shape[0] > expected[0] {
            tensor = tensor.rows(0..<expected[0])
        }
        guard tensor.shape == expected else {
            throw CheckpointError(
                path, "tensor \(tensor.name): expected shape \(expected), found \(tensor.shape) (\(model))")
        }
        return tensor
    }

    /// Whether a tensor is quantised in the files.
    public var hasBlocks: Bool { tensors.values.contains { $0.type.blockFormat != nil } }

    /// The bytes of the weights in memory in the given form.
    public func bytes(as precision: TransformerDecoder.Precision) -> Int {
        DecoderWeight.all(in: configuration).reduce(0) { bytes, weight in
            guard let tensor = stored(weight) else { return bytes }
            let elements = weight.shape(in: configuration).reduce(1, *)
            guard tensor.shape.count == 2, precision != .float32 else { return bytes + elements * 4 }
            if tensor.type.blockFormat != nil { return bytes + tensor.byteCount }
            switch precision {
            case .q8_0 where tensor.shape[1] % BlockFormat.q8_0.blockSize == 0:
                return bytes + elements / BlockFormat.q8_0.blockSize * BlockFormat.q8_0.blockBytes
            case .bfloat16: return bytes + elements * 2
            case .asStored, .float32, .q8_0: return bytes + elements * 4
            }
        }
    }

    /// The order that brings the rows of a linear layer into Hugging Face order; nil if they have it.
    func rowOrder(of module: AdapterModule) -> HuggingFaceRowOrder? {
        guard case .gguf(interleavesHeads: true) = naming else { return nil }
        return module.rowOrder(in: configuration)
    }

    /// A tensor as floats, in Hugging Face row order.
    ///
    /// - Throws: `CheckpointError`, naming the file and the tensor.
    public func floats(_ weight: DecoderWeight) throws(CheckpointError) -> Tensor {
        let floats = try tensor(weight).floats()
        switch weight {
        case .linear(let module, _): return rowOrder(of: module)?.reordered(floats) ?? floats
        case .bias(let module, _):
            guard let order = rowOrder(of: module) else { return floats }
            return order.reordered(floats.reshaped([floats.count, 1])).reshaped([floats.count])
        default: return floats
        }
    }
}
