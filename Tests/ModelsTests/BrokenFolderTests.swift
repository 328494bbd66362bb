import Foundation
import Models
import TestSupport
import Testing
import Tokenizers

/// Hugging Face folders with one fault in a JSON file: each is refused, and the message names the file, the field and,
/// of `config.json`, the model type.
@Suite struct BrokenFolderTests {
    /// A fault and what is said about it.
    struct Fault: Sendable, CustomTestStringConvertible {
        let base: String
        let file: String
        let path: String
        let value: String?
        let complaint: String

        init(_ base: String, _ file: String, _ path: String, _ value: String?, _ complaint: String) {
            self.base = base
            self.file = file
            self.path = path
            self.value = value
            self.complaint = complaint
        }

        var testDescription: String { "\(file) of \(base): \(path) = \(value ?? "nothing")" }
    }

    /// Expects a message about `file`, or about the folder if that is empty.
    private func expectRefusal(_ folder: TinyFolder, _ file: String, _ complaint: String) {
        let error = #expect(throws: (any Error).self) { try ModelCheckpoint(path: folder.path) }
        let message = error.map { "\($0)" } ?? ""
        let path = file.isEmpty ? folder.path : "\(folder.path)/\(file)"
        #expect(message.hasPrefix(path) && message.contains(complaint), "\(message)")
    }

    private func expectRefusal(of fault: Fault) throws {
        try withTemporaryFolder { parent in
            let folder = try TinyFolder(fault.base, in: parent)
            try folder.set(fault.file, fault.path, to: fault.value)
            expectRefusal(folder, fault.file, fault.complaint)
        }
    }

    @Test(arguments: [
        "smolvlm", "families/granite", "families/llama", "families/mistral", "families/qwen2", "families/qwen3",
        "families/smollm3",
    ])
    func theFoldersAreRightWithoutAFault(base: String) throws {
        try withTemporaryFolder { parent in
            let model = try ModelCheckpoint(path: TinyFolder(base, in: parent).path)
            #expect(model.vocabulary.tokens.count == model.decoder.configuration.vocabulary)
            #expect((model.vision != nil) == (base == "smolvlm"))
        }
    }

    private static let llama = "families/llama"

    private static func config(_ base: String, _ path: String, _ value: String?, _ complaint: String) -> Fault {
        Fault(base, "config.json", path, value, complaint)
    }

    static let sizes: [Fault] = [
        config(llama, "model_type", nil, "model_type: expected llama or mistral or qwen2"),
        config(llama, "model_type", "\"gemma3\"", "smolvlm, found gemma3"),
        config(llama, "model_type", "5", "model_type: expected a string, found 5"),
        config(llama, "hidden_size", nil, "hidden_size: expected an integer, found nothing (model_type llama)"),
        config(llama, "hidden_size", "\"32\"", "hidden_size: expected an integer from 1 to 65536, found \"32\""),
        config(llama, "hidden_size", "-32", "hidden_size: expected an integer from 1 to 65536, found -32"),
        config(llama, "hidden_size", "0", "hidden_size: expected an integer from 1 to 65536, found 0"),
        config(llama, "hidden_size", "32.5", "hidden_size: expected an integer"),
        config(llama, "hidden_size", "1e30", "hidden_size: expected an integer"),
        config(llama, "hidden_size", "9223372036854775808", "hidden_size: expected an integer"),
        config(llama, "num_attention_heads", "0", "num_attention_heads: expected an integer from 1 to 1024"),
        config(llama, "num_attention_heads", "[2]", "num_attention_heads: expected an integer from 1 to 1024"),
        config(llama, "num_key_value_heads", "3", "num_key_value_heads: expected an integer from 1 to 2"),
        config(llama, "head_dim", "24", "head_dim: expected a multiple of 16, at most 256, found 24"),
        config(llama, "head_dim", "4611686018427387904", "head_dim: expected an integer from 1 to 256"),
        config(llama, "num_hidden_layers", "100000", "num_hidden_layers: expected an integer from 1 to 1024"),
        config(llama, "intermediate_size", "null", "intermediate_size: expected an integer, found nothing"),
        config(llama, "vocab_size", "-1", "vocab_size: expected an integer from 1 to 4194304"),
        config(llama, "max_position_embeddings", "0", "max_position_embeddings: expected an integer from 1"),
        config(llama, "rms_norm_eps", "0", "rms_norm_eps: expected a number above 0, found 0"),
        config(llama, "rms_norm_eps", "1e-60", "rms_norm_eps: expected a number above 0"),
        config(llama, "rms_norm_eps", "\"1e-5\"", "rms_norm_eps: expected a number above 0"),
        config("smolvlm", "text_config", nil, "text_config: expected an object, found nothing (model_type smolvlm)"),
        config("smolvlm", "text_config.model_type", "\"phi3\"", "text_config.model_type: expected llama or mistral"),
        config("smolvlm", "text_config.hidden_size", "64.0e9", "text_config.hidden_size: expected an integer from"),
    ]

