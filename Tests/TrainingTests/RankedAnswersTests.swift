import Datasets
import Testing
import Tokenizers
import Training

@Suite struct RankedAnswersTests {
    private func completion(
        _ text: String, _ tokens: [Int32] = [], _ reason: PreferenceRecord.FinishReason = .stop
    ) -> PreferenceRecord.RankedCompletion {
        .init(text: text, tokens: tokens, policy: nil, finishReason: reason)
    }

    private func record(
        _ id: String, labeler: String = "a", completions: [PreferenceRecord.RankedCompletion]? = nil,
        tiers: [[Int]] = [[0], [1]]
    ) -> PreferenceRecord {
        PreferenceRecord(
            id: id, image: nil, question: "which?", completions: completions ?? [completion("x"), completion("y")],
            tiers: tiers, labeler: .init(kind: .human, id: labeler), seed: 0)
    }

    @Test func recordsOfOneComparisonAreComputedOnce() throws {
        let records = [
            record("one"), record("two", tiers: [[0, 1]]), record("one", labeler: "b", tiers: [[1], [0]]),
            record("three"), record("one", labeler: "c", tiers: [[0, 1]]),
        ]
        let comparisons = try RankedAnswers.comparisons(of: records)
        #expect(comparisons.map(\.id) == ["one", "three"])
        #expect(
            comparisons[0].rankings.map(\.pairs) == [[.init(chosen: 0, rejected: 1)], [.init(chosen: 1, rejected: 0)]])
        #expect(comparisons[0].rankings.map(\.labeler.id) == ["a", "b"])
        #expect(throws: RankedAnswersError.contradiction(id: "one")) {
            try RankedAnswers.comparisons(
                of: records + [record("one", completions: [completion("x"), completion("z")])])
        }
    }

    /// Sampled tokens are kept. The end token is added to a text that ended, never to one that was cut off.
    @Test func answersEndWhereTheyEnded() throws {
        let reader = try TinyRankings.reader()
        let texts = [
            completion("ab", [70, 71, 2]), completion("ab", [70, 71], .length), completion("ab"),
            completion("ab", [], .length),
        ]
        let tokens = try reader.prompt(
            of: RankedAnswers.comparisons(of: [record("one", completions: texts, tiers: [[0], [1], [2], [3]])])[0],
            image: nil
        ).answers
        #expect(tokens[0] == [70, 71, 2] && tokens[1] == [70, 71])
        #expect(tokens[2] == tokens[3] + [2] && !tokens[3].isEmpty)
    }

    @Test(arguments: [
        (PreferenceRecord.RankedCompletion(text: "", tokens: [], policy: nil, finishReason: .length), "has no token"),
        (
            PreferenceRecord.RankedCompletion(text: "x", tokens: [70, 320], policy: nil, finishReason: .stop),
            "has the token 320, the model 320"
        ),
    ])
    func answersThatCannotBeScoredAreRefused(bad: PreferenceRecord.RankedCompletion, reason: String) throws {
        let ranked = try RankedAnswers.comparisons(of: [record("one", completions: [completion("x"), bad])])[0]
        #expect(throws: RankedAnswersError.completion(id: "one", index: 1, reason: reason)) {
            try TinyRankings.reader().prompt(of: ranked, image: nil)
        }
    }
}
