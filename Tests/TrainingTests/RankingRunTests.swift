import Datasets
import Engine
import Foundation
import Images
import Models
import Policies
import Support
import Synchronization
import Tensors
import TestSupport
import Testing
import Tokenizers
import Training

/// Sampling and ranking, with a scripted engine instead of the model.
@Suite struct RankingRunTests {
    private let policy: Policy
    private let tokenizer: Tokenizer

    init() throws {
        tokenizer = try TinyLlama.tokenizer()
        let sizes = try VisionConfiguration(
            imageSize: 16, patchSize: 4, hidden: 16, layers: 1, heads: 2, feedForward: 32, scale: 2, textHidden: 64)
        var random = SplitMix64(seed: 1, stream: 0)
        let encoder = VisionEncoder(
            VisionWeights(configuration: sizes, using: &random), on: Compute(threads: 1))
        policy = Policy(
            name: "sft", generation: 2, adapter: nil,
            vision: .init(generation: 1, encoder: encoder, processor: ImageProcessor(tileSize: 16)),
            template: .chatml, sampling: SamplingParameters(), created: 0)
    }

    private func settings(prompts: Int = 40, _ change: (inout RankingSettings) -> Void = { _ in }) -> RankingSettings {
        var settings = RankingSettings()
        settings.prompts = prompts
        settings.agreementShare = 0.5
        settings.families = [.attributes, .counts]
        change(&settings)
        return settings
    }

    private func run(
        _ folder: URL, _ settings: RankingSettings, engine: any InferenceEngine = Babbler()
    ) throws -> RankingRun {
        let prompts = try RankingPrompts(
            settings: settings, dataset: nil, generator: ImageGenerator(family: Self.image))
        return try RankingRun(
            settings: settings, prompts: prompts,
            sampler: AnswerSampler(engine: engine, tokenizer: tokenizer, policy: policy), inputs: [:],
            folder: folder.path)
    }

    private static let distractor = "sft@2, another picture"

    @Test func strayAnswersAreToAnotherImage() async throws {
        try await withTemporaryFolder { folder in
            let settings = settings(prompts: 8) { $0.samples = 5 }
            _ = try await run(folder, settings, engine: Babbler(seesOnly: true)).run(limit: nil) { _ in }
            let records = try PreferenceRecord.load(path: folder.path + "/rankings.jsonl")
            #expect(records.count == 8)
            for record in records {
                let texts = record.completions.map(\.text)
                #expect(Set(texts[..<3]).count == 1 && Set(texts[3...]).count == 1 && Set(texts).count == 2)
            }
        }
    }

    /// An image of a few shapes, with four questions.
    private static func image(_ family: Family, _ seed: UInt64) -> FamilyImage {
        let drawn = ShapeScene(seed: seed)
        let objects = drawn.objects.compactMap { object in
            SceneShape(rawValue: object.shape.rawValue).flatMap { shape in
                SceneColour(rawValue: object.colour.rawValue).map {
                    SceneObject(kind: .shape(shape), colour: $0, isLarge: nil, box: object.box)
                }
            }
        }
        let scene = Scene(image: drawn.image, objects: objects, mask: drawn.mask)
        let questions = (0..<5).map { index in
            FamilyQuestion(
                family: family, text: "Question \(index)?", answer: "red", form: .short,
                truth: .words(right: ["red"], wrong: ["blue"]))
        }
        return FamilyImage(scene: scene, questions: questions)
    }

    private func files(_ folder: URL) throws -> [Data] {
        try ["samples.jsonl", "rankings.jsonl", "agreement.jsonl", "report.json", "config.json"].map {
            try Data(contentsOf: folder.appending(path: $0))
        }
    }

    @Test func promptsWithDifferentAnswersAreRankedAndTheOthersCounted() async throws {
        try await withTemporaryFolder { folder in
            let run = try run(folder, settings())
            var lines: [String] = []
            let (outcome, report) = try await run.run(limit: nil) { lines.append($0) }
            let records = try PreferenceRecord.load(path: folder.path + "/rankings.jsonl")
            #expect(outcome == .finished && report.humanRankings == 0 && report.total.prompts == 40)
            #expect(records.count == report.total.differing && (1..<40).contains(records.count))
            #expect(Set(records.map(\.id)).count == records.count)
            for record in records {
                #expect(record.completions.count == 4 && Set(record.completions.map(\.text)).count > 1)
                #expect(record.completions.map(\.policy) == ["sft@2", "sft@2", Self.distractor, Self.distractor])
                #expect(record.completions.allSatisfy { $0.tokens.last == 2 })
                #expect(record.labeler.kind == .simulatedRule && record.labeler.id != SimulatedLabeler.heldOut.id)
                guard case .generated(let family, let seed)? = record.image else { throw CancellationError() }
                #expect(SeedSplit(of: seed) == .training && [.attributes, .counts].contains(family))
                let question = Self.image(family, seed).questions[try #require(record.questionIndex)]
                #expect(question.text == record.question && question.form == record.form)
            }
            #expect(Set(records.map(\.labeler.id)).count == 4)
            let agreement = try PreferenceRecord.load(path: folder.path + "/agreement.jsonl")
            #expect(Set(agreement.map(\.labeler.id)).count == 5 && agreement.count % 5 == 0)
            #expect((0.5...1).contains(try #require(report.agreement.share)))
            #expect((0.5...1).contains(try #require(report.heldOutAgreement.share)))
            #expect(try run.records() == records + agreement)
            #expect(lines.contains { $0.contains("prompt 40/40") } && report.lines.contains("human rankings: 0"))
        }
    }

    @Test func aKilledRunGoesOnToTheSameBytes() async throws {
        try await withTemporaryFolder { folder in
            let whole = folder.appending(path: "whole")
            _ = try await run(whole, settings()).run(limit: nil) { _ in }
            let cut = folder.appending(path: "cut")
            await #expect(throws: EngineFailure.stopped) {
                _ = try await run(cut, settings(), engine: Babbler(answers: 70)).run(limit: nil) { _ in }
            }
            let samples = cut.appending(path: "samples.jsonl")
            let torn = try Data(contentsOf: samples) + Data("{\"index\":17,\"can".utf8)
            try torn.write(to: samples)
            let paused = try await run(cut, settings()).run(limit: .zero) { _ in }
            #expect(paused.outcome == .paused(prompts: 17))
            var lines: [String] = []
            let outcome = try await run(cut, settings()).run(limit: nil) { lines.append($0) }.outcome
            #expect(outcome == .finished && lines.first == "rank: going on after prompt 17 of 40")
            #expect(try files(cut) == files(whole))
        }
    }