    static let options: [Fault] = [
        config(llama, "hidden_act", "\"gelu\"", "hidden_act: expected silu, found gelu (model_type llama)"),
        config(llama, "attention_bias", "\"yes\"", "attention_bias: expected true or false, found \"yes\""),
        config(llama, "tie_word_embeddings", "1", "tie_word_embeddings: expected true or false, found 1"),
        config(llama, "pretraining_tp", "2", "pretraining_tp: expected an integer from 1 to 1, found 2"),
        config(llama, "quantization_config", "{\"bits\": 4}", "quantization_config: expected no quantised weights"),
        config("smolvlm", "quantization_config", "{}", "quantization_config: expected no quantised weights"),
        config(llama, "rope_parameters.rope_theta", "-1", "rope_parameters.rope_theta: expected a number above 0"),
        config(llama, "rope_parameters", "7", "rope_parameters: expected an object, found"),
        config(
            llama, "rope_parameters.rope_type", "\"longrope\"",
            "rope_parameters.rope_type: expected default or linear or llama3 or yarn, found longrope"),
        config(llama, "rope_parameters.rope_type", "\"linear\"", "factor: expected a number, found nothing"),
        config(
            llama, "rope_parameters",
            "{\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 4, \"high_freq_factor\": 4}",
            "high_freq_factor: expected above low_freq_factor"),
        config(llama, "rope_parameters.rope_type", "\"yarn\"", "original_max_position_embeddings: expected an integer"),
        config(llama, "partial_rotary_factor", "0.5", "partial_rotary_factor: expected 1, found 0.5"),
        config("families/mistral", "sliding_window", "0", "sliding_window: expected an integer from 1"),
        config("families/qwen2", "layer_types", "[\"linear_attention\"]", "layer_types: expected full_attention or"),
        config("families/smollm3", "no_rope_layers", "[1, 1]", "no_rope_layers: expected 0 or 1 for each of 4 layers"),
        config("families/granite", "logits_scaling", "0", "logits_scaling: expected a number above 0"),
        config("families/granite", "residual_multiplier", "1e39", "residual_multiplier: expected a number above 0"),
    ]

    static let vision: [Fault] = [
        config("smolvlm", "vision_config", nil, "vision_config: expected an object, found nothing"),
        config("smolvlm", "vision_config.hidden_act", "\"relu\"", "hidden_act: expected gelu_pytorch_tanh, found relu"),
        config("smolvlm", "vision_config.num_channels", "1", "vision_config.num_channels: expected 3, found 1"),
        config("smolvlm", "vision_config.image_size", "[32, 32]", "vision_config.image_size: expected an integer"),
        config("smolvlm", "vision_config.image_size", "100000", "image_size is 100000, expected 1 to 16384"),
        config("smolvlm", "vision_config.patch_size", "33", "0 patches a side"),
        config("smolvlm", "scale_factor", "3", "are no multiple of scale_factor 3"),
        config("smolvlm", "vision_config.num_attention_heads", "7", "hidden_size 48 is no multiple of"),
        config("smolvlm", "vision_config.layer_norm_eps", "-1e-6", "layer_norm_eps: expected a number above 0"),
    ]

    private static let preprocessor = "preprocessor_config.json"

    private static func images(_ path: String, _ value: String?, _ complaint: String) -> Fault {
        Fault("smolvlm", preprocessor, path, value, complaint)
    }

