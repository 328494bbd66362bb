import Checkpoints
import Foundation
import Models
import Support
import Tensors
import TestSupport
import Testing

/// Against PyTorch in float64: `make_training.py`.
@Suite struct TrainableDecoderGoldenTests {
    private let compute = Compute(threads: 2)

    @Test(arguments: ["lora_packed", "lora_visual", "lora_tree"])
    func lossLogitsAndGradients(name: String) throws {
        let batch = try PackedFixture.decode(from: fixtureURL("\(name).json"))
        let file = try SafetensorsFile(path: fixtureURL("\(name).safetensors").path)
        #expect(batch.rows.spans.positions == batch.positions)
        let base = try TinyLlama.frozen(compute: compute)
        let visual = batch.visualRows.isEmpty ? nil : try file.tensor("visual_tokens")
        let result = TrainingResult(batch, visual: visual, base: base, adapter: try LowRankAdapter(file))

        let expectedLoss = try file.tensor("loss").elements[0]
        #expect(abs(result.loss - expectedLoss) < 1e-5 * expectedLoss)
        let logits = compute.gather(batch.predictionRows.map { Int32($0) }, from: try file.tensor("logits"))
        #expect(largestDifference(result.logits, logits) < 1e-5)
        let expected = try LowRankAdapter(file, prefix: "grad.")
        for (found, wanted) in zip(result.adapter.parameters, expected.parameters) {
            #expect(relativeDistance(found.tensor, wanted.tensor) < 1e-4, "\(found.name)")
        }
        if visual != nil {
            #expect(relativeDistance(result.visual, try file.tensor("grad.visual_tokens")) < 1e-4)
            let name = "model.connector.modality_projection.proj.weight"
            let features = try file.tensor("features")
            let dconnector = compute.multiply(result.visual, features, transposeA: true)
            #expect(relativeDistance(dconnector, try file.tensor("grad.\(name)")) < 1e-4)
            let tokens = compute.multiply(features, try file.tensor(name), transposeB: true)
            #expect(largestDifference(tokens, try file.tensor("visual_tokens")) < 1e-5)
        }
    }

    @Test func tinyLogitsEqualTransformers() throws {
        struct Case: Decodable { let ids: [Int32] }
        let ids = try PackedFixture.decode(
            Case.self, from: fixtureURL("tiny-llama.json")
        ).ids
        let file = try SafetensorsFile(path: fixtureURL("tiny-llama.safetensors").path)
        let base = try TinyLlama.frozen(compute: compute)
        let logits = baseLogits(base, ids: ids, outputs: Array(ids.indices))
        #expect(largestDifference(logits, try file.tensor("tiny-llama.logits")) < 1e-5)
    }

    @Test func realLogitsEqualTransformers() throws {
        struct Prompt: Decodable { let ids: [Int32], positions: [Int], topIds: [[Int32]] }
        struct Prompts: Decodable { let prompts: [String: Prompt] }
        let all = try PackedFixture.decode(Prompts.self, from: fixtureURL("decoder.json")).prompts
        let golden = try SafetensorsFile(path: fixtureURL("decoder.safetensors").path)
        let base = try FrozenDecoder(
            DecoderFiles(GGUFFile(path: baseModelPath())), compute: compute)
        for (name, prompt) in all.sorted(by: { $0.key < $1.key }) {
            let logits = baseLogits(base, ids: prompt.ids, outputs: prompt.positions)
            let largest = try golden.tensor("\(name).max_abs").elements
            let stride = try golden.tensor("\(name).stride")
            let top = try golden.tensor("\(name).top_values")
            for row in prompt.positions.indices {
                let limit = 1e-4 * largest[row]
                let isClose =
                    (0..<stride.columns).allSatisfy { abs(logits[row, 64 * $0] - stride[row, $0]) < limit }
                    && prompt.topIds[row].enumerated().allSatisfy {
                        abs(logits[row, Int($0.element)] - top[row, $0.offset]) < limit
                    }
                #expect(isClose, "\(name), row \(row)")
            }
        }
    }

    /// Logits under an adapter that changes nothing.
    private func baseLogits(_ base: FrozenDecoder, ids: [Int32], outputs: [Int]) -> Tensor {
        var generator = SplitMix64(seed: 1, stream: 0)
        let adapter = LowRankAdapter(starting: base.configuration, rank: 2, alpha: 4, using: &generator)
        var rows = PackedRows()
        _ = rows.append(ids)
        let pass = TrainableDecoder(base, adapter: adapter)
            .forward(base.embeddings(of: ids), rows: rows, outputs: outputs)
        return base.logits(pass.hidden)
    }

    private static let smolLM = DecoderConfiguration(
        layers: 30, hidden: 576, feedForward: 1536, heads: 9, kvHeads: 3, headSize: 64, vocabulary: 49_152,
        contextLength: 8192, ropeTheta: 100_000, normEpsilon: 1e-5)
}
