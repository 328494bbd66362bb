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
}
