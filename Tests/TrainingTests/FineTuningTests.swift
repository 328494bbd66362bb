import Datasets
import Foundation
import Images
import Models
import Support
import Tensors
import TestSupport
import Testing
import Tokenizers
import Training

/// Fine-tuning of the tiny llama on made-up images.
@Suite struct FineTuningTests {
    private let compute = Compute(threads: 2)

    /// A vision model for tiles of 16 pixels, with four tokens per tile.
    private func vision(feedForward: Int = 16) throws -> VisionWeights {
        var generator = SplitMix64(seed: 4, stream: 0)
        let configuration = try VisionConfiguration(
            imageSize: 16, patchSize: 4, hidden: 8, layers: 1, heads: 2, feedForward: feedForward, scale: 2,
            textHidden: 64)
        return VisionWeights(configuration: configuration, using: &generator)
    }

    /// Images whose first channel, their colour, decides the answers.
    private func images(_ count: Int) -> [ImageQuestions] {
        var generator = SplitMix64(seed: 21, stream: 0)
        return (0..<count).map { index in
            let isRed = index % 2 == 0
            let noise = Tensor(normal: 0.1, [256, 3], using: &generator)
            let pixels = noise.elements.enumerated().map { position, noise in
                let level = position % 3 > 0 ? 0 : isRed ? 0.8 : -0.8
                return UInt8(max(0, min(255, (127.5 * (1 + noise + Float(level))).rounded())))
            }
            return ImageQuestions(
                image: RGBImage(width: 16, height: 16, pixels: pixels),
                questions: [
                    .init(text: "what color?", answer: isRed ? "red" : "blue", group: "open"),
                    .init(text: "is it red?", answer: isRed ? "yes" : "no", group: "yes_no"),
                    .init(text: "is it blue?", answer: isRed ? "no" : "yes", group: "yes_no"),
                ])
        }
    }

    private func format() throws -> DialogueFormat {
        try DialogueFormat(
            template: .chatml, processor: ImageProcessor(tileSize: 16), positionsPerTile: 4,
            tokenizer: TinyLlama.tokenizer())
    }

    private func settings(steps: Int) -> FineTuningSettings {
        var settings = FineTuningSettings()
        settings.steps = steps
        settings.officialImages = 3
        settings.familyImages = 0
        settings.questionsPerImage = 2
        settings.rank = 4
        settings.alpha = 8
        settings.adapterRate = 1e-2
        settings.connectorRate = 1e-2
        settings.visionRate = 1e-3
        settings.warmUp = 3
        settings.replayRows = 12
        return settings
    }

    private func demonstrations(_ images: [ImageQuestions]) -> RepeatedDemonstrations {
        RepeatedDemonstrations(images, heldOut: 4, seed: 0, imagesPerStep: 3, questionsPerImage: 2)
    }

    private func stage(steps: Int) throws -> SupervisedFineTuning {
        let tokenizer = try TinyLlama.tokenizer()
        let replay = ["good morning", "one two three four five six"].map {
            ReplayRecord(
                prompt: tokenizer.encode("<|im_start|>user\nhi<|im_end|>\n", special: .recognized),
                reply: tokenizer.encode($0, special: .asText) + [2])
        }
        return try SupervisedFineTuning(
            base: TinyLlama.frozen(compute: compute), vision: .trained(vision()),
            demonstrations: demonstrations(images(16)),
            replay: replay, format: format(), settings: settings(steps: steps))
    }

    private func run(
        _ folder: URL, steps: Int, options: TrainingRun<SupervisedFineTuning>.Options, clock: StepClock = StepClock()
    ) throws -> (outcome: TrainingRun<SupervisedFineTuning>.Outcome, stage: SupervisedFineTuning) {
        let runFolder = try RunFolder(path: folder.path, configuration: settings(steps: steps))
        var run = try TrainingRun(stage: stage(steps: steps), folder: runFolder, options: options) { _ in }
        let outcome = try run.run(clock: clock)
        return (outcome, run.stage)
    }

    @Test func itLearnsWhatImagesShow() throws {
        try withTemporaryFolder { folder in
            let result = try run(folder, steps: 120, options: .init(validationInterval: 0))
            #expect(result.outcome == .finished)
            var stage = result.stage
            let metrics = try stage.validate()
            #expect(metrics.first { $0.name == "accuracy" }?.value == 1)
            #expect(metrics.count == 3)
        }
    }

