import Checkpoints
import Engine
import Foundation
import Images
import Models
import Policies
import Tensors
import TestSupport
import Testing
import Tokenizers

/// A whole SmolVLM folder against transformers: prompts, tiles and logits (`make_multimodal.py`).
@Suite struct MultimodalFolderTests {
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let sizes: [[Int]]
        let question: String
        let ids: [Int32]

        var testDescription: String { name }
    }

    private struct Golden: Decodable {
        let cases: [Case]
    }

    static let cases =
        (try? JSONDecoder().decode(
            Golden.self, from: Data(contentsOf: fixtures.appendingPathComponent("multimodal.json"))
        ).cases) ?? []

    private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../ModelsTests/Fixtures")

    private let compute = Compute(threads: 2)
    private let checkpoint: ModelCheckpoint

    init() throws {
        checkpoint = try ModelCheckpoint(path: Self.fixtures.appendingPathComponent("multimodal").path)
    }

    /// `base` as a server has it.
    private func policy(
        _ arithmetic: VisionEncoder.Arithmetic, _ decoder: TransformerDecoder
    ) throws -> Policy {
        let base = try BaseModel(checkpoint, arithmetic: arithmetic, decoder: decoder)
        return try PolicyLoader(decoder: decoder, base: base, library: .init(published: nil, shipped: "/nowhere"))
            .catalog(of: [:]).defaultPolicy
    }

    private func request(_ example: Case, _ policy: Policy) throws -> EngineRequest {
        let detail: ImageProcessor.Detail = example.name.hasSuffix("high") ? .high : .low
        let images = example.sizes.map { InputProcessor.Image(image: waves($0[0], $0[1]), detail: detail) }
        let parts = images.indices.map { ChatMessage.Part.image($0) } + [.text(example.question)]
        return try InputProcessor(tokenizer: Tokenizer(checkpoint.vocabulary)).request(
            messages: [ChatMessage(role: .user, content: parts)], images: images, policy: policy)
    }

    /// The logits after the prompt.
    private func logits(_ request: EngineRequest, _ policy: Policy, _ decoder: TransformerDecoder) throws -> Tensor {
        let count = request.prompt.count
        let cache = decoder.makeCache(bytes: 0, minimumPositions: count)
        let injections = try request.images.map { image in
            let embeddings = try #require(policy.vision).encoder.encode(image.pixels)
            return DecoderBatch.Injection(row: image.range.lowerBound, embeddings: embeddings)
        }
        let batch = DecoderBatch(
            tokens: request.prompt,
            sequences: [
                SequenceSlice(rows: 0..<count, start: 0, blockTable: (0..<Int32(cache.blocks)).map { $0 })
            ], injections: injections, outputRows: [count - 1])
        return decoder.forward(batch, cache: cache)
    }

    @Test func everyCaseIsCompared() {
        #expect(Self.cases.count == 7)
        #expect(checkpoint.vocabulary.endTokens.count == 2)
    }

    @Test(arguments: cases) func promptsAndLogitsEqualTransformers(of example: Case) throws {
        let decoder = try TransformerDecoder(checkpoint.decoder, precision: .float32, compute: compute)
        let policy = try policy(.floats(.float32), decoder)
        let request = try request(example, policy)
        #expect(request.prompt == example.ids)
        #expect(request.imageSizes.flatMap(\.positions) == request.images.map(\.range))
        let golden = try SafetensorsFile(path: Self.fixtures.appendingPathComponent("multimodal.safetensors").path)
        let difference = zip(
            try logits(request, policy, decoder).elements, try golden.tensor("logits.\(example.name)").elements
        ).map { abs($0 - $1) }.max()
        // The tolerance of the cache's half precision.
        #expect(try #require(difference) < 1e-2)
    }

    /// As served by default: weights in Q8_0, and the tower in integers.
    @Test(arguments: cases) func quantisedLogitsAreClose(of example: Case) throws {
        let decoder = try TransformerDecoder(checkpoint.decoder, precision: .q8_0, compute: compute)
        let policy = try policy(.integers, decoder)
        let found = softmax(try logits(request(example, policy), policy, decoder).elements)
        let golden = try SafetensorsFile(path: Self.fixtures.appendingPathComponent("multimodal.safetensors").path)
        let expected = softmax(try golden.tensor("logits.\(example.name)").elements)
        let divergence = zip(expected, found).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }
        #expect(divergence < 0.02, "\(divergence) nats")
    }

    private func softmax(_ logits: [Float]) -> [Double] {
        let largest = logits.max() ?? 0
        let weights = logits.map { exp(Double($0 - largest)) }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }

    /// The picture of `make_tiles.py`.
    private func waves(_ width: Int, _ height: Int) -> RGBImage {
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                for c in 0..<3 {
                    let value = x * (7 + c) + y * (13 - c) + x * y / (3 + c) + 90 * ((x / 5 + y / 7) % 2)
                    pixels.append(UInt8(value % 256))
                }
            }
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }
}
