import Checkpoints
import Foundation
import Models
import Support
import Tensors
import TestSupport
import Testing

/// A checkpoint saved by transformers, with its logits for one image (`make_smolvlm.py`).
@Suite struct SmolVLMCheckpointTests {
    private struct Golden: Decodable {
        let ids: [Int32]
        let image: [Int]
    }

    private let compute = Compute(threads: 2)
    private let golden: Golden
    private let file: SafetensorsFile
    private let checkpoint: URL

    init() throws {
        golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: fixtureURL("smolvlm.json")))
        file = try SafetensorsFile(path: fixtureURL("smolvlm.safetensors").path)
        checkpoint = try fixtureURL("smolvlm")
    }

    @Test func servingLogitsEqualTransformers() throws {
        let encoder = try VisionEncoder(VisionWeights(checkpoint: checkpoint.path), on: compute)
        let tokens = encoder.encode(try file.tensor("pixels"))
        #expect(largestDifference(tokens, try file.tensor("tokens")) < 1e-5)
        let decoder = try TransformerDecoder(TinyLlama.file(), compute: compute)
        let cache = decoder.makeCache(bytes: 0, minimumPositions: golden.ids.count)
        let rows = Array(golden.ids.indices)
        let slice = SequenceSlice(
            rows: 0..<rows.count, start: 0, blockTable: (0..<Int32(cache.blocks)).map { $0 })
        let batch = DecoderBatch(
            tokens: golden.ids, sequences: [slice], injections: [.init(row: golden.image[0], embeddings: tokens)],
            outputRows: rows)
        // The tolerance of the cache's half precision, as in `DecoderGoldenTests`.
        #expect(largestDifference(decoder.forward(batch, cache: cache), try file.tensor("logits")) < 2e-3)
    }

    @Test func trainingLogitsEqualTransformers() throws {
        let weights = try VisionWeights(checkpoint: checkpoint.path)
        let pass = VisionPass(try file.tensor("pixels"), weights: weights, on: compute)
        let base = try TinyLlama.frozen(compute: compute)
        var embeddings = base.embeddings(of: golden.ids)
        embeddings.replaceRows(from: golden.image[0], with: pass.connect(weights: weights).tokens)
        var generator = SplitMix64(seed: 1, stream: 0)
        let adapter = LowRankAdapter(starting: base.configuration, rank: 2, alpha: 4, using: &generator)
        var rows = PackedRows()
        _ = rows.append(golden.ids)
        let hidden = TrainableDecoder(base, adapter: adapter)
            .forward(embeddings, rows: rows, outputs: Array(golden.ids.indices)).hidden
        #expect(largestDifference(base.logits(hidden), try file.tensor("logits")) < 1e-5)
    }

    /// The error of reading the checkpoint after `text` in its configuration is replaced by `replacement`.
    private func failure(_ text: String, _ replacement: String) throws -> String? {
        try withTemporaryFolder { folder in
            let original = try String(contentsOf: checkpoint.appendingPathComponent("config.json"), encoding: .utf8)
            let changed = original.replacingOccurrences(of: text, with: replacement)
            #expect(changed != original || text == replacement)
            try changed.write(to: folder.appendingPathComponent("config.json"), atomically: true, encoding: .utf8)
            try FileManager.default.copyItem(
                at: checkpoint.appendingPathComponent("model.safetensors"),
                to: folder.appendingPathComponent("model.safetensors"))
            do {
                _ = try VisionWeights(checkpoint: folder.path)
                return nil
            } catch {
                return "\(error)"
            }
        }
    }

    @Test(arguments: [
        ("\"smolvlm\"", "\"qwen2_vl\"", "model_type: expected idefics3 or smolvlm, found qwen2_vl"),
        ("gelu_pytorch_tanh", "relu", "vision_config.hidden_act: expected gelu_pytorch_tanh, found relu"),
        ("\"num_channels\": 3", "\"num_channels\": 1", "vision_config.num_channels: expected 3, found 1"),
        ("\"scale_factor\": 2", "\"scale_factor\": 3", "scale_factor 3"),
        ("\"hidden_size\": 48", "\"hidden_size\": \"48\"", "hidden_size"),
        ("\"hidden_size\": 64,", "", "text_config.hidden_size: expected an integer, found nothing"),
        ("\"num_hidden_layers\": 2,\n    \"patch", "\"num_hidden_layers\": 3,\n    \"patch", "layers.2."),
        ("\"num_hidden_layers\": 2,\n    \"patch", "\"num_hidden_layers\": 1,\n    \"patch", "layers.1."),
        ("\"patch_size\": 8\n  }", "", "config.json: not JSON that can be read"),
    ])
    func whatWeCannotRunIsNamed(text: String, replacement: String, complaint: String) throws {
        let found = try failure(text, replacement)
        #expect(found?.contains(complaint) == true, "\(found ?? "no error")")
    }

    @Test func whatIsLeftOutHasTheReferencesDefault() throws {
        #expect(try failure("    \"layer_norm_eps\": 1e-06,\n", "") == nil)
        #expect(try failure("    \"num_channels\": 3,\n", "") == nil)
        #expect(try failure("    \"image_size\": 32,\n", "")?.contains("position_embedding") == true)
    }
}
