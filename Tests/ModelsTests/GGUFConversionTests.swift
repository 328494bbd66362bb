import Checkpoints
import Foundation
import Models
import Support
import Tensors
import TestSupport
import Testing
import Tokenizers

/// GGUF files written of Hugging Face folders: the same decoder and tokens, bit for bit.
@Suite struct GGUFConversionTests {
    private let compute = Compute(threads: 2)

    /// The logits of all positions of some tokens.
    private func logits(_ model: ModelCheckpoint, _ precision: TransformerDecoder.Precision) throws -> Tensor {
        let decoder = try TransformerDecoder(model.decoder, precision: precision, compute: compute)
        let ids = (0..<40).map { Int32($0 * 37 % 90) }
        let cache = decoder.makeCache(bytes: 0, minimumPositions: ids.count)
        let table = (0..<Int32(cache.blocks)).map { $0 }
        let batch = DecoderBatch(
            tokens: ids, sequences: [SequenceSlice(rows: 0..<ids.count, start: 0, blockTable: table)],
            outputRows: Array(ids.indices))
        return decoder.forward(batch, cache: cache)
    }

    /// The folder's model, and what is read of its GGUF file.
    private func converted(
        _ folder: TinyFolder, _ format: ModelCheckpoint.MatrixFormat
    ) throws -> (folder: ModelCheckpoint, file: ModelCheckpoint) {
        let model = try ModelCheckpoint(path: folder.path)
        let path = folder.path + ".gguf"
        try model.writeGGUF(to: path, as: format)
        return (model, try ModelCheckpoint(path: path))
    }

    static let families = [
        "smolvlm", "families/granite", "families/llama", "families/mistral", "families/qwen2", "families/qwen3",
        "families/smollm3",
    ]

    @Test(arguments: families) func logitsAreTheFoldersBitForBit(family: String) throws {
        try withTemporaryFolder { parent in
            let folder = try TinyFolder(family, in: parent)
            let (model, blocks) = try converted(folder, .q8_0)
            #expect(blocks.decoder.configuration == model.decoder.configuration)
            let rounded = try logits(model, .q8_0).elements
            #expect(try logits(blocks, .asStored).elements == rounded)
            let floats = try converted(folder, .f32).file
            #expect(try logits(floats, .float32).elements == logits(model, .float32).elements)
            // The vision's fixture has weights of 32 bits, which lose half of them.
            guard family != "smolvlm" else { return }
            let halves = try converted(folder, .bf16).file
            #expect(try logits(halves, .bfloat16).elements == logits(model, .bfloat16).elements)
            #expect(try logits(halves, .q8_0).elements == rounded)
        }
    }

