import Checkpoints
import Datasets
import Engine
import Foundation
import Models
import Policies
import Tensors
import TestSupport
import Testing
import Tokenizers
import Training

/// The whole recipe on a tiny random model and generated images: demonstrations, rankings of sampled answers, a reward
/// model, PPO. `make rlhf-smoke` runs it. The learned weights mean nothing; the test shows that each stage can read the
/// results of the one before.
/// does.
@Suite struct RLHFSmokeTests {
    @Test func everyStageTakesWhatTheLastOneMade() async throws {
        try await onOwnThread {
            try withTemporaryFolder { folder in
                let world = try TinyPPO()
                let prompts = GeneratedPrompts(
                    seed: 5, kinds: [.family(.counts), .family(.descriptions)], images: 4, questions: 2)
                let (sft, sampler) = try Self.fineTuned(world, in: folder)
                let answered = try sampler.sample(
                    try prompts.images(of: 0), adapter: sft, generation: 1, answers: 4, maximumTokens: 8,
                    seed: { UInt64($0) })
                let reward = try Self.rewardModel(world, sft: sft, ranked: Self.rankings(of: answered), in: folder)
                let (first, last) = try Self.optimized(
                    world, sft: sft, sampler: sampler, reward: reward, prompts: prompts, in: folder)
                #expect(first.contains(#""first_ratio_distance":0.0"#) && first.contains(#""kl":0.0"#))
                #expect(last.contains(#""step":3"#))
            }
        }
    }

    /// Demonstrations with the families' own answers.
    private static func fineTuned(
        _ world: TinyPPO, in folder: URL
    ) throws -> (adapter: LowRankAdapter, sampler: RolloutSampler) {
        let images = (0..<8).map { seed in
            let image = Family.counts.image(seed: UInt64(seed))
            return ImageQuestions(
                image: image.scene.image,
                questions: image.questions.map { .init(text: $0.text, answer: $0.answer, group: "counts") })
        }
        var settings = FineTuningSettings()
        settings.steps = 4
        settings.rank = 4
        settings.alpha = 8
        let stage = SupervisedFineTuning(
            base: world.base, vision: .trained(world.vision),
            demonstrations: RepeatedDemonstrations(
                images, heldOut: 2, seed: 0, imagesPerStep: 2, questionsPerImage: 2),
            replay: [], format: try format(world), settings: settings)
        let tuned = try finished(stage, settings, in: folder.appendingPathComponent("sft"))
        return (tuned.adapter, world.sampler(seeing: try #require(tuned.vision)))
    }

    private static func format(_ world: TinyPPO) throws -> DialogueFormat {
        let sizes = world.vision.configuration
        return try DialogueFormat(
            template: .chatml, processor: ImageProcessor(tileSize: sizes.imageSize),
            positionsPerTile: sizes.positionsPerTile, tokenizer: world.tokenizer)
    }

    /// Each question's answers, ranked by a rule that distinguishes random answers: by their first tokens.
    private static func rankings(of images: [AnsweredImage]) throws -> [(RankedAnswers, Tensor)] {
        try images.flatMap { image in
            let records = image.questions.enumerated().map { index, question in
                let first = question.answers.map { $0.tokens[0] }
                return PreferenceRecord(
                    id: "\(image.prompts.reference)-\(index)", image: image.prompts.reference,
                    question: question.text,
                    completions: question.answers.map {
                        .init(
                            text: $0.text.isEmpty ? "-" : $0.text, tokens: $0.tokens, policy: "sft@1",
                            finishReason: $0.ended ? .stop : .length)
                    },
                    tiers: Set(first).sorted().map { token in first.indices.filter { first[$0] == token } },
                    labeler: .init(kind: .simulatedRule, id: "first-token"), seed: 0)
            }
            return try RankedAnswers.comparisons(of: records).map { ($0, image.embeddings) }
        }
    }

    private static func rewardModel(
        _ world: TinyPPO, sft: LowRankAdapter, ranked: [(RankedAnswers, Tensor)], in folder: URL
    ) throws -> RewardModel {
        let reader = RankedPromptReader(
            format: try format(world), vocabulary: world.base.configuration.vocabulary)
        let prompts = try ranked.map { try reader.prompt(of: $0, image: TinyRankings.encoded($1)) }
        var settings = RewardModelingSettings()
        settings.heldOutImages = 1
        settings.promptsPerStep = 2
        let stage = try RewardModeling(base: world.base, adapter: sft, prompts: prompts, settings: settings)
        return try finished(stage, settings, in: folder.appendingPathComponent("reward")).model
    }

    /// The first and the last line of the run's log.
    private static func optimized(
        _ world: TinyPPO, sft: LowRankAdapter, sampler: RolloutSampler, reward: RewardModel, prompts: GeneratedPrompts,
        in folder: URL
    ) throws -> (first: Substring, last: Substring) {
        var settings = TinyPPO.settings
        settings.iterations = 3
        let stage = ProximalPolicyOptimization(
            base: world.base, reference: sft, value: ValueModel(startingFrom: reward),
            sampler: sampler, scorer: RewardModelScorer(reward), prompts: prompts, replay: [],
            settings: settings)
        let place = folder.appendingPathComponent("ppo")
        _ = try finished(stage, settings, in: place)
        let log = try String(contentsOf: place.appendingPathComponent("log.jsonl"), encoding: .utf8)
        let lines = log.split(separator: "\n")
        return (try #require(lines.first), try #require(lines.last))
    }

    private static func finished<Stage: TrainingStage>(
        _ stage: Stage, _ settings: some Encodable, in folder: URL
    ) throws -> Stage {
        var run = try TrainingRun(
            stage: stage, folder: RunFolder(path: folder.path, configuration: settings),
            options: .init(validationInterval: 0)
        ) { _ in }
        #expect(try run.run() == .finished)
        return run.stage
    }
}
