import Checkpoints
import Datasets
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

/// The whole stage on the tiny llama, from files to a published reward model.
@Suite struct RewardModelingJobTests {
    private let compute = Compute(threads: 2)
    private let time = Date(timeIntervalSince1970: 1_800_000_000)

    /// An image that is blue if `number` is odd, else red.
    private func image(_ number: UInt64) -> RGBImage {
        number % 2 == 0
            ? RGBImage(width: 32, height: 32, red: 255, green: 0, blue: 0)
            : RGBImage(width: 32, height: 32, red: 0, green: 0, blue: 255)
    }

    private func settings() -> RewardModelingSettings {
        var settings = TinyRankings.settings()
        settings.heldOutImages = 8
        return settings
    }

    /// The inputs of a run: a policy `sft` with vision in `folder`/policies, and rankings of `count` images.
    private func inputs(in folder: URL, count: Int = 24) throws -> RankingInputs {
        let base = try TinyLlama.file().path
        let backbone = try FileDigest(path: base).sha256
        let policies = folder.appending(path: "policies").path
        var generator = SplitMix64(seed: 1, stream: 0)
        let sizes = try VisionConfiguration(
            imageSize: 32, patchSize: 8, hidden: 8, layers: 1, heads: 2, feedForward: 16, scale: 2,
            textHidden: TinyLlama.configuration.hidden)
        let weights = VisionWeights(configuration: sizes, using: &generator)
        let vision = try PolicyFolder.publish(
            PolicyManifest(name: "vision", generation: 3, backbone: backbone, created: time, creator: "test"),
            in: policies
        ) { try weights.write(to: "\($0)/model.safetensors", as: .bfloat16) }
        let policy = try PolicyFolder.publish(
            PolicyManifest(
                name: "sft", generation: 2, backbone: backbone, created: time, creator: "test",
                vision: .init(name: "vision", generation: 3), chatTemplate: .chatml,
                image: .init(tileSize: 32, maximumTiles: 1, fit: .stretch)), in: policies
        ) { try PEFTAdapter(TinyRankings.adapter()).write(to: $0, as: .bfloat16) }
        let rankings = folder.appending(path: "rankings.jsonl")
        try (0..<count).map { try record($0).line() }.reduce(Data(), +).write(to: rankings)
        return .init(
            baseModel: try ModelCheckpoint(path: base), policy: policy, vision: vision, rankings: rankings.path,
            heldOut: nil,
            image: { reference in
                guard case .generated(_, let seed) = reference else { preconditionFailure("a generated picture") }
                return image(seed)
            }, demonstration: { $0.questionIndex.map { .init(["red", "blue"][$0 % 2]) } })
    }

    private func record(
        _ number: Int, split: SeedSplit = .training, labeler: PreferenceRecord.Labeler? = nil
    ) -> PreferenceRecord {
        let tiny = TinyRankings.record(number)
        return PreferenceRecord(
            id: "\(split.rawValue) \(number)",
            image: .generated(family: number % 3 == 0 ? .counts : .attributes, seed: split.seed(at: UInt64(number))),
            question: tiny.question, questionIndex: number % 2, completions: tiny.completions, tiers: tiny.tiers,
            labeler: labeler ?? tiny.labeler, seed: tiny.seed)
    }

    private func run(
        _ inputs: RankingInputs, in folder: URL, limit: Duration? = nil
    ) throws -> TrainingRun<RewardModeling>.Outcome {
        try RewardModelingJob(inputs: inputs, settings: settings(), folder: folder.path).run(
            precision: .float32, compute: compute, options: .init(timeLimit: limit, validationInterval: 0),
            clock: StepClock()
        ) { _ in }
    }

    @Test func aFinishedRunIsPublishedWithItsLineage() throws {
        try withTemporaryFolder { folder in
            let inputs = try inputs(in: folder)
            let runFolder = folder.appending(path: "run")
            #expect(try run(inputs, in: runFolder, limit: .seconds(1)) == .paused(step: 1))
            let unfinished = #expect(throws: FinishedRunError.self) {
                try FinishedRewardModeling(folder: runFolder.path)
            }
            #expect(unfinished?.description.contains("`apus train reward --run \(runFolder.path)`") == true)
            #expect(try run(inputs, in: runFolder) == .finished)

            let report = try JSONDecoder().decode(
                RewardReport.self, from: Data(contentsOf: runFolder.appending(path: "evaluation.json")))
            #expect(report.evaluation.all.pairs == 8 * 5 && report.normalization.samples == 8 * 4)
            #expect(report.evaluation.families.keys.sorted() == ["attributes", "counts"])
            let policies = folder.appending(path: "policies").path
            let published = try FinishedRewardModeling(folder: runFolder.path)
                .publish(generation: 1, metrics: ["gold": 0.5], in: policies, at: time)
            let manifest = published.manifest
            #expect(manifest.name == "reward" && manifest.parent == .init(name: "sft", generation: 2))
            #expect(manifest.vision == .init(name: "vision", generation: 3) && manifest.chatTemplate == .chatml)
            #expect(manifest.image == inputs.policy.manifest.image)
            #expect(
                manifest.files.keys.sorted()
                    == ["adapter_config.json", "adapter_model.safetensors", "head.safetensors"])
            let rankings = try #require(inputs.rankings)
            #expect(try manifest.data == ["rankings": FileDigest(path: rankings).sha256])
            #expect(manifest.metrics["accuracy"] == report.evaluation.all.accuracy)
            #expect(manifest.metrics["gain"] == report.normalization.gain && manifest.metrics["gold"] == 0.5)

