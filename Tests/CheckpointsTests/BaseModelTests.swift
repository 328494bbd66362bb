import Checkpoints
import Tensors
import TestSupport
import Testing

@Suite struct BaseModelTests {
    @Test func baseModelIsTheOneWeKnow() throws {
        let file = try GGUFFile(path: baseModelPath())
        #expect(try file.string("general.architecture") == "llama")
        #expect(try file.string("tokenizer.ggml.model") == "gpt2")
        #expect(try file.string("tokenizer.ggml.pre") == "smollm")
        #expect(try file.strings("tokenizer.ggml.tokens").count == 49_152)
        #expect(try file.strings("tokenizer.ggml.merges").count == 48_900)
        #expect(try file.integers("tokenizer.ggml.token_type").count == 49_152)
        #expect(try file.integer("llama.block_count") == 30)
        #expect(try file.integer("llama.embedding_length") == 576)
        #expect(try file.number("llama.rope.freq_base") == 100_000)

        #expect(file.tensors.count == 272)
        let counts = Dictionary(file.tensors.values.map { ($0.type, 1) }, uniquingKeysWith: +)
        #expect(counts == [.blocks(.q4_1): 210, .f32: 61, .blocks(.q8_0): 1])
        let embedding = try file.tensor("token_embd.weight")
        #expect(embedding.type == .blocks(.q8_0))
        #expect(embedding.shape == [49_152, 576])
        #expect(file.tensors["output.weight"] == nil, "input and output embeddings are tied")
        #expect(try file.tensor("blk.0.ffn_down.weight").shape == [576, 1536])
    }

    @Test func itsTensorsBecomeFiniteFloatsOfPlausibleSize() throws {
        let file = try GGUFFile(path: baseModelPath())
        for name in ["blk.0.attn_q.weight", "blk.29.ffn_down.weight", "output_norm.weight"] {
            let values = try file.float(name).elements
            let meanSquare = values.reduce(0) { $0 + Double($1) * Double($1) } / Double(values.count)
            #expect(values.allSatisfy(\.isFinite) && meanSquare > 1e-4 && meanSquare < 100, "\(name): \(meanSquare)")
        }
    }
}
