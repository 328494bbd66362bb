import Datasets
import Foundation
import Models
import Support
import Tensors
import TestSupport
import Testing
import Training

/// Reward modeling of the tiny llama on made-up rankings.
@Suite struct RewardModelingTests {
    private let compute = Compute(threads: 2)

    private func stage(
        _ images: Range<Int>, _ settings: RewardModelingSettings = TinyRankings.settings()
    ) throws -> RewardModeling {
        try RewardModeling(
            base: TinyLlama.frozen(compute: compute), adapter: TinyRankings.adapter(),
            prompts: TinyRankings.prompts(images), settings: settings)
    }

    private func trained(
        _ images: Range<Int>, _ settings: RewardModelingSettings = TinyRankings.settings()
    ) throws -> RewardModeling {
        var stage = try stage(images, settings)
        for step in 0..<stage.steps { _ = try stage.advance(step: step) }
        return stage
    }

    private func model(seed: UInt64) throws -> RewardModel {
        var generator = SplitMix64(seed: seed, stream: 0)
        let fresh = TinyRankings.adapter(seed: seed)
        let adapter = LowRankAdapter(
            rank: fresh.rank, alpha: fresh.alpha,
            layers: fresh.layers.map {
                $0.mapValues { .init(a: $0.a, b: Tensor(normal: 0.2, $0.b.shape, using: &generator)) }
            })
        return RewardModel(
            base: try TinyLlama.frozen(compute: compute), adapter: adapter,
            head: RewardHead(
                score: ScalarHead(starting: TinyLlama.configuration.hidden, using: &generator), logProbWeight: 0.3))
    }

    @Test func itLearnsARuleThatOnlyImagesDecide() throws {
        let stage = try trained(0..<500)
        #expect(stage.steps == 60)
        let evaluation = RewardEvaluation(
            stage.model, heldOut: stage.heldOut, blank: Tensor(zeros: [1, TinyLlama.configuration.hidden]))
        #expect(evaluation.all.pairs == 20 * 5)
        #expect(evaluation.all.accuracy > 0.95 && evaluation.all.loss < 0.2)
        #expect(evaluation.families.keys.sorted() == ["easy-vqa"])
        #expect(evaluation.blind.pairs == 100 && evaluation.blind.accuracy < 0.75)
        #expect(evaluation.calibration.reduce(0) { $0 + $1.pairs } == 100)
        #expect(evaluation.calibration.allSatisfy { (0.5...1).contains($0.predicted) })
        #expect(evaluation.calibrationError < 0.15)
    }

    @Test func shuffledRankingsTeachNothing() throws {
        var settings = TinyRankings.settings()
        settings.shufflesRankings = true
        settings.heldOutImages = 100
        var stage = try trained(0..<400, settings)
        // What it learned does not hold for new images: ln 2 is the loss of a model that knows nothing.
        let loss = try #require(stage.validate().first { $0.name == "loss_held_out" }?.value)
        #expect(loss > 0.6)
    }

    @Test func aRunCutInPiecesGivesTheSameBytes() throws {
        func run(
            _ folder: URL, limit: Duration?
        ) throws -> TrainingRun<RewardModeling>.Outcome {
            let runFolder = try RunFolder(path: folder.path, configuration: TinyRankings.settings())
            var run = try TrainingRun(
                stage: stage(0..<84), folder: runFolder, options: .init(timeLimit: limit, validationInterval: 3)
            ) { _ in }
            return try run.run(clock: StepClock())
        }
        try withTemporaryFolder { whole in
            try withTemporaryFolder { pieces in
                #expect(try run(whole, limit: nil) == .finished)
                #expect(try run(pieces, limit: .seconds(3)) == .paused(step: 3))
                #expect(try run(pieces, limit: .seconds(3)) == .paused(step: 6))
                #expect(try run(pieces, limit: nil) == .finished)
                for name in ["checkpoint.safetensors", "log.jsonl", "loss.svg", "config.json"] {
                    let one = try Data(contentsOf: whole.appendingPathComponent(name))
                    #expect(try one == Data(contentsOf: pieces.appendingPathComponent(name)), "\(name)")
                    #expect(!one.isEmpty)
                }
            }
        }
    }

    @Test func aPackedTreeEqualsItsAnswersOneByOne() throws {
        let model = try model(seed: 5)
        // Two questions about each image, so that a tree has two levels of branches.
        let reader = try TinyRankings.reader()
        let prompts = try (0..<3).flatMap { number in
            try ["what color?", "and what color is it now?"].map { question in
                let record = TinyRankings.record(number)
                let asked = PreferenceRecord(
                    id: "\(number) \(question)", image: record.image, question: question,
                    completions: record.completions, tiers: record.tiers, labeler: record.labeler, seed: 0)
                return try reader.prompt(
                    of: RankedAnswers.comparisons(of: [asked])[0],
                    image: TinyRankings.encoded(TinyRankings.embeddings(number)))
            }
        }
        let packed = model.rewards(of: prompts)
        #expect(packed.count == 6 && packed.allSatisfy { $0.count == 4 })
        for (prompt, rewards) in zip(prompts, packed) {
            for (answer, reward) in rewards.enumerated() {
                let alone = model.rewards(of: [prompt.keeping([answer])])[0][0]
                #expect(abs(alone - reward) < 1e-5)
            }
        }
        // If all rewards were equal, the comparison would prove nothing.
        let all = packed.joined()
        #expect((all.max() ?? 0) - (all.min() ?? 0) > 0.1)
    }

