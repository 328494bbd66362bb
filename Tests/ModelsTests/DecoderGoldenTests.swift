import Checkpoints
import Foundation
import Models
import Tensors
import TestSupport
import Testing

/// The serving decoder against transformers on the same dequantised weights (`make_decoder.py`).
@Suite(.serialized) struct DecoderGoldenTests {
    struct Prompts: Decodable {
        struct Prompt: Decodable {
            var ids: [Int32]
            var positions: [Int]
            var top_ids: [[Int]]
        }
        var stride: Int
        var prompts: [String: Prompt]
    }

    struct Passage: Decodable {
        var ids: [Int32]
        var top1: [Int]
        var clear: Int
        var perplexity: Double
    }

    private let compute = Compute(threads: 2)

    /// Keys and values are kept in half precision, which alone costs this share of the largest logit. The training
    /// pass, which keeps none, must be within 1e-4 (`TrainableDecoderGoldenTests`).
    private static let cacheTolerance: Float = 2e-3

    @Test func floatLogitsEqualTheReference() throws {
        let decoder = try TransformerDecoder(GGUFFile(path: baseModelPath()), precision: .float32, compute: compute)
        let golden = try JSONDecoder().decode(Prompts.self, from: Data(contentsOf: fixtureURL("decoder.json")))
        let values = try SafetensorsFile(path: fixtureURL("decoder.safetensors").path)
        for (name, prompt) in golden.prompts {
            let logits = decoder.logits(of: prompt.ids, chunk: 256)
            let (top, strided) = (try values.tensor("\(name).top_values"), try values.tensor("\(name).stride"))
            let largest = try values.tensor("\(name).max_abs")
            var worst: Float = 0
            for (row, position) in prompt.positions.enumerated() {
                let scale = largest.elements[row]
                for (column, id) in prompt.top_ids[row].enumerated() {
                    worst = max(worst, abs(logits[position, id] - top[row, column]) / scale)
                }
                for column in 0..<strided.columns {
                    worst = max(worst, abs(logits[position, column * golden.stride] - strided[row, column]) / scale)
                }
            }
            #expect(worst < Self.cacheTolerance, "\(name): the largest error is \(worst) of the largest logit")
        }
    }

    @Test(arguments: KVCache.Precision.allCases)
    func quantisedPathAgreesWithTheReference(cache: KVCache.Precision) throws {
        let decoder = try TransformerDecoder(GGUFFile(path: baseModelPath()), compute: compute)
        let golden = try JSONDecoder().decode(Passage.self, from: Data(contentsOf: fixtureURL("decoder_text.json")))
        let logits = decoder.logits(of: golden.ids, chunk: 512, cache: cache)
        let lead = try SafetensorsFile(path: fixtureURL("decoder_text.safetensors").path).tensor("lead").elements
        let clear = Set(lead.indices.filter { lead[$0] > 0.1 })
        var agreed = 0
        var loss = 0.0
        for position in golden.ids.indices {
            let row = logits.rows(position..<position + 1).elements
            let best = row.indices.max { row[$0] < row[$1] } ?? 0
            if clear.contains(position), best == golden.top1[position] { agreed += 1 }
            guard position + 1 < golden.ids.count else { continue }
            let highest = Double(row[best])
            let sum = row.reduce(0.0) { $0 + exp(Double($1) - highest) }
            loss += log(sum) + highest - Double(row[Int(golden.ids[position + 1])])
        }
        let share = Double(agreed) / Double(clear.count)
        let perplexity = exp(loss / Double(golden.ids.count - 1))
        #expect(clear.count == golden.clear && clear.count >= 1000)
        #expect(share >= (cache == .int8 ? 0.985 : 0.99), "top-1 agrees on \(share) of \(clear.count) clear positions")
        #expect(abs(perplexity / golden.perplexity - 1) < 0.01, "perplexity \(perplexity), \(golden.perplexity)")
    }

    @Test(arguments: TinyLlama.Format.allCases) func tinyModelEqualsTheReference(format: TinyLlama.Format) throws {
        struct Tiny: Decodable { var ids: [Int32], files: [String: String] }
        let golden = try JSONDecoder().decode(Tiny.self, from: Data(contentsOf: fixtureURL("tiny-llama.json")))
        let file = try TinyLlama.file(format), name = format.rawValue
        #expect(try FileDigest(path: file.path).sha256 == golden.files[name], "the reference writes the same bytes")
        let decoder = try TransformerDecoder(file, precision: .float32, compute: compute)
        let expected = try SafetensorsFile(path: fixtureURL("tiny-llama.safetensors").path).tensor("\(name).logits")
        let logits = decoder.logits(of: golden.ids, chunk: 7)
        let scale = expected.elements.map(abs).max() ?? 0
        #expect(scale > 0.1)
        let worst = zip(logits.elements, expected.elements).map { abs($0 - $1) }.max() ?? .infinity
        #expect(worst < Self.cacheTolerance * scale, "the largest error is \(worst / scale) of the largest logit")
    }
}

extension DecoderGoldenTests {
    @Test func aStretchedModelEqualsTheReference() throws {
        let golden = try SafetensorsFile(path: fixtureURL("tiny-llama-yarn.safetensors").path)
        let ids = try golden.tensor("ids").elements.map { Int32($0) }
        let file = try TinyLlama.file()
        let decoder = try TransformerDecoder(file, precision: .float32, contextLength: 4096, compute: compute)
        let (logits, expected) = (decoder.logits(of: ids, chunk: 500), try golden.tensor("logits"))
        let scale = expected.elements.map(abs).max() ?? 0
        for row in 0..<expected.rows {
            let errors = (0..<expected.columns).map { abs(logits[row * 100, $0] - expected[row, $0]) }
            #expect((errors.max() ?? .infinity) < Self.cacheTolerance * scale, "position \(row * 100)")
        }
        let plain = try TransformerDecoder(file, precision: .float32, contextLength: 1024, compute: compute)
        #expect(plain.configuration.contextStretch == 1)
        #expect(throws: ModelError.self) { try TransformerDecoder(file, contextLength: 4097, compute: compute) }
    }
}

extension TransformerDecoder {
    /// The logits of every position of one sequence, computed in chunks.
    func logits(of ids: [Int32], chunk: Int, cache precision: KVCache.Precision = .fp16) -> Tensor {
        let cache = makeCache(bytes: 0, minimumPositions: ids.count, precision: precision)
        let table = (0..<Int32(cache.blocks)).map { $0 }
        var result = Tensor(zeros: [ids.count, configuration.vocabulary])
        for start in stride(from: 0, to: ids.count, by: chunk) {
            let tokens = Array(ids[start..<min(start + chunk, ids.count)])
            let slice = SequenceSlice(rows: 0..<tokens.count, start: start, blockTable: table)
            let batch = DecoderBatch(tokens: tokens, sequences: [slice], outputRows: Array(0..<tokens.count))
            result.replaceRows(from: start, with: forward(batch, cache: cache))
        }
        return result
    }
}
