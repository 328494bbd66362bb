import Checkpoints
import Foundation
import Models
import TestSupport
import Testing

/// GGUF files that are well formed and wrong: each is refused with the file and the key or tensor.
@Suite struct BrokenGGUFTests {
    /// The message about the tiny llama's file after a change.
    private func message(_ change: (inout GGUFWriter) throws -> Void) throws -> String {
        try withTemporaryFolder { folder in
            var writer = try TinyLlama.writer()
            try change(&writer)
            let path = folder.appendingPathComponent("model.gguf").path
            try writer.write(to: path)
            let error = #expect(throws: (any Error).self) { try ModelCheckpoint(path: path) }
            let message = error.map { "\($0)" } ?? ""
            #expect(message.hasPrefix(path), "\(message)")
            return message
        }
    }

    struct Fault: Sendable, CustomTestStringConvertible {
        let key: String
        let value: GGUFWriter.Value?
        let complaint: String

        init(_ key: String, _ value: GGUFWriter.Value?, _ complaint: String) {
            self.key = key
            self.value = value
            self.complaint = complaint
        }

        var testDescription: String { "\(key) \(complaint)" }
    }

    private static let architectures = "general.architecture: expected llama, qwen2, qwen3, smollm3, granite, found"

    @Test(arguments: [
        Fault("general.architecture", nil, "general.architecture: expected a string, found nothing"),
        Fault("general.architecture", .uint32(1), "general.architecture: expected a string, found an integer"),
        Fault("general.architecture", .string("gemma3"), "\(architectures) gemma3"),
        Fault("general.architecture", .string("clip"), "\(architectures) clip"),
        Fault("general.architecture", .string("qwen2"), "qwen2.attention.head_count: expected"),
        Fault("llama.expert_count", .uint32(8), "llama.expert_count: expected only options of llama"),
        Fault("llama.expert_used_count", .uint32(2), "llama.expert_used_count: expected only options of llama"),
        Fault("llama.logit_scale", .float32(2), "llama.logit_scale: expected only options of llama"),
        Fault("llama.attention.causal", .bool(false), "llama.attention.causal: expected only options of llama"),
        Fault(
            "llama.rope.scaling.type", .string("longrope"),
            "scaling.type: expected none, linear or yarn, found longrope"),
        Fault(
            "llama.rope.scaling.type", .string("linear"), "llama.rope.scaling.factor: expected a float, found nothing"),
        Fault("llama.rope.scaling.type", .bool(true), "llama.rope.scaling.type: expected a string, found a boolean"),
        Fault("llama.rope.freq_base", .float32(-1), "llama.rope.freq_base: expected a number above 0, found -1"),
        Fault("llama.rope.freq_base", .float64(1e300), "llama.rope.freq_base: expected a number above 0, found inf"),
        Fault("llama.rope.dimension_count", .uint32(8), "llama.rope.dimension_count: expected 16, found 8"),
        Fault(
            "llama.attention.layer_norm_rms_epsilon", .float32(.nan), "epsilon: expected a number above 0, found nan"),
        Fault("llama.attention.layer_norm_rms_epsilon", nil, "epsilon: expected a float, found nothing"),
        Fault("llama.attention.head_count", .uint32(0), "llama.attention.head_count: expected 1 to 1024, found 0"),
        Fault("llama.attention.head_count", .array([.int32(4)]), "head_count: expected an integer that fits 64 bits"),
        Fault("llama.attention.head_count_kv", .uint32(3), "head_count_kv: expected a divisor of 4, found 3"),
        Fault("llama.attention.key_length", .uint32(24), "key_length: expected 4 heads of a multiple of 16"),
        Fault("llama.attention.value_length", .uint32(32), "llama.attention.value_length: expected 16, found 32"),
        Fault("llama.embedding_length", .uint64(1 << 40), "llama.embedding_length: expected 1 to 65536"),
        Fault("llama.embedding_length", .int32(-64), "llama.embedding_length: expected 1 to 65536, found -64"),
        Fault("llama.embedding_length", .uint64(.max), "embedding_length: expected an integer that fits 64 bits"),
        Fault("llama.context_length", .uint32(0), "llama.context_length: expected 1 to 16777216, found 0"),
        Fault("llama.block_count", .uint32(3), "tensor blk.2."),
        Fault("llama.block_count", .uint32(1), "tensor blk.1."),
        Fault("llama.block_count", .string("2"), "llama.block_count: expected an integer that fits 64 bits"),
        Fault("llama.feed_forward_length", .uint32(128), "tensor blk.0.ffn_gate.weight: expected shape [128, 64]"),
    ])
    func aKeyOfTheDecoderIsNamed(fault: Fault) throws {
        let message = try message { $0.set(fault.key, to: fault.value) }
        #expect(message.contains(fault.complaint), "\(message)")
    }

