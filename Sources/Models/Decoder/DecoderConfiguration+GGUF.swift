public import Checkpoints

extension DecoderConfiguration {
    /// The sizes in a GGUF file of architecture `llama`, checked against each other.
    ///
    /// - Throws: `GGUFError` for a key that is missing or of the wrong type, `ModelError` for an unsupported value.
    public init(_ file: GGUFFile) throws {
        try Self.require(file, "general.architecture", "llama")
        if file.metadata["llama.rope.scaling.type"] != nil { try Self.require(file, "llama.rope.scaling.type", "none") }
        let heads = try Self.size(file, "llama.attention.head_count", in: 1...1024)
        let hidden = try Self.size(file, "llama.embedding_length", in: 1...65_536)
        let kvKey = "llama.attention.head_count_kv"
        let kvHeads = file.metadata[kvKey] == nil ? heads : try Self.size(file, kvKey, in: 1...heads)
        guard heads % kvHeads == 0 else {
            throw ModelError.unsupported(key: kvKey, expected: "a divisor of \(heads)", found: "\(kvHeads)")
        }
        guard hidden % heads == 0, hidden / heads % 16 == 0, hidden / heads <= 256 else {
            throw ModelError.unsupported(
                key: "llama.embedding_length", expected: "\(heads) heads of a multiple of 16 elements, at most 256",
                found: "\(hidden)")
        }
        let embedding = try file.tensor(DecoderWeight.embedding.ggufName)
        let thetaKey = "llama.rope.freq_base"
        self.init(
            layers: try Self.size(file, "llama.block_count", in: 1...1024),
            hidden: hidden,
            feedForward: try Self.size(file, "llama.feed_forward_length", in: 1...1_048_576),
            heads: heads, kvHeads: kvHeads, headSize: hidden / heads,
            vocabulary: try Self.vocabulary(file, rows: embedding.shape.first ?? 0),
            contextLength: try Self.size(file, "llama.context_length", in: 1...1_048_576),
            ropeTheta: file.metadata[thetaKey] == nil ? 10_000 : Float(try file.number(thetaKey)),
            normEpsilon: Float(try file.number("llama.attention.layer_norm_rms_epsilon")))
        let ropeKey = "llama.rope.dimension_count"
        if file.metadata[ropeKey] != nil { _ = try Self.size(file, ropeKey, in: headSize...headSize) }
    }

    /// The number of embedding rows that belong to tokens. Some files pad the embedding to a round number of rows. The
    /// padding is not loaded, so its ids are never read or drawn.
    private static func vocabulary(_ file: GGUFFile, rows: Int) throws -> Int {
        let key = "tokenizer.ggml.tokens"
        guard file.metadata[key] != nil else { return rows }
        let tokens = try file.strings(key).count
        guard (1...max(1, rows)).contains(tokens) else {
            throw ModelError.unsupported(
                key: key, expected: "1 to \(rows) tokens, the rows of \(DecoderWeight.embedding.ggufName)",
                found: "\(tokens)")
        }
        return tokens
    }

    /// Stretches the context to `positions` positions.
    mutating func stretch(to positions: Int) throws {
        guard positions <= contextLength * Self.maximumStretch else {
            throw ModelError.unsupported(
                key: "context length", expected: "at most \(contextLength * Self.maximumStretch)", found: "\(positions)"
            )
        }
        contextStretch = max(1, Float(positions) / Float(contextLength))
    }

    private static func size(_ file: GGUFFile, _ key: String, in range: ClosedRange<Int>) throws -> Int {
        let value = try file.integer(key)
        guard range.contains(value) else {
            let expected = range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
            throw ModelError.unsupported(key: key, expected: expected, found: "\(value)")
        }
        return value
    }

    private static func require(_ file: GGUFFile, _ key: String, _ expected: String) throws {
        let value = try file.string(key)
        guard value == expected else {
            throw ModelError.unsupported(key: key, expected: expected, found: value)
        }
    }
}

extension GGUFFile {
    /// A tensor of a decoder of the given sizes; of the embedding, only the rows of tokens.
    func tensor(_ weight: DecoderWeight, of configuration: DecoderConfiguration) throws -> GGUFTensor {
        let expected = weight.shape(in: configuration)
        var tensor = try tensor(weight.ggufName)
        if weight == .embedding, tensor.shape.count == 2, tensor.shape[0] > expected[0] {
            tensor = tensor.firstRows(expected[0])
        }
        guard tensor.shape == expected else {
            throw ModelError.shape(tensor: tensor.name, expected: expected, found: tensor.shape)
        }
        return tensor
    }
}
