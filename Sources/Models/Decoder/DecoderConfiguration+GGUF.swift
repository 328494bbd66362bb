public import Checkpoints
import Tensors

/// The decoder families of GGUF files, by `general.architecture`.
enum GGUFArchitecture: String, CaseIterable {
    /// Llama 2 and 3, Mistral, SmolLM2 and others of their shape.
    case llama
    case qwen2
    case qwen3
    case smollm3
    case granite

    /// The architecture of a Hugging Face folder's decoder.
    init(_ family: DecoderFamily) {
        switch family {
        case .llama, .mistral: self = .llama
        case .qwen2: self = .qwen2
        case .qwen3: self = .qwen3
        case .smollm3: self = .smollm3
        case .granite: self = .granite
        }
    }

    /// Whether llama.cpp's converter interleaves the halves of query and key heads.
    var interleavesHeads: Bool { self != .qwen2 && self != .qwen3 }

    /// The architecture of `file`.
    init(_ file: GGUFFile) throws {
        try self.init(named: file.string("general.architecture"), in: file.path)
    }

    private init(named name: String, in path: String) throws(ModelError) {
        guard let architecture = Self(rawValue: name) else {
            throw ModelError.unsupported(
                key: "\(path): general.architecture",
                expected: Self.allCases.map(\.rawValue).joined(separator: ", "),
                found: name == "clip" ? "clip, the vision of a model: --vision takes it" : name)
        }
        self = architecture
    }

    /// The model file at `path`. Of an architecture that is not known, no other fault matters: a file with other types
    /// of tensors would be refused too.
    static func open(_ path: String) throws -> GGUFFile {
        do { return try GGUFFile(path: path) } catch {
            if case .unsupportedType(_, _, _, let name?) = error { _ = try Self(named: name, in: path) }
            throw error
        }
    }
}

extension DecoderConfiguration {
    /// The sizes and options in a GGUF file, checked against each other.
    ///
    /// - Throws: `GGUFError` for a key that is missing or of the wrong type, `ModelError` for an unsupported value.
    public init(_ file: GGUFFile) throws {
        let architecture = try GGUFArchitecture(file)
        let keys = GGUFKeys(file: file, architecture: architecture)
        try keys.checkNames()
        let heads = try keys.size("attention.head_count", in: 1...1024)
        let hidden = try keys.size("embedding_length", in: 1...65_536)
        let kvHeads = try keys.size("attention.head_count_kv", in: 1...heads, or: heads)
        guard heads % kvHeads == 0 else {
            throw keys.fault("attention.head_count_kv", "a divisor of \(heads)", "\(kvHeads)")
        }
        guard keys.has("attention.key_length") || hidden % heads == 0 else {
            throw keys.fault("embedding_length", "a multiple of \(heads) heads", "\(hidden)")
        }
        let headSize = try keys.size("attention.key_length", in: 1...256, or: hidden / heads)
        guard headSize % 16 == 0, headSize <= 256 else {
            throw keys.fault(
                keys.has("attention.key_length") ? "attention.key_length" : "embedding_length",
                "\(heads) heads of a multiple of 16 elements, at most 256", "\(headSize)")
        }
        _ = try keys.size("attention.value_length", in: headSize...headSize, or: headSize)
        _ = try keys.size("rope.dimension_count", in: headSize...headSize, or: headSize)
        let embedding = try file.tensor(DecoderWeight.embedding.ggufName)
        let layers = try keys.size("block_count", in: 1...1024)
        self.init(
            layers: layers, hidden: hidden, feedForward: try keys.size("feed_forward_length", in: 1...1_048_576),
            heads: heads, kvHeads: kvHeads, headSize: headSize,
            vocabulary: try Self.vocabulary(file, rows: embedding.shape.first ?? 0),
            contextLength: try keys.size("context_length", in: 1...16_777_216),
            ropeTheta: try keys.number("rope.freq_base", or: 10_000),
            normEpsilon: try keys.number("attention.layer_norm_rms_epsilon"))
        // Beyond its window, a layer would have to forget. A context within the window is exact.
        let window = try keys.size("attention.sliding_window", in: 0...16_777_216, or: 0)
        if window > 0 { contextLength = min(contextLength, window) }
        ropeScaling = try keys.ropeScaling(headSize: headSize)
        hasOwnOutput = file.tensors[DecoderWeight.ownOutput.ggufName] != nil
        biases = Set(
            AdapterModule.allCases.filter { file.tensors[DecoderWeight.bias($0, layer: 0).ggufName] != nil })
        normalizesHeads = file.tensors[DecoderWeight.queryNorm(layer: 0).ggufName] != nil
        if architecture == .smollm3 { unrotatedLayers = Set((0..<layers).filter { $0 % 4 == 3 }) }
        if architecture == .granite {
            embeddingScale = try keys.number("embedding_scale", or: 1)
            residualScale = try keys.number("residual_scale", or: 1)
            logitsScale = try keys.number("logit_scale", or: 1)
            attentionScale = keys.has("attention.scale") ? try keys.number("attention.scale") : nil
        }
    }