    static let processor: [Fault] = [
        images("image_processor_type", "\"Qwen2VLImageProcessor\"", "image_processor_type: expected Idefics3"),
        images("image_mean", "[0.48, 0.45, 0.4]", "image_mean: expected 0.5 for each channel"),
        images("image_std", "[]", "image_std: expected 0.5 for each channel, found []"),
        images("resample", "3", "resample: expected an integer from 1 to 1, found 3"),
        images("do_resize", "false", "do_resize: expected true, found false"),
        images("do_image_splitting", "\"no\"", "do_image_splitting: expected true or false"),
        images("rescale_factor", "1", "rescale_factor: expected 1/255, found 1"),
        images("size", "{\"height\": 64, \"width\": 64}", "size.longest_edge: expected an integer, found nothing"),
        images("size.longest_edge", "0", "size.longest_edge: expected an integer from 1 to 16384"),
        images("max_image_size.longest_edge", "64", "max_image_size.longest_edge: expected the encoder's 32, found 64"),
        Fault("smolvlm", "processor_config.json", "image_seq_len", "64", "image_seq_len: expected an integer from 4"),
        Fault("smolvlm", "processor_config.json", "image_processor", "[]", "image_processor: expected an object"),
    ]

    private static let tokenizer = "tokenizer.json"
    private static let generation = "generation_config.json"

    static let text: [Fault] = [
        Fault(llama, tokenizer, "model.type", "\"WordPiece\"", "model.type: expected BPE, found \"WordPiece\""),
        Fault(llama, tokenizer, "model.vocab", "[[\"a\", 0]]", "model.vocab: expected an object"),
        Fault(llama, tokenizer, "model.vocab.new", "96", "model.vocab: expected at most 96 tokens"),
        Fault(llama, tokenizer, "model.vocab.new", "95", "model.vocab: the id 95 is negative or there twice"),
        Fault(llama, tokenizer, "model.vocab.new", "-1", "model.vocab: the id -1 is negative or there twice"),
        Fault(llama, tokenizer, "model.vocab.new", "900000000000", "the id 900000000000 is too large for"),
        Fault(llama, tokenizer, "model.merges", "[\"a zz\"]", "model.merges[0]: \"a zz\" needs tokens"),
        Fault(llama, tokenizer, "model.merges", "[\"abc\"]", "model.merges: expected a merge of two tokens"),
        Fault(llama, tokenizer, "added_tokens", "[{\"id\": 5, \"content\": \"<a>\"}]", "the id 5 belongs to"),
        Fault(llama, tokenizer, "added_tokens", "[{\"id\": 0}]", "added_tokens[0].content: expected a string"),
        Fault(llama, tokenizer, "normalizer", "{\"type\": \"Lowercase\"}", "normalizer: {\"type\":\"Lowercase\"}"),
        Fault(
            llama, tokenizer, "pre_tokenizer", "{\"type\": \"Whitespace\"}", "pre_tokenizer: {\"type\":\"Whitespace\"}"),
        Fault(llama, tokenizer, "pre_tokenizer", nil, "pre_tokenizer: null is not supported"),
        Fault(llama, tokenizer, "decoder", "{\"type\": \"WordPiece\"}", "decoder: {\"type\":\"WordPiece\"}"),
        Fault(llama, tokenizer, "post_processor", "{\"type\": \"BertProcessing\"}", "post_processor: "),
        Fault(llama, tokenizer, "lattice", "true", "lattice: this field is not known"),
        Fault(llama, "tokenizer_config.json", "split_special_tokens", "true", "split_special_tokens: expected false"),
        Fault(llama, "tokenizer_config.json", "eos_token", "7", "eos_token"),
        Fault(
            llama, "tokenizer_config.json", "chat_template", "[]", "chat_template: expected a template called default"),
        Fault(llama, "tokenizer_config.json", "chat_template", "\"{% for %}\"", "chat template"),
        Fault(llama, "chat_template.json", "chat_template", "{}", "chat_template: expected a string"),
        Fault(llama, generation, "eos_token_id", "\"2\"", "eos_token_id: expected an id or a list of ids, found \"2\""),
        Fault(llama, generation, "eos_token_id", "[2, 96]", "eos_token_id: expected an id below 96, found 96"),
        Fault(llama, generation, "eos_token_id", "-1", "eos_token_id: expected an id below 96, found -1"),
        Fault(llama, generation, "eos_token_id", "1e99", "eos_token_id: expected an id or a list of ids"),
        Fault(llama, generation, "temperature", "\"warm\"", "temperature: expected a number, found \"warm\""),
        Fault(llama, generation, "temperature", "-1", "temperature: expected 0.0 to 100.0, found -1.0"),
        Fault(llama, generation, "top_p", "1.5", "top_p: expected 0.0 to 1.0, found 1.5"),
        Fault(llama, generation, "top_k", "-5", "top_k: expected an integer from 0 to 1000000, found -5"),
        Fault(llama, generation, "repetition_penalty", "0", "repetition_penalty: expected 0.01 to 10.0"),
    ]