    @Test func theOrderOfAnswersChangesNothing() throws {
        let model = try model(seed: 6)
        let prompts = try TinyRankings.prompts(0..<4)
        let order = [2, 0, 3, 1]
        let before = model.gradients(of: prompts)
        let after = model.gradients(of: prompts.map { $0.keeping(order) })
        #expect(abs(before.loss - after.loss) < 1e-6)
        for (one, other) in zip(before.rewards, after.rewards) {
            for (new, old) in order.enumerated() { #expect(abs(one[old] - other[new]) < 1e-5) }
        }
        for (one, other) in zip(before.adapter.parameters, after.adapter.parameters) {
            #expect(relativeDistance(other.tensor, one.tensor) < 1e-4, "\(one.name)")
        }
        #expect(relativeDistance(after.head.score.weight, before.head.score.weight) < 1e-4)
    }

    @Test func shiftAndGainChangeNoPair() throws {
        let fresh = try model(seed: 7)
        // Far from normalised, whatever this processor's rounding.
        let model = RewardModel(
            base: fresh.base, adapter: fresh.adapter, head: fresh.head.normalized(shift: 1, gain: 3))
        let prompts = try TinyRankings.prompts(0..<30)
        let demonstrations: [[Int32]?] = prompts.indices.map { $0 % 3 == 0 ? nil : [Int32(70 + $0), 2] }
        let normalization = try RewardNormalization(model, prompts: prompts, demonstrations: demonstrations)
        #expect(normalization.demonstrations == 20 && normalization.samples == 120)
        let normalized = RewardModel(
            base: model.base, adapter: model.adapter,
            head: model.head.normalized(shift: Float(normalization.shift), gain: Float(normalization.gain)))
        let (before, after) = (model.rewards(of: prompts), normalized.rewards(of: prompts))
        for (one, other) in zip(before, after) {
            #expect(one.indices.sorted { one[$0] < one[$1] } == other.indices.sorted { other[$0] < other[$1] })
        }
        let again = try RewardNormalization(normalized, prompts: prompts, demonstrations: demonstrations)
        #expect(abs(again.shift) < 1e-5 && abs(again.gain - 1) < 1e-5)
        #expect(abs(normalization.gain - 1) > 0.1 && abs(normalization.shift) > 0.1)
        #expect(throws: RankedAnswersError.tooFew(what: "demonstrations", expected: 1, found: 0)) {
            try RewardNormalization(model, prompts: prompts, demonstrations: prompts.map { _ in nil })
        }
    }

    /// Distractors are ranked, but the normalisation and a metric of its own count only the policy's own answers.
    @Test func strayAnswersAreToldApart() throws {
        let model = try model(seed: 8)
        let prompts = try (0..<12).map { number in
            let record = TinyRankings.record(number)
            let completions = record.completions.enumerated().map { index, answer in
                PreferenceRecord.RankedCompletion(
                    text: answer.text, tokens: [], policy: index < 2 ? "sft@1" : "sft@1, another picture",
                    finishReason: .stop)
            }
            let ranked = PreferenceRecord(
                id: record.id, image: record.image, question: record.question, completions: completions,
                tiers: record.tiers, labeler: record.labeler, seed: 0)
            return try TinyRankings.reader().prompt(
                of: RankedAnswers.comparisons(of: [ranked])[0],
                image: TinyRankings.encoded(TinyRankings.embeddings(number)))
        }
        let blank = Tensor(zeros: [1, TinyLlama.configuration.hidden])
        let evaluation = RewardEvaluation(model, heldOut: prompts, blank: blank)
        let own = prompts.flatMap { $0.rankings[0].pairs }.filter { $0.chosen < 2 && $0.rejected < 2 }
        #expect(evaluation.own.pairs == own.count && own.count < evaluation.all.pairs && !own.isEmpty)
        let normalization = try RewardNormalization(
            model, prompts: prompts, demonstrations: prompts.map { _ in [70, 2] })
        let rewards = model.rewards(of: prompts).flatMap { $0[..<2].map(Double.init) }
        let mean = rewards.reduce(0, +) / 24
        let variance = rewards.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 24
        #expect(normalization.samples == 24 && abs(normalization.gain * variance.squareRoot() - 1) < 1e-9)
    }

    @Test func heldOutImagesAreNotTrainedOn() throws {
        let settings = TinyRankings.settings()
        #expect(try stage(0..<36, settings).steps == 2)
        #expect(try stage(0..<37, settings).steps == 3)
        #expect(try stage(0..<37, settings).heldOut.count == 20)
        #expect(throws: RankedAnswersError.tooFew(what: "pictures", expected: 21, found: 20)) {
            try stage(0..<20, settings)
        }
        var few = settings
        few.trainingPrompts = 9
        #expect(try stage(0..<100, few).steps == 2)
        few.heldOutImages = 0
        #expect(throws: RankedAnswersError.tooFew(what: "held-out prompts", expected: 1, found: 0)) {
            try stage(0..<100, few)
        }
    }
}

extension RankedPrompt {
    /// The prompt with only the answers `order`, and its rankings for them.
    fileprivate func keeping(_ order: [Int]) -> RankedPrompt {
        RankedPrompt(
            id: id, image: image, prefix: prefix, tiles: tiles, embeddings: embeddings, question: question,
            answers: order.map { answers[$0] },
            rankings: rankings.map { ranking in
                let pairs: [PreferenceRecord.Pair] = ranking.pairs.compactMap { pair in
                    guard let chosen = order.firstIndex(of: pair.chosen),
                        let rejected = order.firstIndex(of: pair.rejected)
                    else { return nil }
                    return .init(chosen: chosen, rejected: rejected)
                }
                return .init(labeler: ranking.labeler, pairs: pairs)
            }, family: family)
    }
}
