public import Checkpoints
public import Foundation
import Models
import Tensors

extension TinyLlama {
    /// How its file holds the matrices. The raw value is what the golden values call it.
    public enum Format: String, CaseIterable, Sendable {
        /// All weights as 32-bit floats.
        case float32 = "tiny-llama"
        /// Projections in Q4_1, the embedding in Q8_0.
        case q4_1 = "tiny-llama-q4_1"
    }

    /// Its file, put together from the golden weights as llama.cpp's converter would.
    public static func file(_ format: Format = .float32) throws -> GGUFFile {
        try GGUFFile(path: files.get().appendingPathComponent("\(format.rawValue).gguf").path)
    }

    /// The same file with the first `count` tokens, or with more of them than the embedding has rows.
    public static func file(_ format: Format = .float32, tokens count: Int, at url: URL) throws -> GGUFFile {
        try writer(format, tokens: count).write(to: url.path)
        return try GGUFFile(path: url.path)
    }

    private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../ModelsTests/Fixtures")

    /// What its file contains, to be changed before it is written.
    ///
    /// - Parameter floats: layers, such as `attn_v`, whose matrices are 32-bit floats whatever the format.
    public static func writer(
        _ format: Format = .float32, tokens count: Int? = nil, floats: Set<String> = []
    ) throws -> GGUFWriter {
        var writer = GGUFWriter()
        addMetadata(to: &writer, try texts().resized(to: count ?? configuration.vocabulary))
        let weights = try SafetensorsFile(path: fixtures.appendingPathComponent("tiny-llama-weights.safetensors").path)
        for (name, source, heads) in tensors {
            var values = try weights.tensor("model.\(source).weight")
            if let heads { values = interleaved(values, heads: heads) }
            switch (format, values.shape.count, source) {
            case (.float32, _, _), (_, 1, _),
                _ where floats.contains { name.hasSuffix($0) }:
                writer.addTensor("\(name).weight", shape: values.shape, values.elements)
            case (.q4_1, _, "embed_tokens"):
                writer.addTensor("\(name).weight", shape: values.shape, ggmlType: 8, bytes: q8_0(values.elements))
            case (.q4_1, _, _):
                writer.addTensor("\(name).weight", shape: values.shape, ggmlType: 3, bytes: q4_1(values.elements))
            }
        }
        return writer
    }