    /// With a frozen adapter and connector, only the encoder can lower the loss.
    @Test func theEncoderAloneLowersTheLoss() throws {
        var settings = settings(steps: 60)
        (settings.adapterRate, settings.connectorRate, settings.visionRate) = (0, 0, 1e-2)
        var stage = try SupervisedFineTuning(
            base: TinyLlama.frozen(compute: compute), vision: .trained(vision()),
            demonstrations: demonstrations(images(16)), replay: [], format: format(), settings: settings)
        let losses = try (0..<60).map { try stage.advance(step: $0).loss }
        let (first, last) = (losses.prefix(10).reduce(0, +) / 10, losses.suffix(10).reduce(0, +) / 10)
        #expect(last < first - 0.5, "\(first) \(last)")
    }

    @Test func itGoesOnFromAnAdapterAndMovesWhatItSeesWith() throws {
        let first = try stage(steps: 4)
        var trained = first
        for step in 0..<4 { _ = try trained.advance(step: step) }
        let before = try #require(first.vision).parameters
        let trainedVision = try #require(trained.vision)
        let after = trainedVision.parameters
        for (name, (old, new)) in zip(before.names, zip(before.tensors, after.tensors)) {
            // A key's bias shifts all scores of a row equally, so the softmax removes it.
            if !name.hasSuffix("k_proj.bias") { #expect(old.elements != new.elements, "\(name)") }
        }
        let next = try SupervisedFineTuning(
            base: TinyLlama.frozen(compute: compute), vision: .trained(trainedVision),
            start: trained.adapter, demonstrations: demonstrations(images(16)), replay: [], format: format(),
            settings: settings(steps: 4))
        for (one, other) in zip(next.parameters.tensors, trained.parameters.tensors) {
            #expect(one.elements == other.elements)
        }
    }

    @Test func aRunCutInPiecesGivesTheSameBytes() throws {
        try withTemporaryFolder { whole in
            try withTemporaryFolder { pieces in
                let options = TrainingRun<SupervisedFineTuning>.Options(validationInterval: 4)
                #expect(try run(whole, steps: 10, options: options).outcome == .finished)

                var limited = options
                limited.timeLimit = .seconds(4)
                #expect(try run(pieces, steps: 10, options: limited).outcome == .paused(step: 4))
                try tear(pieces)
                #expect(try run(pieces, steps: 10, options: limited).outcome == .paused(step: 8))
                #expect(try run(pieces, steps: 10, options: options).outcome == .finished)
                for name in ["checkpoint.safetensors", "log.jsonl", "loss.svg", "config.json"] {
                    let one = try Data(contentsOf: whole.appendingPathComponent(name))
                    let other = try Data(contentsOf: pieces.appendingPathComponent(name))
                    #expect(one == other, "\(name)")
                    #expect(!one.isEmpty)
                }
            }
        }
    }

    /// Leaves the folder like a killed run: with lines after the checkpoint, the last of them incomplete.
    private func tear(_ folder: URL) throws {
        let log = folder.appendingPathComponent("log.jsonl")
        let text = try String(contentsOf: log, encoding: .utf8)
        try (text + "{\"step\":5,\"loss\":1.5}\n{\"step\":6,\"lo").write(to: log, atomically: true, encoding: .utf8)
    }

    @Test func textIsHeldToTheBaseModel() throws {
        var stage = try stage(steps: 40)
        func divergence(_ report: StepReport) -> Double? {
            report.metrics.first { $0.name == "loss_replay" }?.value
        }
        #expect(abs(try #require(divergence(stage.advance(step: 0)))) < 1e-5)
        let later = try (1..<40).compactMap { divergence(try stage.advance(step: $0)) }
        #expect(later.count == 39 && later.allSatisfy { $0 >= -1e-5 } && later.contains { $0 > 1e-3 })
    }

    @Test func excerptsHaveTheBeginningOrTheEndOfAReply() {
        let record = ReplayRecord(prompt: Array(100..<110), reply: Array(200..<230))
        let whole = ReplayExcerpt(record, limit: 40, turn: 1)
        #expect(whole.tokens == record.prompt + record.reply && whole.replyStart == 10)
        #expect(whole.weights.enumerated().filter { $1 > 1 }.map(\.offset) == Array(10..<18) + [39])
        let beginning = ReplayExcerpt(record, limit: 20, turn: 0)
        #expect(beginning.tokens == Array(whole.tokens.prefix(20)) && beginning.replyStart == 10)
        #expect(beginning.weights == Array(whole.weights.prefix(20)))
        let end = ReplayExcerpt(record, limit: 20, turn: 1)
        #expect(end.tokens == Array(whole.tokens.suffix(20)) && end.replyStart == 0)
        #expect(end.weights == Array(whole.weights.suffix(20)))
    }

    /// The clock advances by half a second with each reading, so that all steps take equally long.
    @Test func aStepThatWouldEndTooLateIsNotBegun() throws {
        try withTemporaryFolder { folder in
            let clock = StepClock()
            let limit = Duration.seconds(30)
            let began = clock.now
            let options = TrainingRun<SupervisedFineTuning>.Options(timeLimit: limit, validationInterval: 0)
            guard case .paused(let step) = try run(folder, steps: 60, options: options, clock: clock).outcome else {
                Issue.record("the run was not paused")
                return
            }
            #expect(step > 1)
            let elapsed = began.duration(to: clock.now)
            #expect(elapsed >= limit * 0.9 && elapsed <= limit * 1.1, "\(elapsed)")
        }
    }

    @Test func aFolderWhoseRunHasNotBegunTakesOtherSettings() throws {
        try withTemporaryFolder { folder in
            _ = try RunFolder(path: folder.path, configuration: settings(steps: 10))
            _ = try RunFolder(path: folder.path, configuration: settings(steps: 11))
            try Data().write(to: folder.appending(path: "log.jsonl"))
            #expect(throws: RunFolderError.self) {
                _ = try RunFolder(path: folder.path, configuration: settings(steps: 12))
            }
        }
    }

