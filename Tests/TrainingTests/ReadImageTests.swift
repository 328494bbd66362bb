import Datasets
import Engine
import Images
import Models
import Policies
import Support
import Tensors
import TestSupport
import Testing
import Tokenizers
import Training

/// Fine-tuning over an encoder that reads the text in images.
@Suite struct ReadImageTests {
    private let compute = Compute(threads: 1)

    private func vision() throws -> Policy.Vision {
        let weights = try VisionWeights.reading("A")
        return Policy.Vision(
            generation: 1, encoder: VisionEncoder(weights, on: compute),
            processor: ImageProcessor(tileSize: 32, maximumTiles: 1, fit: .pad),
            reader: TextReader(weights, on: compute))
    }

    private func format(_ vision: Policy.Vision) throws -> DialogueFormat {
        try DialogueFormat(
            template: .chatml, processor: vision.processor,
            positionsPerTile: vision.encoder.configuration.positionsPerTile, reader: vision.reader,
            tokenizer: TinyLlama.tokenizer())
    }

    private func image(_ seed: UInt64) -> RGBImage {
        var generator = SplitMix64(seed: seed)
        return RGBImage(
            width: 48, height: 32, pixels: (0..<48 * 32 * 3).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    @Test func promptsAreThoseOfServing() throws {
        let (vision, tokenizer) = (try vision(), try TinyLlama.tokenizer())
        let policy = Policy(
            name: "sft", generation: 1, adapter: nil, vision: vision, template: .chatml,
            sampling: SamplingParameters(), created: 0)
        let request = try InputProcessor(tokenizer: tokenizer).request(
            messages: [ChatMessage(role: .user, content: [.image(0), .text("what color?")])],
            images: [.init(image: image(1))], policy: policy)
        let format = try format(vision)
        let prompt = try format.prompt("what color?", image: format.tiled(image(1)).layout)
        let tile = try #require(prompt.tiles.first)
        #expect(request.images.map(\.range) == [tile])
        let ids = prompt.prefix + prompt.question
        #expect(ids[..<tile.lowerBound] == request.prompt[..<tile.lowerBound])
        #expect(ids[tile.upperBound...] == request.prompt[tile.upperBound...])
        // Questions about an image share its text.
        #expect(tokenizer.decode(Array(prompt.prefix[tile.upperBound...])).contains("AAAA"))
        #expect(tokenizer.decode(prompt.question).hasPrefix("what color?"))
    }

    /// Its head for characters would no longer fit an encoder that learns.
    @Test func theEncoderStaysAsItIs() throws {
        var settings = FineTuningSettings()
        settings.steps = 3
        settings.officialImages = 2
        settings.familyImages = 0
        (settings.rank, settings.alpha) = (4, 8)
        (settings.adapterRate, settings.connectorRate, settings.visionRate) = (1e-2, 1e-2, 1e-2)
        let images = (0..<6).map {
            ImageQuestions(image: image($0), questions: [.init(text: "hi", answer: "A", group: "open")])
        }
        var stage = try SupervisedFineTuning(
            base: TinyLlama.frozen(compute: compute), vision: .trained(.reading("A")),
            demonstrations: RepeatedDemonstrations(
                images, heldOut: 2, seed: 0, imagesPerStep: 2, questionsPerImage: 1),
            replay: [], format: format(vision()), settings: settings)
        let before = try #require(stage.vision).parameters
        for step in 0..<3 { _ = try stage.advance(step: step) }
        let after = try #require(stage.vision).parameters
        let moved = zip(before.names, zip(before.tensors, after.tensors))
            .filter { $1.0.elements != $1.1.elements }.map(\.0)
        #expect(moved == ["model.connector.modality_projection.proj.weight"])
    }
}