    @Test(arguments: families) func tokensAreTheFolders(family: String) throws {
        try withTemporaryFolder { parent in
            let folder = try TinyFolder(family, in: parent)
            try folder.write("{{ messages[0]['content'] }}{{ eos_token }}", to: "chat_template.jinja")
            let (model, file) = try converted(folder, .q8_0)
            #expect(
                file.vocabulary.tokens == model.vocabulary.tokens && file.vocabulary.kinds == model.vocabulary.kinds)
            #expect(file.vocabulary.endTokens == [2] && !file.vocabulary.addsBeginOfText)
            #expect(file.chatTemplate == model.chatTemplate && file.template != nil)
            let (before, after) = (Tokenizer(model.vocabulary), Tokenizer(file.vocabulary))
            for text in ["The swift sleeps.", "<|im_start|>12 34<|im_end|>", "  é\n\n9", ""] {
                for special in [SpecialTokens.asText, .recognized] {
                    #expect(before.encode(text, special: special) == after.encode(text, special: special))
                }
            }
        }
    }

    @Test func rowsWithoutATokenHaveANameAndNoText() throws {
        try withTemporaryFolder { parent in
            let folder = try TinyFolder("families/llama", in: parent)
            for text in ["W", "X", "Y", "Z", "[", "\\"] {
                try folder.set("tokenizer.json", "model.vocab.\(text)", to: nil)
            }
            try folder.set("tokenizer.json", "model.vocab.[PAD95]", to: "90")
            let (model, file) = try converted(folder, .q8_0)
            #expect(model.vocabulary.tokens[91...] == ["", "", "", "", ""])
            #expect(
                file.vocabulary.tokens[90...] == ["[PAD95]", "[PAD91]", "[PAD92]", "[PAD93]", "[PAD94]", "[PAD95]_"])
            #expect(file.vocabulary.kinds == model.vocabulary.kinds)
            #expect(Tokenizer(file.vocabulary).decode([91, 95]) == "")
        }
    }

    @Test(arguments: [
        #"{"rope_type": "linear", "factor": 4.0, "rope_theta": 500}"#,
        #"{"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128, "beta_fast": 20}"#,
        #"""
        {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
         "original_max_position_embeddings": 128}
        """#,
    ])
    func rotaryScalingIsTheFolders(rope: String) throws {
        try withTemporaryFolder { parent in
            let folder = try TinyFolder("families/llama", in: parent)
            try folder.set("config.json", "rope_parameters", to: rope)
            let (model, file) = try converted(folder, .f32)
            guard case .llama3 = model.decoder.configuration.ropeScaling else {
                #expect(file.decoder.configuration == model.decoder.configuration)
                #expect(try logits(file, .float32).elements == logits(model, .float32).elements)
                return
            }
            // Frequencies are divided by numbers of 24 bits, which moves them by at most the last bit.
            let (before, after) = (model.decoder.configuration, file.decoder.configuration)
            for (one, other) in zip(before.rotaryFrequencies.radians, after.rotaryFrequencies.radians) {
                #expect(abs(one - other) <= one.ulp)
            }
            #expect(largestDifference(try logits(file, .float32), try logits(model, .float32)) < 1e-3)
        }
    }

    @Test(arguments: [
        ("families/smollm3", "no_rope_layers", "[1, 1, 0, 1]", "no_rope_layers: expected every fourth layer"),
        (
            "families/llama", "rope_parameters",
            #"{"rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 128, "attention_factor": 1.5}"#,
            "attention_factor: expected nothing, as in GGUF"
        ),
    ])
    func anOptionThatGGUFLacksIsNamed(family: String, field: String, value: String, complaint: String) throws {
        try withTemporaryFolder { parent in
            let folder = try TinyFolder(family, in: parent)
            try folder.set("config.json", field, to: value)
            let error = #expect(throws: CheckpointError.self) { try converted(folder, .q8_0) }
            #expect(error?.path == "\(folder.path)/config.json" && error?.reason.hasPrefix(complaint) == true)
            #expect(!FileManager.default.fileExists(atPath: folder.path + ".gguf"))
        }
    }

    @Test func aTokenThatGGUFCannotDescribeIsNamed() throws {
        try withTemporaryFolder { parent in
            let folder = try TinyFolder("families/llama", in: parent)
            try folder.set(
                "tokenizer.json", "added_tokens",
                to: #"[{"id": 91, "content": "X", "special": true, "lstrip": true}]"#)
            let error = #expect(throws: CheckpointError.self) { try converted(folder, .q8_0) }
            #expect(error?.reason.contains("no field for single_word, lstrip and rstrip of token") == true)
        }
    }

    /// The metadata of a GGUF file stays, byte for byte, and so do quantised matrices.
    @Test func aFileKeepsItsMetadataAndBlocks() throws {
        try withTemporaryFolder { parent in
            let floats = try ModelCheckpoint(path: TinyLlama.file().path)
            let (once, twice) = (parent.path + "/once.gguf", parent.path + "/twice.gguf")
            try floats.writeGGUF(to: once, as: .q8_0)
            let first = try ModelCheckpoint(path: once)
            #expect(first.decoder.configuration == floats.decoder.configuration)
            #expect(try logits(first, .asStored).elements == logits(floats, .q8_0).elements)
            let (before, after) = (try GGUFFile(path: floats.path).metadata, try GGUFFile(path: once).metadata)
            for (key, value) in before { #expect(after[key] == value, "\(key)") }
            #expect(after["general.file_type"] == .unsigned(7))
            try first.writeGGUF(to: twice, as: .f32)
            let (blocks, kept) = (try GGUFFile(path: once), try GGUFFile(path: twice))
            #expect(kept.metadata == blocks.metadata)
            for (name, tensor) in blocks.tensors { #expect(kept.tensors[name]?.bytes == tensor.bytes, "\(name)") }
        }
    }

    @Test func numbersBeyondF16AreRefused() throws {
        try withTemporaryFolder { parent in
            let folder = try TinyFolder("families/llama", in: parent)
            let output = parent.path + "/half.gguf"
            let weights = folder.path + "/model.safetensors"
            let file = try SafetensorsFile(path: weights)
            var tensors = try Dictionary(uniqueKeysWithValues: file.entries.keys.map { ($0, try file.tensor($0)) })
            let name = "model.layers.0.mlp.down_proj.weight"
            tensors[name] = Tensor(repeating: 70_000, try #require(tensors[name]).shape)
            try SafetensorsFile.write(tensors, as: .float32, to: weights)
            let model = try ModelCheckpoint(path: folder.path)
            let error = #expect(throws: FileError.self) { try model.writeGGUF(to: output, as: .f16) }
            #expect(error?.reason == "tensor \(name) has numbers beyond 65504.0, F16's largest")
            #expect(try FileManager.default.contentsOfDirectory(atPath: parent.path) == ["llama"])
            try model.writeGGUF(to: output, as: .bf16)
        }
    }
}
