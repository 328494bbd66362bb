import Datasets
import Feedback
import Foundation
import Support
import TestSupport
import Testing

/// The sequential test of two policies by people's rankings.
@Suite struct BlindTestTests {
    @Test func itDecidesOnceChanceIsUnlikely() {
        // 2^n B(w + 1, l + 1) against 20: 2^8 / 9 = 28.4 for eight wins, 2^7 / 8 = 16 for seven.
        #expect(BlindTest(wins: 7, ties: 3, losses: 0).verdict == .undecided)
        #expect(BlindTest(wins: 8, ties: 3, losses: 0).verdict == .first)
        #expect(BlindTest(wins: 0, ties: 0, losses: 8).verdict == .second)
        #expect(BlindTest(wins: 8, ties: 0, losses: 0, error: 0.01).verdict == .undecided)
        #expect(BlindTest(wins: 0, ties: 50, losses: 0).verdict == .undecided)
        #expect(BlindTest(wins: 520, ties: 0, losses: 480).verdict == .undecided)
        #expect(BlindTest(wins: 600, ties: 0, losses: 400).verdict == .first)
    }

    @Test func theIntervalHasTheCoinsThatAreNotRejected() {
        #expect(BlindTest(wins: 0, ties: 4, losses: 0).interval == 0...1)
        for (wins, losses) in [(7, 0), (8, 0), (3, 9), (60, 40), (300, 200)] {
            let test = BlindTest(wins: wins, ties: 0, losses: losses)
            let share = Double(wins) / Double(wins + losses)
            #expect(test.interval.contains(share))
            #expect(test.interval.contains(0.5) == (test.verdict == .undecided))
        }
        let (few, many) = (BlindTest(wins: 6, ties: 0, losses: 4), BlindTest(wins: 600, ties: 0, losses: 400))
        #expect(many.interval.upperBound - many.interval.lowerBound < few.interval.upperBound - few.interval.lowerBound)
        #expect(BlindTest(wins: 1, ties: 2, losses: 1).rate == 0.5)
    }

    /// However often people look, a fair coin is called unfair in at most 5 % of 2,000 courses.
    @Test func lookingOftenDoesNotRaiseTheError() {
        var generator = SplitMix64(seed: 11)
        var wrong = 0
        for _ in 0..<2_000 {
            var wins = 0
            for flips in 1...200 {
                wins += Int(generator.next() & 1)
                if BlindTest(wins: wins, ties: 0, losses: flips - wins).verdict != .undecided {
                    wrong += 1
                    break
                }
            }
        }
        #expect(wrong <= 100, "\(wrong) of 2000")
    }

    @Test func aPolicyAndItsGenerationOverlap() {
        for (first, second) in [("sft", "sft"), ("sft", "sft@7"), ("sft@7", "sft"), ("sft@7", "sft@7")] {
            #expect(BlindTest.overlap(first, second), "\(first) \(second)")
        }
        for (first, second) in [("sft", "ppo"), ("sft@6", "sft@7"), ("sft", "sft2@7"), ("eyes/sft", "sft")] {
            #expect(!BlindTest.overlap(first, second), "\(first) \(second)")
        }
    }

    @Test func onlyComparisonsOfTheTwoPoliciesCount() throws {
        try withTemporaryFolder { url in
            let folder = try FeedbackFolder(path: url.path)
            func rank(_ policies: [String], _ tiers: [[Int]], by labeler: String = "ann") throws {
                let comparison = try folder.store.add(
                    NewComparison(
                        prompt: [FeedbackMessage(role: .user, parts: [.text("what")])],
                        answers: policies.enumerated().map { index, policy in
                            (.init(text: "\(index)", tokens: [1], policy: policy, finishReason: .stop), 7)
                        }, seed: 7, spread: 1, labeler: nil), images: folder.images, at: Date())
                let ids = comparison.candidates.map(\.id)
                _ = try folder.store.rank(
                    comparison.id, tiers.map { $0.map { ids[$0] } }, by: labeler, at: Date())
            }
            try rank(["sft@7", "ppo@7"], [[1], [0]])
            try rank(["ppo@7", "sft@7"], [[0], [1]], by: "bob")
            try rank(["sft@7", "ppo@7"], [[0, 1]])
            try rank(["sft@7", "ppo@7", "sft@7", "ppo@7"], [[0], [1, 2, 3]])
            try rank(["sft@7", "base@1"], [[0], [1]])
            try rank(["sft@7", "ppo@7", "base@1"], [[0], [1], [2]])
            try rank(["sft@7", "sft@7"], [[0], [1]])
            let judgements = try folder.store.judgements(by: .human)
            #expect(BlindTest("ppo", "sft", in: judgements) == BlindTest(wins: 2, ties: 1, losses: 1))
            #expect(BlindTest("sft@7", "ppo", in: judgements) == BlindTest(wins: 1, ties: 1, losses: 2))
            #expect(BlindTest("sft@6", "ppo", in: judgements) == BlindTest(wins: 0, ties: 0, losses: 0))
        }
    }

    /// After the first ranking the page tells whose answers they are.
    @Test func onlyAFirstRankingIsBlind() throws {
        try withTemporaryFolder { url in
            let folder = try FeedbackFolder(path: url.path)
            let comparison = try folder.ask(["a", "b"])
            let ids = comparison.candidates.map(\.id)
            func rank(_ order: [Int], by labeler: String) throws -> String {
                try folder.store.rank(comparison.id, order.map { [ids[$0]] }, by: labeler, at: Date()).id
            }
            _ = try rank([0, 1], by: "ann")
            _ = try rank([1, 0], by: "ann")
            let undone = try rank([0, 1], by: "bob")
            try folder.store.withdraw(undone, by: "bob", at: Date())
            _ = try rank([1, 0], by: "bob")
            _ = try rank([1, 0], by: "cem")
            let blind = try folder.store.blindJudgements()
            #expect(blind.map(\.labeler.id) == ["ann", "cem"] && blind.map(\.tiers) == [[[0], [1]], [[1], [0]]])
            #expect(try folder.store.judgements(by: .human).map(\.tiers) == Array(repeating: [[1], [0]], count: 3))
        }
    }
}
