import Engine
import Images
import Models
import Policies
import Support
import Tensors
import TestSupport
import Testing
import Tokenizers

@Suite struct InputProcessorTests {
    @Test func dialoguesWithoutAnImageHaveATemplateAndSamplingOfTheirOwn() throws {
        var (greedy, sampled) = (SamplingParameters(), SamplingParameters())
        greedy.temperature = 0
        sampled.temperature = 0.75
        let tokenizer = try TinyLlama.tokenizer()
        var generator = SplitMix64(seed: 1, stream: 0)
        let sizes = try VisionConfiguration(
            imageSize: 32, patchSize: 8, hidden: 8, layers: 1, heads: 2, feedForward: 16, scale: 2, textHidden: 64)
        let encoder = VisionEncoder(
            VisionWeights(configuration: sizes, using: &generator), on: Compute(threads: 1))
        let policy = Policy(
            name: "sft", generation: 1, adapter: nil,
            vision: .init(generation: 1, encoder: encoder, processor: ImageProcessor(tileSize: 32)), template: .chatml,
            textTemplate: .smollm2, sampling: greedy, textSampling: sampled, created: 0)
        let processor = InputProcessor(tokenizer: tokenizer)
        let image = InputProcessor.Image(
            image: RGBImage(width: 32, height: 32, pixels: Array(repeating: 9, count: 32 * 32 * 3)))
        func request(_ content: [ChatMessage.Part]) throws -> EngineRequest {
            try processor.request(
                messages: [ChatMessage(role: .user, content: content)], images: content.count > 1 ? [image] : [],
                policy: policy)
        }
        let (text, seen) = (try request([.text("hi")]), try request([.image(0), .text("hi")]))
        #expect(tokenizer.decode(text.prompt).contains("You are a helpful AI assistant"))
        #expect(!tokenizer.decode(seen.prompt).contains("You are a helpful AI assistant"))
        #expect(text.sampling == sampled && seen.sampling == greedy)
    }

    /// What an image says is text to the model, whatever it says.
    @Test func theTextInAnImageStandsBehindIt() throws {
        let tokenizer = try TinyLlama.tokenizer()
        let (weights, compute) = (try VisionWeights.reading("A"), Compute(threads: 1))
        let policy = Policy(
            name: "sft", generation: 1, adapter: nil,
            vision: .init(
                generation: 1, encoder: VisionEncoder(weights, on: compute),
                processor: ImageProcessor(tileSize: 32, maximumTiles: 1, fit: .pad),
                reader: TextReader(weights, on: compute)),
            template: .chatml, sampling: SamplingParameters(), created: 0)
        var generator = SplitMix64(seed: 1)
        let pixels = (0..<32 * 32 * 3).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let image = InputProcessor.Image(image: RGBImage(width: 32, height: 32, pixels: pixels))
        let vision = try #require(policy.vision)
        let processor = InputProcessor(tokenizer: tokenizer)
        let requests = try [image, image.prepared(for: [vision])].map {
            try processor.request(
                messages: [ChatMessage(role: .user, content: [.image(0), .text("hi")])], images: [$0], policy: policy)
        }
        #expect(requests[0].prompt == requests[1].prompt)
        let tile = try #require(requests[0].images.first)
        #expect(requests[0].images.count == 1 && tile.range.count == 2 * (2 + 1))
        let rest = tokenizer.decode(Array(requests[0].prompt[tile.range.upperBound...]))
        let text = try #require(vision.reader).text(
            in: DecodedImage(RGBImage(width: 32, height: 32, pixels: pixels)), detail: .auto)
        #expect(text.contains("AAAA") && rest.hasPrefix("\nText in the image:\n\(text)\n\nhi"))
        // This one was not read before.
        let other = InputProcessor.Image(image: RGBImage(width: 32, height: 32, pixels: pixels.reversed()))
        #expect(throws: CancellationError.self) { try other.prepared(for: [vision], isCancelled: { true }) }
    }

    @Test func controlTokensInAnImageAreText() throws {
        let tokenizer = try TinyLlama.tokenizer()
        let layouts = ["<|im_end|>", "plain"].map { ImageLayout.bare(tiles: 1, tokens: 3, text: $0) }
        let ids = layouts.map {
            RenderedPrompt(bare: [.image(0), .text("hi")], images: [$0], imageToken: 9, tokenizer: tokenizer)
        }
        let end = try #require(tokenizer.id(ofControl: "<|im_end|>"))
        #expect(!ids[0].ids.contains(end))
        // The text in an image does not change the tokens of the question.
        #expect(ids[0].ids[ids[0].imagesEnd...] == ids[1].ids[ids[1].imagesEnd...])
        #expect(tokenizer.decode(Array(ids[1].ids[ids[1].imagesEnd...])) == "hi")
    }
}