    @Test(arguments: sizes + options) func aFieldOfTheDecoderIsNamed(fault: Fault) throws {
        try expectRefusal(of: fault)
    }

    @Test(arguments: vision + processor) func aFieldOfTheVisionIsNamed(fault: Fault) throws {
        try expectRefusal(of: fault)
    }

    @Test(arguments: text) func aFieldOfTheTextIsNamed(fault: Fault) throws {
        try expectRefusal(of: fault)
    }

    /// Whole files that are not what their names say.
    @Test(arguments: [
        ("config.json", "", "not JSON that can be read"),
        ("config.json", "{\"model_type\": \"llama\", \"hidden_size\": 3", "not JSON that can be read"),
        ("config.json", "{\"model_type\": \"llama\", \"rms_norm_eps\": NaN}", "not JSON that can be read"),
        ("config.json", "{\"model_type\": \"llama\", \"model_type\": \"qwen2\"}", "a name twice in one object"),
        ("config.json", "[\"llama\"]", "expected a JSON object, found an array"),
        ("config.json", String(repeating: "[", count: 100_000), "not JSON that can be read"),
        ("config.json", String(repeating: " ", count: 5 << 20), "expected at most 4194304"),
        ("generation_config.json", "{", "generation_config.json"),
        ("generation_config.json", "[]", "expected an object"),
        ("tokenizer.json", "", "tokenizer.json"),
        ("tokenizer.json", "{\"model\": {\"vocab\": {\"a\": ", "tokenizer.json"),
        ("tokenizer_config.json", "null", "tokenizer_config.json"),
        ("chat_template.jinja", "{{ messages[0]", "chat template"),
        ("chat_template.jinja", "{% include \"other\" %}", "include"),
        ("chat_template.jinja", String(repeating: "{{ (", count: 10_000), "chat template"),
    ])
    func aFileThatCannotBeReadIsNamed(file: String, text: String, complaint: String) throws {
        try withTemporaryFolder { parent in
            let folder = try TinyFolder(Self.llama, in: parent)
            try folder.write(text, to: file)
            expectRefusal(folder, file, complaint)
        }
    }

    @Test func aTemplateThatIsNotTextIsNamed() throws {
        try withTemporaryFolder { parent in
            let folder = try TinyFolder(Self.llama, in: parent)
            try Data([0x7B, 0xFF, 0xFE]).write(to: folder.url.appendingPathComponent("chat_template.jinja"))
            expectRefusal(folder, "chat_template.jinja", "expected UTF-8")
        }
    }

    @Test(arguments: [
        ("config.json", "config.json: cannot open"), ("tokenizer.json", "tokenizer.json: cannot open"),
        ("generation_config.json", "eos_token_id: expected the token that ends a text"),
        ("preprocessor_config.json", "there is no preprocessor_config.json"),
        ("model.safetensors", "there is neither model.safetensors nor model.safetensors.index.json"),
    ])
    func aFileThatIsMissingIsNamed(file: String, complaint: String) throws {
        try withTemporaryFolder { parent in
            let folder = try TinyFolder("smolvlm", in: parent)
            try folder.set("config.json", "text_config.eos_token_id", to: nil)
            try FileManager.default.removeItem(at: folder.url.appendingPathComponent(file))
            expectRefusal(folder, "", complaint)
        }
    }

    /// The model type is said before any other field or file is asked for.
    @Test func theModelTypeComesFirst() throws {
        try withTemporaryFolder { parent in
            let folder = try TinyFolder("smolvlm", in: parent)
            try folder.write(#"{"model_type": "qwen2_vl", "vision_config": {}}"#, to: "config.json")
            try FileManager.default.removeItem(at: folder.url.appendingPathComponent("model.safetensors"))
            let error = #expect(throws: (any Error).self) { try ModelCheckpoint(path: folder.path) }
            #expect("\(error.map { "\($0)" } ?? "")".hasSuffix("smolvlm, found qwen2_vl"))
            let vision = #expect(throws: (any Error).self) { try VisionFiles.open(path: folder.path) }
            #expect("\(vision.map { "\($0)" } ?? "")".hasSuffix("expected idefics3 or smolvlm, found qwen2_vl"))
        }
    }
}
