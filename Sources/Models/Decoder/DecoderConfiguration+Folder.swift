import Checkpoints
import Support
import Tensors

/// The decoder families of Hugging Face folders, by `model_type`.
///
/// Fields and defaults are as in transformers' classes of the same name. A field that is not read here has no effect
/// there.
enum DecoderFamily: String, CaseIterable {
    /// Llama 2 and 3, SmolLM2 and others of their shape; the text model of Idefics3 and SmolVLM.
    case llama
    case mistral
    case qwen2
    case qwen3
    case smollm3
    case granite

    /// The family of a text model's configuration.
    init(_ fields: CheckpointFields, or standard: String? = nil) throws {
        try fields.require("model_type", oneOf: Self.allCases.map(\.rawValue), or: standard)
        self = try fields.string("model_type").flatMap { Self(rawValue: $0) } ?? .llama
    }

    /// The linear layers with biases.
    fileprivate func biases(_ fields: CheckpointFields) throws -> Set<AdapterModule> {
        var biases: Set<AdapterModule> = []
        switch self {
        case .qwen2: biases = [.query, .key, .value]
        case .mistral: break
        case .llama, .qwen3, .smollm3, .granite:
            if try fields.flag("attention_bias", or: false) { biases = [.query, .key, .value, .output] }
        }
        if [.llama, .smollm3, .granite].contains(self), try fields.flag("mlp_bias", or: false) {
            biases.formUnion([.gate, .up, .down])
        }
        return biases
    }
}

extension DecoderConfiguration {
    /// The sizes and options in a `config.json` of Hugging Face's transformers, or in its `text_config`.
    ///
    /// Whether the output has weights of its own is for the tensors to say: see `DecoderFiles`.
    ///
    /// - Throws: `CheckpointError` with the field, what was expected and what was found.
    init(_ fields: CheckpointFields, family: DecoderFamily) throws {
        let positions = 1...16_777_216
        let heads = try fields.integer("num_attention_heads", in: 1...1024)
        let hidden = try fields.integer("hidden_size", in: 1...65_536)
        let kvHeads = try fields.integer(
            "num_key_value_heads", in: 1...heads, or: family == .mistral && heads % 8 == 0 ? 8 : heads)
        guard heads % kvHeads == 0 else {
            throw fields.fault("num_key_value_heads", "a divisor of \(heads)", "\(kvHeads)")
        }
        guard fields["head_dim"] != nil || hidden % heads == 0 else {
            throw fields.fault("hidden_size", "a multiple of \(heads) heads", "\(hidden)")
        }
        let headSize = try fields.integer("head_dim", in: 1...256, or: family == .qwen3 ? 128 : hidden / heads)
        guard headSize % 16 == 0, headSize <= 256 else {
            throw fields.fault("head_dim", "a multiple of 16, at most 256", "\(headSize)")
        }
        try fields.require("hidden_act", oneOf: ["silu"], or: "silu")
        guard fields["quantization_config"] == nil else {
            throw fields.fault("quantization_config", "no quantised weights in a folder", "an object")
        }
        let rope = try RopeFields(fields, family: family)
        self.init(
            layers: try fields.integer("num_hidden_layers", in: 1...1024), hidden: hidden,
            feedForward: try fields.integer("intermediate_size", in: 1...1_048_576), heads: heads, kvHeads: kvHeads,
            headSize: headSize, vocabulary: try fields.integer("vocab_size", in: 1...4_194_304),
            contextLength: try fields.integer("max_position_embeddings", in: positions), ropeTheta: rope.theta,
            normEpsilon: try fields.number("rms_norm_eps", or: 1e-6))
        // Beyond its window, a layer would have to forget. A context within the window is exact.
        if let window = try Self.window(fields, family: family, layers: layers) {
            contextLength = min(contextLength, window)
        }
        ropeScaling = try rope.scaling(contextLength: contextLength)
        unrotatedLayers = family == .smollm3 ? try Self.unrotatedLayers(fields, layers: layers) : []
        biases = try family.biases(fields)
        normalizesHeads = family == .qwen3
        if family == .llama { _ = try fields.integer("pretraining_tp", in: 1...1, or: 1) }
        guard family == .granite else { return }
        embeddingScale = try fields.number("embedding_multiplier", or: 1)
        attentionScale = try fields.number("attention_multiplier", or: 1)
        residualScale = try fields.number("residual_multiplier", or: 1)
        logitsScale = try fields.number("logits_scaling", or: 1)
    }