    @Test(arguments: [
        Fault("model", .string("bert"), "tokenizer.ggml.model: expected gpt2 or llama, found bert"),
        Fault("model", .string("llama"), "tokenizer.ggml.scores: expected an array of floats, found nothing"),
        Fault("pre", .string("llama4"), "tokenizer.ggml.pre: \"llama4\" is not supported"),
        Fault("pre", nil, "tokenizer.ggml.pre: expected a string, found nothing"),
        Fault("tokens", nil, "tokenizer.ggml.tokens: expected an array of strings, found nothing"),
        Fault("tokens", .array([]), "tokenizer.ggml.tokens: expected an array of strings"),
        Fault("tokens", .array([.string("a")]), "tokenizer.ggml.token_type: expected one entry for each of 1 tokens"),
        Fault(
            "token_type", .array([.int32(1)]), "tokenizer.ggml.token_type: expected one entry for each of 320 tokens"),
        Fault("token_type", .array(Array(repeating: .int32(9), count: 320)), "token_type[0]: expected 1 to 6, found 9"),
        Fault("merges", .array([.string("! zz")]), "tokenizer.ggml.merges[0]: \"! zz\" needs tokens"),
        Fault("merges", .array([.string("!!")]), "tokenizer.ggml.merges[0]: expected two tokens"),
        Fault("eos_token_id", nil, "tokenizer.ggml.eos_token_id: expected the token that ends a text, found nothing"),
        Fault("eos_token_id", .uint32(320), "eos_token_id: expected an id below 320, found 320"),
        Fault("eos_token_id", .int32(-1), "eos_token_id: expected an id below 320, found -1"),
        Fault("eot_token_id", .uint64(1 << 40), "tokenizer.ggml.eot_token_id: expected 32 bits"),
        Fault("bos_token_id", .float32(1), "tokenizer.ggml.bos_token_id: expected an integer that fits 64 bits"),
        Fault("add_bos_token", .uint32(1), "tokenizer.ggml.add_bos_token: expected a boolean, found an integer"),
        Fault("add_eos_token", .bool(true), "tokenizer.ggml.add_eos_token: expected false, found true"),
    ])
    func aKeyOfTheTokenizerIsNamed(fault: Fault) throws {
        let message = try message { $0.set("tokenizer.ggml.\(fault.key)", to: fault.value) }
        #expect(message.contains(fault.complaint), "\(message)")
    }

    @Test(arguments: [
        ("{{ messages[", "tokenizer.chat_template"), ("{% include 'x' %}", "include"),
    ])
    func aTemplateThatIsNotSupportedIsNamed(text: String, complaint: String) throws {
        let message = try message { $0.set("tokenizer.chat_template", to: .string(text)) }
        #expect(message.contains("tokenizer.chat_template") && message.contains(complaint), "\(message)")
    }

    @Test func tokensWithoutARowAreNamed() throws {
        try withTemporaryFolder { folder in
            let file = try TinyLlama.file(tokens: 336, at: folder.appendingPathComponent("long.gguf"))
            let error = #expect(throws: (any Error).self) { try ModelCheckpoint(path: file.path) }
            let message = error.map { "\($0)" } ?? ""
            #expect(message.contains("tokens: expected 1 to 320 tokens, the rows of token_embd.weight, found 336"))
        }
    }

