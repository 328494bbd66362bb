import Checkpoints
import Tensors

extension DecoderConfiguration {
    /// The metadata from which a reader of GGUF files makes this configuration, but for the options that the tensors
    /// tell.
    ///
    /// - Throws: `ModelError` with an option that files of `architecture` cannot have.
    func metadata(
        of architecture: GGUFArchitecture
    ) throws(ModelError) -> [(key: String, value: GGUFWriter.Value)] {
        try checkOptions(of: architecture)
        var entries: [(String, GGUFWriter.Value)] = [
            ("block_count", .size(layers)), ("context_length", .size(contextLength)),
            ("embedding_length", .size(hidden)), ("feed_forward_length", .size(feedForward)),
            ("attention.head_count", .size(heads)), ("attention.head_count_kv", .size(kvHeads)),
            ("attention.key_length", .size(headSize)), ("attention.value_length", .size(headSize)),
            ("attention.layer_norm_rms_epsilon", .float32(normEpsilon)), ("vocab_size", .size(vocabulary)),
            ("rope.dimension_count", .size(headSize)), ("rope.freq_base", .float32(ropeTheta)),
        ]
        entries += try scalingMetadata()
        if architecture == .granite {
            entries += [
                ("embedding_scale", .float32(embeddingScale)), ("residual_scale", .float32(residualScale)),
                ("logit_scale", .float32(logitsScale)),
            ]
            if let attentionScale { entries.append(("attention.scale", .float32(attentionScale))) }
        }
        return entries.map { ("\(architecture.rawValue).\($0.0)", $0.1) }
    }

    /// The divisors of the rotary frequencies that a GGUF file has as a tensor; nil without such a scaling.
    var rotaryDivisors: [Float]? {
        RotaryFrequencies.divisors(headSize: headSize, theta: ropeTheta, scaling: ropeScaling)
    }

    private func scalingMetadata() throws(ModelError) -> [(String, GGUFWriter.Value)] {
        switch ropeScaling {
        case .none, .llama3, .divided: return []
        case .linear(let factor):
            return [("rope.scaling.type", .string("linear")), ("rope.scaling.factor", .float32(factor))]
        case .yarn(let yarn):
            guard yarn.magnitude == nil else {
                throw .unsupported(key: "attention_factor", expected: "nothing, as in GGUF", found: "a number")
            }
            guard yarn.truncates else {
                throw .unsupported(key: "truncate", expected: "true, as in GGUF", found: "false")
            }
            return [
                ("rope.scaling.type", .string("yarn")), ("rope.scaling.factor", .float32(yarn.factor)),
                ("rope.scaling.original_context_length", .size(yarn.trained)),
                ("rope.scaling.yarn_beta_fast", .float32(yarn.fast)),
                ("rope.scaling.yarn_beta_slow", .float32(yarn.slow)),
            ]
        }
    }

    /// Refuses options that llama.cpp's decoder of `architecture` does not have.
    private func checkOptions(of architecture: GGUFArchitecture) throws(ModelError) {
        let hasBiases: Set<AdapterModule> =
            switch architecture {
            case .llama, .granite: Set(AdapterModule.allCases)
            case .qwen2: [.query, .key, .value]
            case .qwen3, .smollm3: []
            }
        if let bias = biases.subtracting(hasBiases).map(\.rawValue).min() {
            throw .unsupported(
                key: "attention_bias and mlp_bias", expected: "none in a GGUF file of \(architecture.rawValue)",
                found: "biases of \(bias)")
        }
        let unrotated = architecture == .smollm3 ? Set((0..<layers).filter { $0 % 4 == 3 }) : []
        guard unrotatedLayers == unrotated else {
            throw .unsupported(
                key: "no_rope_layers", expected: "every fourth layer, as in GGUF", found: "\(unrotatedLayers.sorted())")
        }
    }
}

extension GGUFWriter.Value {
    /// A size, which the configuration has checked to be small.
    fileprivate static func size(_ value: Int) -> Self { .uint32(UInt32(clamping: value)) }
}
