import Engine
import Foundation
import Images
import Models
import Policies
import Support
import Tensors
import TestSupport
import Testing
import Tokenizers
import Training

/// Training over a base model with a template, tiles and vision of its own.
@Suite struct OwnVisionTests {
    private let compute = Compute(threads: 2)

    /// Turns in the style of SmolVLM, with the image before the text.
    private static let template = """
        <|im_start|>{% for message in messages %}{{ message.role | capitalize }}:\
        {% for part in message.content %}{{ '<image>' if part.type == 'image' else part.text }}{% endfor %}\
        <|im_end|>\\n{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}
        """

    private func template(_ source: String = Self.template) throws -> ChatTemplate {
        try ChatTemplate(jinja: source, specialTokens: [:])
    }

    /// Vision that stays as it is: tiles of 16 pixels with four embeddings each, up to 4 × 4 of them and the whole.
    private func vision() throws -> Policy.Vision {
        var generator = SplitMix64(seed: 4, stream: 0)
        let sizes = try VisionConfiguration(
            imageSize: 16, patchSize: 4, hidden: 8, layers: 1, heads: 2, feedForward: 16, scale: 2, textHidden: 64)
        return Policy.Vision(
            generation: 0, encoder: VisionEncoder(VisionWeights(configuration: sizes, using: &generator), on: compute),
            processor: ImageProcessor(Idefics3Tiling(tileSize: 16, longestEdge: 64)))
    }

    private func format(_ vision: Policy.Vision, template source: String = Self.template) throws -> DialogueFormat {
        try DialogueFormat(
            template: template(source), processor: vision.processor,
            positionsPerTile: vision.encoder.configuration.positionsPerTile, tokenizer: TinyLlama.tokenizer())
    }

    /// An image of one colour, red or blue, in one of several sizes.
    private func image(_ number: Int) -> RGBImage {
        let (width, height) = [(16, 16), (40, 24), (20, 64)][number / 2 % 3]
        return number % 2 == 0
            ? RGBImage(width: width, height: height, red: 250, green: 20, blue: 20)
            : RGBImage(width: width, height: height, red: 20, green: 20, blue: 250)
    }

    @Test(arguments: 0..<6) func promptsAreThoseOfServing(number: Int) throws {
        let vision = try vision()
        let policy = Policy(
            name: "sft", generation: 1, adapter: nil, vision: vision, template: try template(),
            sampling: SamplingParameters(), created: 0)
        let image = image(number)
        let request = try InputProcessor(tokenizer: TinyLlama.tokenizer()).request(
            messages: [ChatMessage(role: .user, content: [.image(0), .text("what color?")])],
            images: [.init(image: image)], policy: policy)
        let format = try format(vision)
        let prompt = try format.prompt("what color?", image: format.tiled(image).layout)
        let spans = request.images.map(\.range)
        #expect(prompt.tiles == spans && spans.count == [1, 7, 9][number / 2 % 3])
        let ids = prompt.prefix + prompt.question
        #expect(ids.count == request.prompt.count)
        for (position, id) in ids.enumerated() where !spans.contains(where: { $0.contains(position) }) {
            #expect(id == request.prompt[position])
        }
        #expect(format.tiled(image).pixels.shape == [spans.count, 3, 16, 16])
    }