    /// The folder of the files of this process, below the build's.
    private static let files = Result {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../.build/tiny-llama")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for format in Format.allCases {
            try writer(format).write(to: folder.appendingPathComponent("\(format.rawValue).gguf").path)
        }
        return folder
    }

    /// What `tiny-llama.json` says about the files.
    struct Texts: Decodable {
        var tokens: [String], merges: [String], chat_template: String

        /// With `count` tokens, and the merges that make some of them.
        func resized(to count: Int) -> Texts {
            var texts = self
            texts.tokens = tokens.prefix(count) + (tokens.count..<max(count, tokens.count)).map { "extra\($0)" }
            let known = Set(texts.tokens)
            texts.merges = merges.filter { known.contains($0.filter { $0 != " " }) }
            return texts
        }
    }

    static func texts() throws -> Texts {
        try JSONDecoder().decode(
            Texts.self, from: Data(contentsOf: fixtures.appendingPathComponent("tiny-llama.json")))
    }

    private static func addMetadata(to writer: inout GGUFWriter, _ texts: Texts) {
        let sizes = configuration
        writer.add("general.architecture", .string("llama"))
        writer.add("general.name", .string("Tiny llama of random weights"))
        writer.add("llama.block_count", .uint32(UInt32(sizes.layers)))
        writer.add("llama.context_length", .uint32(UInt32(sizes.contextLength)))
        writer.add("llama.embedding_length", .uint32(UInt32(sizes.hidden)))
        writer.add("llama.feed_forward_length", .uint32(UInt32(sizes.feedForward)))
        writer.add("llama.attention.head_count", .uint32(UInt32(sizes.heads)))
        writer.add("llama.attention.head_count_kv", .uint32(UInt32(sizes.kvHeads)))
        writer.add("llama.rope.freq_base", .float32(sizes.ropeTheta))
        writer.add("llama.rope.dimension_count", .uint32(UInt32(sizes.headSize)))
        writer.add("llama.attention.layer_norm_rms_epsilon", .float32(sizes.normEpsilon))
        writer.add("llama.vocab_size", .uint32(UInt32(sizes.vocabulary)))
        writer.add("tokenizer.ggml.model", .string("gpt2"))
        writer.add("tokenizer.ggml.pre", .string("smollm"))
        writer.add("tokenizer.ggml.tokens", .array(texts.tokens.map { .string($0) }))
        let kinds = texts.tokens.indices.map { $0 < 3 ? Int32(3) : 1 }  // control, normal
        writer.add("tokenizer.ggml.token_type", .array(kinds.map { .int32($0) }))
        writer.add("tokenizer.ggml.merges", .array(texts.merges.map { .string($0) }))
        writer.add("tokenizer.ggml.bos_token_id", .uint32(1))
        writer.add("tokenizer.ggml.eos_token_id", .uint32(2))
        writer.add("tokenizer.ggml.padding_token_id", .uint32(2))
        writer.add("tokenizer.ggml.unknown_token_id", .uint32(0))
        writer.add("tokenizer.ggml.add_bos_token", .bool(false))
        writer.add("tokenizer.ggml.add_space_prefix", .bool(false))
        writer.add("tokenizer.chat_template", .string(texts.chat_template))
    }

    /// The file's tensors in order: name in GGUF, name in Hugging Face's checkpoints, and heads whose rows are
    /// interleaved.
    private static var tensors: [(name: String, source: String, heads: Int?)] {
        let parts: [(String, String, Int?)] = [
            ("attn_q", "self_attn.q_proj", configuration.heads), ("attn_k", "self_attn.k_proj", configuration.kvHeads),
            ("attn_v", "self_attn.v_proj", nil), ("attn_output", "self_attn.o_proj", nil),
            ("ffn_gate", "mlp.gate_proj", nil), ("ffn_up", "mlp.up_proj", nil), ("ffn_down", "mlp.down_proj", nil),
            ("attn_norm", "input_layernorm", nil), ("ffn_norm", "post_attention_layernorm", nil),
        ]
        let layers = (0..<configuration.layers).flatMap { layer in
            parts.map { ("blk.\(layer).\($0.0)", "layers.\(layer).\($0.1)", $0.2) }
        }
        return [("token_embd", "embed_tokens", nil)] + layers + [("output_norm", "norm", nil)]
    }

    /// The rows of a query or key projection with each head's two halves interleaved, for rotary in pairs.
    private static func interleaved(_ weight: Tensor, heads: Int) -> Tensor {
        let rows = weight.shape[0], half = rows / heads / 2
        let order = (0..<rows).map { row in
            let (head, within) = row.quotientAndRemainder(dividingBy: 2 * half)
            return head * 2 * half + within % 2 * half + within / 2
        }
        return Tensor(order.flatMap { weight.rows($0..<$0 + 1).elements }, shape: weight.shape)
    }
}

/// Blocks of 32 as ggml's reference quantiser makes them: fp16 scale and minimum, then 4-bit steps above the minimum,
/// the first half of the block in the low bits.
private func q4_1(_ values: [Float]) -> [UInt8] {
    blocks(values) { block in
        let low = block.min() ?? 0
        let scale = ((block.max() ?? 0) - low) / 15
        let inverse = scale == 0 ? 0 : 1 / scale
        let steps = block.map { UInt8(min(15, ($0 - low) * inverse + 0.5)) }
        return half(scale) + half(low) + zip(steps[..<16], steps[16...]).map { $0 | $1 << 4 }
    }
}

/// Blocks of 32: an fp16 scale, then signed bytes.
private func q8_0(_ values: [Float]) -> [UInt8] {
    blocks(values) { block in
        let scale = (block.map { abs($0) }.max() ?? 0) / 127
        let inverse = scale == 0 ? 0 : 1 / scale
        return half(scale) + block.map { UInt8(bitPattern: Int8(($0 * inverse).rounded())) }
    }
}

private func blocks(_ values: [Float], _ encode: ([Float]) -> [UInt8]) -> [UInt8] {
    stride(from: 0, to: values.count, by: 32).flatMap { encode(Array(values[$0..<$0 + 32])) }
}

private func half(_ value: Float) -> [UInt8] {
    let bits = Float16(value).bitPattern
    return [UInt8(truncatingIfNeeded: bits), UInt8(bits >> 8)]
}