    @Test(arguments: Family.allCases, [[RankingSettings.YesNo.yes, .no], [.no]])
    func aRunMayAskOnlyWhatIsAnsweredSo(family: Family, only: [RankingSettings.YesNo]) throws {
        let settings = settings {
            $0.families = [family]
            $0.only = only
        }
        let prompts = try RankingPrompts(settings: settings, dataset: nil)
        let asked = try (0..<20).flatMap { try prompts.prompts(ofImage: $0) }
        #expect(asked.count >= 3 * only.count)
        for prompt in asked {
            guard case .yesNo(let isYes) = prompt.task.truth, case .generated(_, let seed) = prompt.task.image,
                only.contains(isYes ? .yes : .no)
            else {
                Issue.record("“\(prompt.task.question)” is answered otherwise")
                continue
            }
            #expect(
                family.image(seed: seed).questions[try #require(prompt.questionIndex)].text == prompt.task.question)
        }
    }

    @Test func validationImagesAreOfTheirSplit() async throws {
        try await withTemporaryFolder { folder in
            _ = try await run(folder, settings(prompts: 8) { $0.split = .validation }).run(limit: nil) { _ in }
            for record in try PreferenceRecord.load(path: folder.path + "/rankings.jsonl") {
                guard case .generated(_, let seed)? = record.image else { throw CancellationError() }
                #expect(SeedSplit(of: seed) == .validation)
            }
        }
    }

    @Test func otherSettingsAndDamagedSamplesAreRefused() async throws {
        try await withTemporaryFolder { folder in
            _ = try await run(folder, settings(prompts: 4)).run(limit: nil) { _ in }
            #expect(throws: RunFolderError.self) { try run(folder, settings(prompts: 4) { $0.seed = 1 }) }
            let samples = folder.appending(path: "samples.jsonl")
            let lines = try String(contentsOf: samples, encoding: .utf8)
            try Data(lines.replacing("\"index\":1", with: "\"index\":2").utf8).write(to: samples)
            await #expect(throws: (any Error).self) {
                _ = try await run(folder, settings(prompts: 4)).run(limit: nil) { _ in }
            }
        }
    }
}

/// Answers decided by the seed, mostly alike, or by the image; stops after a given number of answers.
private final class Babbler: InferenceEngine {
    private let left: Mutex<Int>
    private let seesOnly: Bool

    init(answers: Int = .max, seesOnly: Bool = false) {
        left = Mutex(answers)
        self.seesOnly = seesOnly
    }

    func reserve(hasImages: Bool) throws(AdmissionError) -> Reservation { Reservation {} }

    func submit(_ request: EngineRequest, in place: Reservation) throws(AdmissionError) -> AsyncStream<EngineEvent> {
        let (stream, events) = AsyncStream<EngineEvent>.makeStream()
        defer { events.finish() }
        let goesOn = left.withLock { left in
            left -= 1
            return left >= 0
        }
        guard goesOn else {
            events.yield(.failed(.stopped))
            return stream
        }
        var generator = SplitMix64(seed: request.sampling.seed)
        let words = ["red", "blue", "It is red.", "Perhaps it is a red ring, or it is not.", "green"]
        let drawn = generator.draw(0...9) < 7 ? "red" : generator.draw(from: words)
        let text = seesOnly ? "\(request.images[0].pixels.elements.reduce(0, +))" : drawn
        events.yield(.started)
        events.yield(.text(TextDelta(text: text, tokens: [GeneratedToken(id: Int32(text.count))])))
        events.yield(.finished(Completion(reason: .endToken, tokens: [GeneratedToken(id: 2)], generatedTokens: 2)))
        return stream
    }

    var load: EngineLoad { EngineLoad() }

    func stop() {}
}