            let path = try #require(published.file("head.safetensors"))
            let head = try RewardHead(path: path, hidden: TinyLlama.configuration.hidden)
            let metadata = try SafetensorsFile(path: path).metadata
            #expect(metadata["gain"] == "\(report.normalization.gain)")
            let expected = -report.normalization.gain * report.normalization.shift
            #expect(abs(Double(head.score.bias.elements[0]) - expected) < 1e-5 * max(1, abs(expected)))
        }
    }

    @Test(arguments: PreferenceMethod.allCases)
    func aPolicyIsTrainedOnFeedbackAndPublished(method: PreferenceMethod) throws {
        try withTemporaryFolder { folder in
            var inputs = try inputs(in: folder, count: 20)
            // Two people's rankings of images that no rule ranked.
            let people = (20..<22).map {
                record($0, labeler: .init(kind: .human, id: "anna"))
            }
            inputs.feedback = folder.appending(path: "feedback.jsonl").path
            inputs.feedbackWeight = 3
            try people.map { try $0.line() }.reduce(Data(), +)
                .write(to: folder.appending(path: "feedback.jsonl"))
            var settings = PreferenceSettings()
            settings.method = method
            settings.promptsPerStep = 8
            settings.heldOutImages = 4
            let runFolder = folder.appending(path: "run").path
            if method == .kto {
                let thumbs = (0..<3).map { number in
                    UnpairedPreference.Answer(
                        line: number, image: nil, question: "hi", answer: "red", isGood: number > 0, labeler: "ben")
                }
                inputs.thumbs = (inputs.feedback ?? "", thumbs)
            }
            var lines: [String] = []
            let outcome = try PreferenceJob(inputs: inputs, replay: nil, settings: settings, folder: runFolder).run(
                precision: .float32, compute: compute, options: .init(validationInterval: 0), clock: StepClock()
            ) { lines.append($0) }
            #expect(outcome == .finished)
            #expect(lines.contains { $0.contains("2 rankings by people, 20 by simulated rules") })

            let stage = try TrainedStage(ofRun: runFolder)
            #expect(stage == method.stage)
            if method == .kto { #expect(lines.contains { $0.hasSuffix(", 3 thumbs") }) }
            let policies = folder.appending(path: "policies").path
            let finished = try FinishedPreferences(folder: runFolder, stage: stage)
            let parent = try finished.checkLineage(in: PolicyLibrary(published: nil, shipped: policies))
            #expect(parent.vision == finished.digests.vision && parent.adapter != finished.digests.adapter)
            let manifest = try finished.publish(generation: 1, in: policies, at: time).manifest
            #expect(manifest.name == method.rawValue && manifest.parent == .init(name: "sft", generation: 2))
            #expect(manifest.vision == .init(name: "vision", generation: 3) && manifest.value == nil)
            #expect(manifest.metrics["rankings_human"] == 2 && manifest.metrics["rankings_simulated"] == 20)
            #expect(
                manifest.data.keys.sorted() == ["feedback", "policy", "rankings"] + (method == .kto ? ["thumbs"] : [])
                    + ["visionModel"])
        }
    }

    @Test func feedbackMayNotRankWhatTheRankingsRank() throws {
        try withTemporaryFolder { folder in
            var inputs = try inputs(in: folder)
            inputs.feedback = inputs.rankings
            let error = #expect(throws: RankedAnswersError.self) {
                _ = try run(inputs, in: folder.appending(path: "run"))
            }
            #expect(error?.description.contains("comparison training 0") == true)
        }
    }

    @Test func rankingsMayBeHeldOutInAFileOfTheirOwn() throws {
        try withTemporaryFolder { folder in
            var inputs = try inputs(in: folder)
            let file = folder.appending(path: "held-out.jsonl")
            inputs.heldOut = file.path
            let rule = SimulatedLabeler.heldOut.labeler
            let others = (0..<3).map { record($0, split: .validation, labeler: rule) }
            try ((0..<5).map { record($0, split: .validation) } + others)
                .map { try $0.line() }.reduce(Data(), +).write(to: file)
            let runFolder = folder.appending(path: "run")
            #expect(try run(inputs, in: runFolder) == .finished)
            let report = try JSONDecoder().decode(
                RewardReport.self, from: Data(contentsOf: runFolder.appending(path: "evaluation.json")))
            #expect(report.evaluation.all.pairs == (8 + 5 + 3) * 5)
            #expect(report.evaluation.labelers.mapValues(\.pairs) == ["test": (8 + 5) * 5, rule.id: 3 * 5])
        }
    }

    @Test func nothingIsTrainedOnTheLabelerThatIsComparedWith() throws {
        try withTemporaryFolder { folder in
            var inputs = try inputs(in: folder)
            let file = folder.appending(path: "compared.jsonl")
            try (0..<24).map { try record($0, labeler: SimulatedLabeler.heldOut.labeler).line() }
                .reduce(Data(), +).write(to: file)
            inputs.rankings = file.path
            #expect(throws: RankedAnswersError.self) { try run(inputs, in: folder.appending(path: "run")) }
        }
    }

    @Test func imagesOfAnotherSplitAreRefused() throws {
        try withTemporaryFolder { folder in
            var inputs = try inputs(in: folder)
            let file = folder.appending(path: "test.jsonl")
            try record(1, split: .test).line().write(to: file)
            var (rankings, heldOut) = (inputs, inputs)
            rankings.rankings = file.path
            heldOut.heldOut = file.path
            for bad in [rankings, heldOut] {
                let error = #expect(throws: RankedAnswersError.self) {
                    try run(bad, in: folder.appending(path: UUID().uuidString))
                }
                guard case .split(_, _, .test) = error else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
            }
            // With the same comparison in both files, it would be both held out and trained on.
            inputs.heldOut = inputs.rankings
            #expect(throws: RankedAnswersError.self) { try run(inputs, in: folder.appending(path: "twice")) }
        }
    }
}
