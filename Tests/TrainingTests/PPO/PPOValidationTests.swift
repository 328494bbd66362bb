import Foundation
import Models
import Support
import Tensors
import TestSupport
import Testing
import Training

/// Metrics of a run's policies on held-out prompts, and the files that it keeps of them.
@Suite struct PPOValidationTests {
    private static let isLow: @Sendable (SampledAnswer) -> Double = { $0.tokens[0] < 160 ? 1 : 0 }

    @Test func gainsAreInDeviationsOfTheReference() {
        let same = RewardGain(scores: [1, 3, 5, 7], reference: [1, 3, 5, 7], groups: [2, 2])
        #expect(same == RewardGain(scores: [3, 1, 7, 5], reference: [3, 1, 7, 5], groups: [1, 3]))
        #expect(same.mean == 0 && same.error == 0)
        // The reference's deviation is 2; the differences are 4, 4, 0, 0.
        let apart = RewardGain(scores: [6, 4, 4, 2], reference: [2, 0, 4, 2], groups: [2, 2])
        let deviation = (8.0 / 3).squareRoot()
        #expect(abs(apart.mean - 2 / deviation) < 1e-12)
        // The means of the two images are 4 and 0: their standard error is 2. For single answers it would be 2.31 / 2.
        #expect(abs(apart.error - 2 / deviation) < 1e-12)
        let alone = RewardGain(scores: [6, 4, 4, 2], reference: [2, 0, 4, 2], groups: [1, 1, 1, 1])
        #expect(abs(alone.error - (16.0 / 3).squareRoot() / 2 / deviation) < 1e-12)
    }

    @Test func aPolicyIsComparedWithTheReferenceOnTheSamePrompts() async throws {
        try await onOwnThread {
            final class Snapshots: @unchecked Sendable { var all: [PolicySnapshot] = [] }
            let snapshots = Snapshots()
            var settings = TinyPPO.settings
            settings.iterations = 3
            settings.answersPerQuestion = 16
            settings.maximumTokens = 1
            settings.missingEndPenalty = 0
            let images = (0..<8).flatMap { _ in TwoImages().images(of: 0) }
            let heldOut = HeldOutPrompts(images: images) { snapshots.all.append($0) }
            let world = try TinyPPO()
            var stage = world.stage(settings, heldOut: heldOut, rule: Self.isLow)
            #expect(stage.validatesAtStart)
            let start = Dictionary(uniqueKeysWithValues: try stage.validate())
            #expect(start["held_out_gain"] == 0 && start["held_out_gain_error"] == 0 && start["held_out_kl"] == 0)
            #expect(start["held_out_average_gain"] == nil)
            for step in 0..<3 { _ = try stage.advance(step: step) }
            let end = Dictionary(uniqueKeysWithValues: try stage.validate())
            #expect(try #require(end["held_out_gain"]) > 0.3, "\(end)")
            #expect(try #require(end["held_out_kl_k3"]) > 0)
            // The average is behind the policy.
            #expect(try #require(end["held_out_average_kl_k3"]) < #require(end["held_out_kl_k3"]))
            #expect(snapshots.all.map(\.iteration) == [0, 3])
            #expect(
                snapshots.all[0].adapter.parameters.map(\.tensor.elements)
                    == world.reference.parameters.map(\.tensor.elements))
            #expect(snapshots.all[1].answers.questions.count == images.count)

            // A stage that is first validated later finds the same reference.
            var late = world.stage(settings, heldOut: heldOut, rule: Self.isLow)
            for step in 0..<3 { _ = try late.advance(step: step) }
            #expect(try Dictionary(uniqueKeysWithValues: late.validate()) == end)
        }
    }

    @Test func aStoppedRunIsValidatedToo() async throws {
        try await onOwnThread {
            var settings = TinyPPO.settings
            settings.maximumTokens = 1
            settings.stop = StopRule()
            let world = try TinyPPO()
            try withTemporaryFolder { folder in
                let heldOut = HeldOutPrompts(images: TwoImages().images(of: 0))
                var run = try TrainingRun(
                    stage: world.stage(settings, heldOut: heldOut, rule: Self.isLow),
                    folder: RunFolder(path: folder.path, configuration: settings),
                    options: .init(validationInterval: 3)
                ) { _ in }
                _ = try run.run()
                let log = try String(contentsOf: folder.appendingPathComponent("log.jsonl"), encoding: .utf8)
                let lines = log.split(separator: "\n")
                #expect(lines.count == 2 && lines[0].contains(#""step":0,"held_out_gain":0.0"#), "\(log)")
                #expect(lines[1].contains("held_out_average_gain"), "\(log)")
            }
        }
    }

    @Test func aLongRunKeepsSomeSnapshots() throws {
        var generator = SplitMix64(seed: 1, stream: 0)
        let adapter = LowRankAdapter(starting: TinyLlama.configuration, rank: 4, alpha: 8, using: &generator)
        try withTemporaryFolder { folder in
            let files = PPORunFiles(folder: folder.path, iterations: 40, interval: 1)
            for iteration in [0] + Array(1...20) + Array(18...40) {
                let answers = try JSONDecoder().decode(
                    RolloutRecord.self, from: Data(#"{"iteration":\#(iteration),"questions":[]}"#.utf8))
                try files.write(PolicySnapshot(iteration: iteration, adapter: adapter, answers: answers))
            }
            let kept = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/snapshots").sorted()
            #expect(kept.compactMap(Int.init) == Array(stride(from: 3, through: 39, by: 3)) + [40])
            let read = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/held-out")
            #expect(read.count == 41)
        }
    }

    @Test func answersStayWithinTheirCells() throws {
        try withTemporaryFolder { folder in
            let files = PPORunFiles(folder: folder.path, iterations: 2, interval: 1)
            let adapter = LowRankAdapter(rank: 1, alpha: 1, layers: [])
            let json = #"""
                {"iteration":0,"questions":[{"picture":{"family":"counts","seed":7},"question":"how many?",
                "answers":[{"text":"three |\n red","score":0.5,"divergence":0,"ended":false}]}]}
                """#
            let answers = try JSONDecoder().decode(RolloutRecord.self, from: Data(json.utf8))
            try files.write(PolicySnapshot(iteration: 0, adapter: adapter, answers: answers))
            let page = try String(contentsOf: folder.appendingPathComponent("held-out.md"), encoding: .utf8)
            #expect(page.contains("## counts/7: how many?"))
            #expect(page.hasSuffix("| 0 | 0.50 | 0.00 | three \\|  red *(cut off)* |\n"), "\(page)")
        }
    }
}