    /// The vocabulary's own end token is `<|im_end|>`.
    @Test(arguments: ["<|im_end|>", "<|endoftext|>"])
    func scoredAnswersEndWithTheTemplatesTurnAsTrainedOnesDo(end: String) throws {
        let source = Self.template.replacingOccurrences(of: "<|im_end|>\\n", with: end + "\\n")
        let (vision, tokenizer) = (try vision(), try TinyLlama.tokenizer())
        let policy = Policy(
            name: "reward", generation: 1, adapter: nil, vision: vision, template: try template(source),
            textTemplate: .chatml, sampling: SamplingParameters(), created: 0)
        let processor = InputProcessor(tokenizer: tokenizer)
        func served(_ content: [ChatMessage.Part]) throws -> [Int32] {
            let request = try processor.request(
                messages: [ChatMessage(role: .user, content: content)],
                images: content.count > 1 ? [.init(image: image(0))] : [], policy: policy)
            return processor.answer("red", to: request)
        }
        let trained = try format(vision, template: source).answer("red")
        #expect(trained.last == tokenizer.id(ofControl: end))
        #expect(try served([.image(0), .text("what color?")]) == trained)
        #expect(try served([.text("what color?")]).last == tokenizer.id(ofControl: "<|im_end|>"))
    }

    @Test func aTemplateWithTheQuestionFirstIsRefused() throws {
        let source = Self.template.replacingOccurrences(of: "in message.content", with: "in message.content | reverse")
        #expect(throws: DialogueFormat.Failure.questionBeforeImage) { try format(vision(), template: source) }
    }

    @Test func aTemplateForTextIsRefused() throws {
        let source = Self.template.replacingOccurrences(of: "'<image>'", with: "''")
        #expect(throws: ChatTemplateError.self) { try format(vision(), template: source) }
    }

    private func stage(steps: Int) throws -> SupervisedFineTuning {
        var settings = FineTuningSettings()
        settings.steps = steps
        settings.officialImages = 3
        settings.familyImages = 0
        settings.questionsPerImage = 2
        settings.rank = 4
        settings.alpha = 8
        settings.adapterRate = 1e-2
        settings.warmUp = 3
        let images = (0..<16).map { number in
            let color = number % 2 == 0 ? "red" : "blue"
            return ImageQuestions(
                image: image(number),
                questions: [
                    .init(text: "what color?", answer: color, group: "open"),
                    .init(text: "is it red?", answer: color == "red" ? "yes" : "no", group: "yes_no"),
                ])
        }
        let vision = try vision()
        return SupervisedFineTuning(
            base: try TinyLlama.frozen(compute: compute), vision: .frozen(vision.encoder),
            demonstrations: RepeatedDemonstrations(
                images, heldOut: 4, seed: 0, imagesPerStep: 3, questionsPerImage: 2),
            replay: [], format: try format(vision), settings: settings)
    }

    @Test func theAdapterAloneLearns() throws {
        var stage = try stage(steps: 60)
        #expect(stage.vision == nil && stage.parameters.names.allSatisfy { $0.hasPrefix("adapter.") })
        let losses = try (0..<60).map { try stage.advance(step: $0).loss }
        let (first, last) = (losses.prefix(5).reduce(0, +) / 5, losses.suffix(5).reduce(0, +) / 5)
        #expect(last < first - 1, "\(first) \(last)")
        let once = try stage.validate()
        #expect(once.map(\.name) == ["accuracy", "accuracy_open", "accuracy_yes_no"])
        #expect(try stage.validate().map(\.value) == once.map(\.value))
    }

    @Test func aFinishedRunIsPublishedWithoutVision() throws {
        try withTemporaryFolder { folder in
            let run = folder.appending(path: "run").path
            try TinyRun.fineTuning(to: run, template: .model)
            try FileManager.default.removeItem(atPath: "\(run)/model.safetensors")
            let policies = folder.appending(path: "policies").path
            let finished = try FinishedFineTuning(folder: run)
            #expect(finished.vision == nil && finished.digests.vision == nil)
            let published = try finished.publish(.init(generation: 1), in: policies, at: TinyRun.time)
            #expect(published.vision == nil)
            let manifest = published.policy.manifest
            #expect(manifest.chatTemplate == .model && manifest.textTemplate == nil)
            #expect(manifest.vision == nil && manifest.image == nil && manifest.seesAsBase)
            let basis = try PolicyBasis(published.policy)
            #expect(basis.vision == nil && basis.image == nil && basis.template == .model)
        }
    }
}