    @Test func aFolderHasOneOpenRun() throws {
        try withTemporaryFolder { folder in
            let first = try RunFolder(path: folder.path, configuration: settings(steps: 10))
            let error = #expect(throws: RunFolderError.self) {
                _ = try RunFolder(path: folder.path, configuration: settings(steps: 10))
            }
            #expect(error == .taken(path: folder.path))
            #expect(error?.description.hasPrefix("\(folder.path): a run is going on in this folder; wait ") == true)
            withExtendedLifetime(first) {}
        }
        try withTemporaryFolder { folder in
            for _ in 0..<3 { _ = try RunFolder(path: folder.path, configuration: settings(steps: 10)) }
        }
    }

    @Test func anotherSettingIsRefusedByName() throws {
        try withTemporaryFolder { folder in
            _ = try RunFolder(path: folder.path, configuration: settings(steps: 10))
            try Data().write(to: folder.appending(path: "log.jsonl"))
            var other = settings(steps: 10)
            other.optimizer.beta2 = 0.99
            #expect {
                _ = try RunFolder(path: folder.path, configuration: other)
            } throws: {
                guard case RunFolderError.otherConfiguration(_, let field, _, _) = $0 else { return false }
                return field == "optimizer.beta2"
            }
        }
    }

    @Test func aCheckpointOfOtherShapesIsRefused() throws {
        try withTemporaryFolder { folder in
            _ = try run(folder, steps: 2, options: .init(validationInterval: 0))
            let runFolder = try RunFolder(path: folder.path, configuration: settings(steps: 2))
            let other = try SupervisedFineTuning(
                base: TinyLlama.frozen(compute: compute), vision: .trained(vision(feedForward: 24)),
                demonstrations: demonstrations(images(16)), replay: [], format: format(),
                settings: settings(steps: 2))
            #expect(throws: RunFolderError.self) {
                _ = try TrainingRun(stage: other, folder: runFolder, options: .init()) { _ in }
            }
        }
    }
}

/// A clock that advances by half a second with each reading.
final class StepClock: Clock, @unchecked Sendable {
    // Sendable: only one test's thread reads it.
    struct Instant: InstantProtocol {
        var offset: Duration
        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (a: Instant, b: Instant) -> Bool { a.offset < b.offset }
    }

    private var reads = 0
    var now: Instant {
        reads += 1
        return Instant(offset: .milliseconds(500 * reads))
    }
    var minimumResolution: Duration { .milliseconds(500) }
    func sleep(until deadline: Instant, tolerance: Duration?) async throws {}
}