    /// The number of embedding rows that belong to tokens. Some files pad the embedding to a round number of rows. The
    /// padding is not loaded, so its ids are never read or drawn.
    private static func vocabulary(_ file: GGUFFile, rows: Int) throws -> Int {
        let key = "tokenizer.ggml.tokens"
        guard file.metadata[key] != nil else { return rows }
        let tokens = try file.strings(key).count
        guard (1...max(1, rows)).contains(tokens) else {
            throw ModelError.unsupported(
                key: "\(file.path): \(key)",
                expected: "1 to \(rows) tokens, the rows of \(DecoderWeight.embedding.ggufName)", found: "\(tokens)")
        }
        return tokens
    }
}

/// The metadata of a GGUF file under its architecture's prefix.
private struct GGUFKeys {
    let file: GGUFFile
    let architecture: GGUFArchitecture

    /// The keys that the decoder honours, and keys without influence on it.
    private static let known: Set = [
        "block_count", "context_length", "embedding_length", "feed_forward_length", "vocab_size",
        "tensor_data_layout", "attention.head_count", "attention.head_count_kv", "attention.key_length",
        "attention.value_length", "attention.layer_norm_rms_epsilon", "attention.sliding_window",
        "rope.dimension_count", "rope.freq_base", "rope.scaling.type", "rope.scaling.factor",
        "rope.scaling.original_context_length", "rope.scaling.attn_factor", "rope.scaling.finetuned",
        "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow",
    ]
    private static let granite: Set = ["embedding_scale", "residual_scale", "logit_scale", "attention.scale"]

    func has(_ name: String) -> Bool { file.metadata[key(name)] != nil }

    func fault(_ name: String, _ expected: String, _ found: String) -> ModelError {
        .unsupported(key: "\(file.path): \(key(name))", expected: expected, found: found)
    }

    /// Refuses keys that may change the decoder in a way that is not known.
    func checkNames() throws {
        let prefix = key("")
        let known = architecture == .granite ? Self.known.union(Self.granite) : Self.known
        let unknown = file.metadata.keys.filter {
            $0.hasPrefix(prefix) && !known.contains(String($0.dropFirst(prefix.count)))
        }
        if let name = unknown.min() {
            throw ModelError.unsupported(
                key: "\(file.path): \(name)", expected: "only options of \(architecture.rawValue) that are supported",
                found: "this one")
        }
    }

    func size(_ name: String, in range: ClosedRange<Int>, or standard: Int? = nil) throws -> Int {
        if let standard, !has(name) { return standard }
        let value = try file.integer(key(name))
        guard range.contains(value) else {
            let expected = range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
            throw fault(name, expected, "\(value)")
        }
        return value
    }

    func number(_ name: String, or standard: Float? = nil) throws -> Float {
        if let standard, !has(name) { return standard }
        let value = Float(try file.number(key(name)))
        guard value.isFinite, value > 0 else { throw fault(name, "a number above 0", "\(value)") }
        return value
    }

    func ropeScaling(headSize: Int) throws -> RotaryScaling {
        let type = has("rope.scaling.type") ? try file.string(key("rope.scaling.type")) : "none"
        if let factors = file.tensors[DecoderWeight.rotaryFactors.ggufName] {
            guard type == "none" else { throw fault("rope.scaling.type", "none beside \(factors.name)", type) }
            let divisors = factors.floats().elements
            guard divisors.count == headSize / 2, divisors.allSatisfy({ $0.isFinite && $0 > 0 }) else {
                throw ModelError.unsupported(
                    key: "\(file.path): \(factors.name)", expected: "\(headSize / 2) numbers above 0",
                    found: "\(divisors.count), or others")
            }
            return .divided(by: divisors)
        }
        switch type {
        case "none": return .none
        case "linear": return .linear(factor: try number("rope.scaling.factor"))
        case "yarn":
            var yarn = RotaryScaling.YaRN(
                factor: try number("rope.scaling.factor"),
                trained: try size("rope.scaling.original_context_length", in: 1...16_777_216))
            guard yarn.factor >= 1 else { throw fault("rope.scaling.factor", "at least 1", "\(yarn.factor)") }
            yarn.fast = try number("rope.scaling.yarn_beta_fast", or: yarn.fast)
            yarn.slow = try number("rope.scaling.yarn_beta_slow", or: yarn.slow)
            if has("rope.scaling.attn_factor") {
                guard try number("rope.scaling.attn_factor") == 1 else {
                    throw fault("rope.scaling.attn_factor", "1", "\(try number("rope.scaling.attn_factor"))")
                }
            }
            return .yarn(yarn)
        default: throw fault("rope.scaling.type", "none, linear or yarn", type)
        }
    }

    private func key(_ name: String) -> String { "\(architecture.rawValue).\(name)" }
}
