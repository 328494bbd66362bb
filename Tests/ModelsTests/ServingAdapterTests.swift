import Checkpoints
import Foundation
import Models
import Tensors
import TestSupport
import Testing

/// Adapters on the serving decoder, against PEFT (`make_adapter.py`), and alone against beside other adapters.
@Suite struct ServingAdapterTests {
    private struct Golden: Decodable { var ids: [Int32] }

    private let compute = Compute(threads: 2)
    private let decoder: TransformerDecoder
    private let ids: [Int32]

    init() throws {
        decoder = try TransformerDecoder(TinyLlama.file(), precision: .float32, compute: compute)
        ids = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: fixtureURL("adapter.json"))).ids
    }

    private func adapter(_ name: String, precision: Precision = .float32) throws -> ServingAdapter {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let folder = tests.appendingPathComponent("CheckpointsTests/Fixtures/\(name)").path
        let adapter = try LowRankAdapter(PEFTAdapter(folder: folder), configuration: decoder.configuration)
        return ServingAdapter(
            adapter, configuration: decoder.configuration, precision: precision, compute: compute)
    }

    private func logits(_ adapters: [ServingAdapter?], by decoder: TransformerDecoder? = nil) -> [Tensor] {
        let decoder = decoder ?? self.decoder
        let cache = decoder.makeCache(bytes: 0, minimumPositions: adapters.count * 64)
        var batch = DecoderBatch(tokens: [], sequences: [], outputRows: [])
        for (index, adapter) in adapters.enumerated() {
            let rows = batch.tokens.count..<batch.tokens.count + ids.count
            batch.tokens += ids
            let blocks = (0..<4).map { Int32(4 * index + $0) }
            batch.sequences.append(SequenceSlice(rows: rows, start: 0, blockTable: blocks))
            if let adapter { batch.adapters.append(.init(rows: rows, adapter: adapter)) }
            batch.outputRows += Array(rows)
        }
        let all = decoder.forward(batch, cache: cache)
        return adapters.indices.map { all.rows($0 * ids.count..<($0 + 1) * ids.count) }
    }

    @Test(arguments: ["adapter", "adapter-bf16"], [(Precision.float32, Float(2e-3)), (.bfloat16, 2e-2)])
    func logitsEqualPEFT(name: String, kept: (precision: Precision, gap: Float)) throws {
        let expected = try SafetensorsFile(path: fixtureURL("adapter.safetensors").path).tensor(name)
        let found = logits([try adapter(name, precision: kept.precision)])[0]
        let plain = logits([nil])[0]
        let scale = expected.elements.map(abs).max() ?? 0
        func distance(_ tensor: Tensor) -> Float {
            zip(tensor.elements, expected.elements).map { abs($0 - $1) }.max() ?? .infinity
        }
        // Keys and values are kept in half precision.
        #expect(distance(found) < kept.gap * scale)
        #expect(distance(plain) > 2e-2 * scale)
    }

    @Test func everySequenceKeepsItsOwnAdapterInAMixedBatch() throws {
        let one = try adapter("adapter", precision: .bfloat16)
        let other = try adapter("adapter-bf16", precision: .bfloat16)
        // Enough rows for threads to split them, at bounds within sequences.
        let adapters = [one, nil, other, one, other, nil, one]
        for (found, adapter) in zip(logits(adapters), adapters) {
            #expect(found.elements == logits([adapter])[0].elements)
        }
    }

    /// Files of llama.cpp hold a matrix as floats where its rows are not whole blocks. The layers that it is multiplied
    /// together with stay in their blocks.
    @Test(arguments: [Set(["attn_v"]), ["attn_q", "attn_v"], ["attn_k", "ffn_gate"], ["ffn_up"]])
    func floatsBesideBlocksLeaveThemAsTheyAre(floats: Set<String>) throws {
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("mixed.gguf").path
            try TinyLlama.writer(.q4_1, floats: floats).write(to: path)
            let mixed = try TransformerDecoder(GGUFFile(path: path), compute: compute)
            let blocks = try TransformerDecoder(TinyLlama.file(.q4_1), compute: compute)
            let sizes = mixed.configuration
            let elements = DecoderWeight.all(in: sizes).filter { weight in
                floats.contains { weight.ggufName.hasSuffix("\($0).weight") }
            }.reduce(0) { $0 + $1.shape(in: sizes).reduce(1, *) }
            // A block of Q4_1 has 20 bytes for 32 elements; panels are padded to whole ones.
            #expect(mixed.weightBytes <= blocks.weightBytes + elements * 4 + sizes.layers * 4 * 64 * 64)
            #expect(mixed.weightBytes >= blocks.weightBytes + elements * 4 - elements * 20 / 32)
            let one = try adapter("adapter")
            for adapters in [[nil], [one, nil, one]] {
                let (found, exact) = (logits(adapters, by: mixed), logits(adapters))
                let near = logits(adapters, by: blocks)
                for index in adapters.indices {
                    let gap = distance(found[index], exact[index])
                    #expect(gap > 0 && gap < 1.5 * distance(near[index], exact[index]))
                }
            }
        }
    }

    private func distance(_ one: Tensor, _ other: Tensor) -> Float {
        zip(one.elements, other.elements).map { abs($0 - $1) }.max() ?? .infinity
    }

    @Test func anAdapterOfAnotherShapeIsRefused() throws {
        var adapter = LowRankAdapter(
            rank: 2, alpha: 2,
            layers: [
                [
                    .query: .init(
                        a: Tensor(zeros: [2, 64]), b: Tensor(zeros: [63, 2]))
                ]
            ])
        #expect(throws: ModelError.self) {
            try LowRankAdapter(PEFTAdapter(adapter), configuration: decoder.configuration)
        }
        adapter.layers = [[:], [:], [.down: .init(a: Tensor(zeros: [2, 96]), b: Tensor(zeros: [64, 2]))]]
        #expect(throws: ModelError.unknownTensor("layers.2.down_proj")) {
            try LowRankAdapter(PEFTAdapter(adapter), configuration: decoder.configuration)
        }
    }
}