    @Test func tensorsThatAreNotTheDecodersAreNamed() throws {
        let unknown = try message { $0.addTensor("blk.0.ffn_gate_exps.weight", shape: [2], [1, 1]) }
        #expect(unknown.contains("tensor blk.0.ffn_gate_exps.weight is not part of the architecture of llama"))
        let factors = try message { $0.addTensor("rope_freqs.weight", shape: [8], [1, 1, 1, 0, 1, 1, 1, 1]) }
        #expect(factors.contains("rope_freqs.weight: expected 8 numbers above 0"))
        let few = try message { $0.addTensor("rope_freqs.weight", shape: [2], [1, 1]) }
        #expect(few.contains("rope_freqs.weight: expected 8 numbers above 0, found 2"))
        let other = try message {
            $0.addTensor("more", shape: [256], ggmlType: 16, bytes: Array(repeating: 0, count: 66))
        }
        #expect(other.contains("tensor more is of type IQ2_XXS, expected one of F32, F16"))
        let foreign = try message {
            $0.addTensor("more", shape: [256], ggmlType: 16, bytes: Array(repeating: 0, count: 66))
            $0.set("general.architecture", to: .string("gemma3"))
        }
        #expect(foreign.contains("\(Self.architectures) gemma3") && !foreign.contains("IQ2_XXS"))
    }

    @Test func anotherFileIsNamed() throws {
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("model.safetensors").path
            try SafetensorsFile.write([:], as: .float32, to: path)
            let error = #expect(throws: GGUFError.self) { try ModelCheckpoint(path: path) }
            #expect("\(error.map { "\($0)" } ?? "")".contains("magic: expected GGUF"))
            let missing = #expect(throws: (any Error).self) { try ModelCheckpoint(path: path + ".gguf") }
            #expect("\(missing.map { "\($0)" } ?? "")".contains("\(path).gguf: cannot open"))
        }
    }

    private static let vision: [(String, GGUFWriter.Value)] = {
        let halves = GGUFWriter.Value.array(Array(repeating: .float32(0.5), count: 3))
        let sizes = [
            "image_size": 32, "patch_size": 8, "embedding_length": 48, "block_count": 2, "attention.head_count": 3,
            "feed_forward_length": 96, "projector.scale_factor": 2, "projection_dim": 64,
        ]
        return [
            ("general.architecture", .string("clip")), ("clip.projector_type", .string("idefics3")),
            ("clip.use_gelu", .bool(true)), ("clip.vision.image_mean", halves), ("clip.vision.image_std", halves),
            ("clip.vision.attention.layer_norm_epsilon", .float32(1e-6)),
        ] + sizes.map { ("clip.vision.\($0)", .uint32(UInt32($1))) }
    }()

    @Test(arguments: [
        Fault("clip.projector_type", .string("qwen2vl_merger"), "expected idefics3, found qwen2vl_merger"),
        Fault("general.architecture", .string("llama"), "general.architecture: expected clip, found llama"),
        Fault("clip.use_gelu", .bool(false), "clip.use_gelu: expected true, found false"),
        Fault("clip.vision.image_mean", .array([.float32(0.48)]), "clip.vision.image_mean: expected 0.5 for each"),
        Fault("clip.vision.image_std", .array([.float32(0.5)]), "clip.vision.image_std: expected 0.5 for each"),
        Fault("clip.vision.patch_size", .uint32(0), "patch_size is 0, expected 1 to 1024"),
        Fault("clip.vision.block_count", .uint64(1 << 50), "num_hidden_layers is 1125899906842624"),
        Fault("clip.vision.projection_dim", nil, "clip.vision.projection_dim: expected an integer"),
        Fault("clip.vision.preproc_image_size", .uint32(0), "preproc_image_size: expected 1 to 16384, found 0"),
        Fault("clip.vision.image_size", .uint32(32), "patch_embedding.weight is missing"),
    ])
    func aKeyOfTheVisionIsNamed(fault: Fault) throws {
        try withTemporaryFolder { folder in
            var writer = GGUFWriter()
            for (key, value) in Self.vision { writer.add(key, value) }
            writer.set(fault.key, to: fault.value)
            let path = folder.appendingPathComponent("mmproj.gguf").path
            try writer.write(to: path)
            let error = #expect(throws: (any Error).self) { try VisionFiles.open(path: path) }
            let message = error.map { "\($0)" } ?? ""
            #expect(message.hasPrefix(path) && message.contains(fault.complaint), "\(message)")
        }
    }
}