    /// The positions that a layer with a sliding window sees; nil if no layer has one.
    private static func window(_ fields: CheckpointFields, family: DecoderFamily, layers: Int) throws -> Int? {
        switch family {
        case .llama, .granite: return nil
        case .mistral:
            guard fields["layer_types"] == nil else {
                throw fields.fault("layer_types", "nothing in mistral", "an array")
            }
            // An absent field means 4,096, `null` means no window.
            guard fields.members.contains(where: { $0.name == "sliding_window" }) else { return 4096 }
            return fields["sliding_window"] == nil ? nil : try fields.integer("sliding_window", in: 1...16_777_216)
        case .qwen2, .qwen3, .smollm3:
            let types = try fields.array("layer_types")
            for type in types ?? [] where type != "full_attention" && type != "sliding_attention" {
                throw fields.fault("layer_types", "full_attention or sliding_attention", type.text)
            }
            let slides = try types?.contains("sliding_attention") ?? fields.flag("use_sliding_window", or: false)
            guard slides, fields["sliding_window"] != nil || family != .smollm3 else { return nil }
            return try fields.integer("sliding_window", in: 1...16_777_216, or: 4096)
        }
    }

    /// SmolLM3's layers without rotary positions: those with 0 in `no_rope_layers`, by default every fourth.
    private static func unrotatedLayers(_ fields: CheckpointFields, layers: Int) throws -> Set<Int> {
        guard let list = try fields.array("no_rope_layers") else {
            let interval = try fields.integer("no_rope_layer_interval", in: 1...1024, or: 4)
            return Set((0..<layers).filter { ($0 + 1) % interval == 0 })
        }
        guard list.count >= layers, list.allSatisfy({ $0 == 0 || $0 == 1 }) else {
            throw fields.fault("no_rope_layers", "0 or 1 for each of \(layers) layers", "\(list.count) values")
        }
        return Set((0..<layers).filter { list[$0] == 0 })
    }
}

/// The rotary options of a configuration, in today's form (`rope_parameters`) or the older one (`rope_theta` and
/// `rope_scaling`).
private struct RopeFields {
    let theta: Float
    private let fields: CheckpointFields?

    init(_ fields: CheckpointFields, family: DecoderFamily) throws {
        let standard: Float = family == .smollm3 ? 2_000_000 : 10_000
        let older = try fields.number("rope_theta", or: standard)
        if let parameters = try fields.optionalObject("rope_parameters") {
            theta = try parameters.number("rope_theta", or: older)
            self.fields = parameters
        } else {
            theta = older
            self.fields = try fields.optionalObject("rope_scaling")
        }
        for options in [fields, self.fields].compactMap({ $0 }) where options["partial_rotary_factor"] != nil {
            guard try options.number("partial_rotary_factor") == 1 else {
                throw options.fault("partial_rotary_factor", "1", options["partial_rotary_factor"]?.text ?? "")
            }
        }
    }

    func scaling(contextLength: Int) throws -> RotaryScaling {
        guard let fields else { return .none }
        let name = fields["rope_type"] == nil && fields["type"] != nil ? "type" : "rope_type"
        try fields.require(name, oneOf: ["default", "linear", "llama3", "yarn"], or: "default")
        switch try fields.string(name) ?? "default" {
        case "linear": return .linear(factor: try fields.number("factor"))
        case "llama3":
            let (low, high) = (try fields.number("low_freq_factor"), try fields.number("high_freq_factor"))
            guard high > low else { throw fields.fault("high_freq_factor", "above low_freq_factor \(low)", "\(high)") }
            return .llama3(factor: try fields.number("factor"), low: low, high: high, trained: try trained(fields))
        case "yarn": return .yarn(try yarn(fields, contextLength: contextLength))
        default: return .none
        }
    }

    private func trained(_ fields: CheckpointFields) throws -> Int {
        try fields.integer("original_max_position_embeddings", in: 1...16_777_216)
    }

    private func yarn(_ fields: CheckpointFields, contextLength: Int) throws -> RotaryScaling.YaRN {
        let trained = try trained(fields)
        var yarn = RotaryScaling.YaRN(
            factor: try fields.number("factor", or: Float(contextLength) / Float(trained)), trained: trained)
        guard yarn.factor >= 1 else { throw fields.fault("factor", "at least 1", "\(yarn.factor)") }
        yarn.fast = try fields.number("beta_fast", or: yarn.fast)
        yarn.slow = try fields.number("beta_slow", or: yarn.slow)
        yarn.truncates = try fields.flag("truncate", or: true)
        for field in ["mscale", "mscale_all_dim"] where fields[field] != nil {
            throw fields.fault(field, "attention_factor or nothing", "a number")
        }
        yarn.magnitude = fields["attention_factor"] == nil ? nil : try fields.number("attention_factor")
        return yarn
    }
}
