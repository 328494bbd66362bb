import Datasets
import Feedback
import Foundation
import GRDB
import Images
import Support
import TestSupport
import Testing

/// What people say of comparisons that they are asked to rank.
@Suite struct OpinionTests {
    private let now = Date(timeIntervalSince1970: 1_000)

    /// A store with one comparison that everyone may rank.
    private func withComparison<Result>(
        _ answers: [String] = ["a red cat", "a blue cat", "a dog"], spread: Double = 0.5, labeler: String? = nil,
        _ body: (FeedbackFolder, Comparison) throws -> Result
    ) throws -> Result {
        try withTemporaryFolder { url in
            let folder = try FeedbackFolder(path: url.path)
            return try body(folder, try folder.ask(answers, spread: spread, labeler: labeler))
        }
    }

    @Test func aRankingIsARecordAndItsDetailsAreKept() throws {
        try withComparison { folder, comparison in
            let ids = comparison.candidates.map(\.id)
            #expect(comparison.id.hasPrefix("cmp_") && ids.allSatisfy { $0.hasPrefix("cand_") } && Set(ids).count == 3)
            var details = RankingDetails()
            (details.better, details.comment, details.seconds) = ("a red cat on a mat", "<script>", 4.5)
            let receipt = try folder.store.rank(
                comparison.id, [[ids[2]], [ids[0], ids[1]]], flags: [ids[0]: [.wrong, .invented]], details: details,
                by: "ann", at: now)
            #expect(receipt.id.hasPrefix("fb_") && receipt.pairs == 2)
            let judgement = try #require(try folder.store.judgements().first)
            #expect(judgement.tiers == [[2], [0, 1]] && judgement.details.flags == ["0": [.wrong, .invented]])
            #expect(judgement.details.comment == "<script>" && judgement.id == receipt.id)
            #expect(judgement.record?.question == "What is it?" && judgement.record?.id == comparison.id)
            let view = try folder.store.comparison(comparison.id, for: "ann")
            #expect(view.ranking == [[ids[2]], [ids[0], ids[1]]])
            #expect(try folder.store.comparison(comparison.id, for: "bob").ranking == nil)
            #expect(
                try folder.store.demonstrations()
                    == [Demonstration(prompt: comparison.prompt, answer: "a red cat on a mat", labeler: "ann")])
            // Its export can be imported again where it came from, and elsewhere.
            let records = try folder.store.records()
            #expect(try folder.store.append(records, at: now) == 0)
        }
    }

    @Test func rankingsThatDoNotFitAreRefusedAndLeaveNothing() throws {
        try withComparison { folder, comparison in
            let ids = comparison.candidates.map(\.id)
            let other = try folder.ask(["x", "y", "z"])
            let own = try folder.ask(["p", "q"], labeler: "bob")
            let bad: [[[String]]] = [
                [], [[ids[0]], [ids[1]]], [ids, [ids[0]]], [[ids[0], ids[0]], [ids[1]], [ids[2]]], [ids, []],
                [[ids[0]], [ids[1]], [other.candidates[2].id]], [[ids[0]], [ids[1]], ["cand_0"]],
            ]
            for tiers in bad {
                #expect(throws: FeedbackError.self) {
                    try folder.store.rank(comparison.id, tiers, by: "ann", at: now)
                }
            }
            let invalid = #expect(throws: FeedbackError.self) {
                try folder.store.rank(comparison.id, [ids], flags: ["cand_9": [.unsafe]], by: "ann", at: now)
            }
            guard case .invalid("flags", _)? = invalid else {
                Issue.record("\(String(describing: invalid))")
                return
            }
            // Another person's comparison looks like one that does not exist.
            for id in [own.id, "cmp_0", "'; DROP TABLE feedback; --"] {
                let error = #expect(throws: FeedbackError.self) {
                    try folder.store.rank(id, [own.candidates.map(\.id)], by: "ann", at: now)
                }
                #expect(error == .notFound(field: "comparison_id", what: "comparison \(id)"))
                #expect(throws: FeedbackError.self) { try folder.store.skip(id, by: "ann", at: now) }
                #expect(throws: FeedbackError.self) { try folder.store.comparison(id, for: "ann") }
            }
            #expect(try folder.store.counts().isEmpty)
        }
    }

    @Test func skippedAndRankedComparisonsAreNoLongerOpenUntilThatIsWithdrawn() throws {
        try withComparison { folder, comparison in
            let store = folder.store
            let ids = comparison.candidates.map(\.id)
            func openCount(_ labeler: String) throws -> Int {
                try store.comparisons(.open, for: labeler, order: .created, limit: 9, after: nil).page.count
            }
            let skip = try store.skip(comparison.id, by: "ann", at: now)
            #expect(try openCount("ann") == 0)
            #expect(try openCount("bob") == 1)
            #expect(throws: FeedbackError.self) { try store.withdraw(skip.id, by: "bob", at: now) }
            try store.withdraw(skip.id, by: "ann", at: now)
            #expect(throws: FeedbackError.self) { try store.withdraw(skip.id, by: "ann", at: now) }
            #expect(try openCount("ann") == 1)
            _ = try store.rank(comparison.id, [[ids[0]], [ids[1], ids[2]]], by: "ann", at: now)
            let second = try store.rank(comparison.id, [[ids[1]], [ids[0], ids[2]]], by: "ann", at: now)
            #expect(try openCount("ann") == 0 && store.count() == 1)
            // The newer ranking goes with the one that it superseded.
            try store.withdraw(second.id, by: "ann", at: now)
            #expect(try openCount("ann") == 1 && store.count() == 0)
            #expect(try store.summary(for: "ann").own == .init())
        }
    }

    @Test func pagesCoverEverythingOnceInBothOrders() throws {
        try withComparison { folder, _ in
            for index in 0..<10 { _ = try folder.ask(["a", "b \(index)"], spread: Double(index % 4) / 4) }
            for order in FeedbackStore.Order.allCases {
                var seen: [Comparison] = []
                var after: String?
                while true {
                    let (page, hasMore) = try folder.store.comparisons(
                        .open, for: "ann", order: order, limit: 4, after: after)
                    seen += page.map(\.comparison)
                    after = page.last?.comparison.id
                    if !hasMore { break }
                }
                #expect(seen.count == 11 && Set(seen.map(\.id)).count == 11)
                if order == .informative { #expect(seen.map(\.spread) == seen.map(\.spread).sorted(by: >)) }
            }
            #expect(throws: FeedbackError.self) {
                try folder.store.comparisons(.open, for: "ann", order: .created, limit: 4, after: "cmp_0")
            }
        }
    }

    @Test func theQueueIsTakenInOrderOnceAndWithoutWhatCannotBeAnswered() throws {
        try withTemporaryFolder { url in
            let folder = try FeedbackFolder(path: url.path)
            let prompts = ["one", "two", "three"].map {
                QueuedPrompt.Content(prompt: [FeedbackMessage(role: .user, parts: [.text($0)])], samples: 2)
            }
            let given = FeedbackStore.QueueItem(
                content: .init(prompt: [FeedbackMessage(role: .user, parts: [.text("given")])]),
                answers: ["yes", "no"].map { .init(text: $0, tokens: [], policy: nil, finishReason: .stop) })
            let items = prompts.map { FeedbackStore.QueueItem(content: $0) } + [given]
            #expect(try folder.store.enqueue(items, images: folder.images, at: now) == [true, true, true, true])
            #expect(try folder.store.enqueue(items, images: folder.images, at: now) == [false, false, false, false])
            var waiting = try folder.store.waitingPrompts(limit: 9)
            #expect(waiting.map(\.content) == prompts)
            #expect(try folder.store.waitingPrompts(limit: 1, excluding: [waiting[0].number]) == [waiting[1]])
            _ = try folder.store.add(
                NewComparison(
                    prompt: prompts[0].prompt,
                    answers: ["a", "b"].map {
                        (.init(text: $0, tokens: [1], policy: "sft@1", finishReason: .stop), 7)
                    }, seed: 7, spread: 1, labeler: nil, queued: waiting[0]), images: folder.images, at: now)
            try folder.store.fail(waiting[1], reason: "too long", at: now)
            waiting = try folder.store.waitingPrompts(limit: 9)
            #expect(waiting.map(\.content) == [prompts[2]])
            let summary = try folder.store.summary(for: "ann")
            #expect(summary.waiting == 1 && summary.ready == 2 && summary.failed == 1)
            // The same file once more puts back what was taken out.
            #expect(try folder.store.enqueue(items, images: folder.images, at: now) == [false, true, false, false])
            #expect(try folder.store.waitingPrompts(limit: 9).map(\.content) == [prompts[1], prompts[2]])
            #expect(try folder.store.failures().isEmpty)
        }
    }

    @Test func aNewerThumbUnderTheSameAnswerSupersedesTheOlder() throws {
        try withComparison { folder, _ in
            let store = folder.store
            func thumb(_ answer: String, up: Bool, better: String? = nil, by labeler: String = "ann") throws -> String {
                var thumb = Thumb(
                    prompt: [FeedbackMessage(role: .user, parts: [.text("what")])], answer: answer, isUp: up)
                thumb.better = better
                return try store.append(thumb, by: labeler, images: folder.images, at: now).id
            }
            _ = try thumb("a cat", up: true, better: "the old words")
            let other = try thumb("a dog", up: true)
            _ = try thumb("a cat", up: true, by: "bob")
            let newest = try thumb("a cat", up: false, better: "the new words")
            let thumbs = try store.thumbs()
            #expect(thumbs.map(\.thumb.isUp) == [true, true, false] && thumbs.last?.id == newest)
            #expect(try store.demonstrations().map(\.answer) == ["the new words"])
            let summary = try store.summary(for: "ann")
            #expect(summary.own.thumbs == 2 && summary.all.thumbs == 3 && summary.demonstrations == 1)
            #expect(try store.counts().map(\.count).reduce(0, +) == 3)
            // An undone thumb does not bring back the one that it superseded.
            try store.withdraw(newest, by: "ann", at: now)
            #expect(try store.thumbs().map(\.labeler) == ["ann", "bob"] && store.thumbs().first?.id == other)
            #expect(try store.summary(for: "ann").demonstrations == 0)
        }
    }

    @Test func handwrittenAnswersOfSupersededRankingsAreNotCounted() throws {
        try withComparison { folder, comparison in
            let ids = comparison.candidates.map(\.id)
            var details = RankingDetails()
            details.better = "first"
            _ = try folder.store.rank(comparison.id, [ids], details: details, by: "ann", at: now)
            #expect(try folder.store.summary(for: "ann").demonstrations == 1)
            details.better = "second"
            _ = try folder.store.rank(comparison.id, [ids], details: details, by: "ann", at: now)
            #expect(try folder.store.summary(for: "ann").demonstrations == 1)
            details.better = nil
            _ = try folder.store.rank(comparison.id, [ids], details: details, by: "ann", at: now)
            #expect(try folder.store.summary(for: "ann").demonstrations == 0)
            #expect(try folder.store.demonstrations().isEmpty)
        }
    }

    @Test func exportsHaveFlagsCommentsAndWhetherAllAreBad() throws {
        try withComparison { folder, comparison in
            let ids = comparison.candidates.map(\.id)
            var details = RankingDetails()
            (details.allBad, details.comment) = (true, "none of\nthem")
            _ = try folder.store.rank(
                comparison.id, [[ids[0]], [ids[1], ids[2]]], flags: [ids[1]: [.wrong, .unsafe]], details: details,
                by: "ann", at: now)
            let judgement = try #require(try folder.store.judgements().first)
            let lines = FeedbackLines(prompts: [judgement.prompt]) { "\($0)" }
            for format in [FeedbackLines.Pairs.plain, .trl] {
                let pairs = try lines.pairs(of: judgement, as: format).map(\.text)
                #expect(pairs.count == 2 && pairs.allSatisfy { $0.contains(#""all_bad":true"#) })
                #expect(pairs[0].contains(#""chosen_flags":[],"rejected_flags":["wrong","unsafe"]"#))
                #expect(pairs[1].contains(#""rejected_flags":[]"#) && pairs[1].contains(#""comment":"none of\nthem""#))
            }
            var thumb = Thumb(prompt: comparison.prompt, answer: "a", isUp: true)
            thumb.comment = "good"
            #expect(try lines.unpaired(thumb, id: "fb_1", by: "ann").text.contains(#""comment":"good""#))
        }
    }

    @Test func agreementCountsWhatTwoPeopleOrder() throws {
        try withComparison { folder, comparison in
            let ids = comparison.candidates.map(\.id)
            _ = try folder.store.rank(comparison.id, [[ids[0]], [ids[1]], [ids[2]]], by: "ann", at: now)
            #expect(try folder.store.summary(for: "ann").agreement == .init(share: nil, comparisons: 0, pairs: 0))
            _ = try folder.store.rank(comparison.id, [[ids[1]], [ids[0]], [ids[2]]], by: "bob", at: now)
            _ = try folder.store.rank(comparison.id, [[ids[0], ids[1]], [ids[2]]], by: "cleo", at: now)
            // Of the three pairs, ann and bob agree on two; cleo ties one and agrees on the others.
            let summary = try folder.store.summary(for: "bob")
            #expect(summary.agreement == .init(share: 6.0 / 7, comparisons: 1, pairs: 7))
            #expect(summary.all.rankings == 3 && summary.own.rankings == 1 && summary.labelers == 3)
        }
    }

    @Test func whatMustNotBeUsedIsNotExported() throws {
        try withComparison { folder, comparison in
            let ids = comparison.candidates.map(\.id)
            var details = RankingDetails()
            (details.consent, details.better) = (false, "mine")
            _ = try folder.store.rank(
                comparison.id, [[ids[0]], [ids[1], ids[2]]], details: details, by: "ann", at: now)
            #expect(try folder.store.records().isEmpty && folder.store.demonstrations().isEmpty)
            #expect(try folder.store.count() == 1)
        }
    }

    @Test func spreadTellsHowMuchAnswersDiffer() {
        #expect(Spread.ofTexts(["a", "a"]) == 0)
        #expect(Spread.ofTexts(["a b", "a c"]) > Spread.ofTexts(["a b c d", "a b c e"]))
        #expect(Spread.ofTexts(["A b.", "a b"]) == 0.01 && Spread.ofTexts(["a", "b"]) == 1)
        #expect(Spread.ofRewards([1, 1]) == 0 && abs(Spread.ofRewards([0, 2, 1]) - tanh(1)) < 1e-12)
    }

    /// The tables as the version before wrote them.
    private static let oldTables = """
        CREATE TABLE comparison (id TEXT PRIMARY KEY NOT NULL, body TEXT NOT NULL, created INTEGER NOT NULL) STRICT;
        CREATE TABLE ranking (
            number INTEGER PRIMARY KEY AUTOINCREMENT, comparison TEXT NOT NULL REFERENCES comparison (id),
            kind TEXT NOT NULL, labeler TEXT NOT NULL, tiers TEXT NOT NULL, created INTEGER NOT NULL) STRICT;
        CREATE INDEX ranking_newest ON ranking (comparison, kind, labeler, number);
        CREATE TRIGGER comparison_stays BEFORE UPDATE ON comparison
            BEGIN SELECT RAISE(ABORT, 'comparisons are only appended'); END;
        CREATE TRIGGER comparison_remains BEFORE DELETE ON comparison
            BEGIN SELECT RAISE(ABORT, 'comparisons are only appended'); END;
        CREATE TRIGGER ranking_stays BEFORE UPDATE ON ranking
            BEGIN SELECT RAISE(ABORT, 'rankings are only appended'); END;
        CREATE TRIGGER ranking_remains BEFORE DELETE ON ranking
            BEGIN SELECT RAISE(ABORT, 'rankings are only appended'); END;
        CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
        INSERT INTO grdb_migrations VALUES ('comparisons and rankings');
        """

    @Test func aFileOfTheVersionBeforeKeepsItsRankings() throws {
        try withTemporaryFolder { url in
            let path = url.appending(path: "feedback.sqlite").path
            let digest = String(repeating: "ab", count: 32)
            let body = """
                {"candidates":[{"finishReason":"stop","policy":"sft@2","text":"a","tokens":[7,2]},\
                {"finishReason":"length","text":"b","tokens":[7]}],"picture":{"sha256":"\(digest)"},\
                "question":"What?","seed":18446744073709551615}
                """
            let old = try DatabaseQueue(path: path)
            try old.write { database in
                try database.execute(sql: Self.oldTables)
                try database.execute(sql: "INSERT INTO comparison VALUES ('cmp_1', ?, 5)", arguments: [body])
                for (labeler, tiers) in [("ann", "[[0],[1]]"), ("bob", "[[0,1]]"), ("ann", "[[1],[0]]")] {
                    try database.execute(
                        sql:
                            "INSERT INTO ranking (comparison, kind, labeler, tiers, created) VALUES ('cmp_1', 'human', ?, ?, 6)",
                        arguments: [labeler, tiers])
                }
            }
            try old.close()
            let folder = try FeedbackFolder(path: url.path)
            let records = try folder.store.records()
            #expect(records.map(\.labeler.id) == ["bob", "ann"] && records.map(\.tiers) == [[[0, 1]], [[1], [0]]])
            #expect(records[0].seed == .max && records[0].image == .stored(sha256: digest))
            #expect(try folder.store.append(records, at: now) == 0)
            // Nobody is asked to rank what came from a file.
            #expect(try folder.store.comparisons(nil, for: "ann", order: .created, limit: 9, after: nil).page.isEmpty)
            let plain = try DatabaseQueue(path: path)
            for statement in ["DELETE FROM feedback", "UPDATE feedback SET labeler = 'eve'", "DELETE FROM comparison"] {
                #expect(throws: DatabaseError.self) { try plain.write { try $0.execute(sql: statement) } }
            }
            #expect(try folder.delete(image: digest).opinions == 3)
            #expect(try folder.store.count() == 0)
        }
    }
}

extension FeedbackFolder {
    /// Adds a comparison of these answers.
    func ask(
        _ answers: [String], about images: [PreferenceImage] = [], question: String = "What is it?",
        spread: Double = 0.5, labeler: String? = nil
    ) throws -> Comparison {
        try store.add(
            NewComparison(
                prompt: [FeedbackMessage(role: .user, parts: images.map { .image($0) } + [.text(question)])],
                answers: answers.map { (.init(text: $0, tokens: [7, 2], policy: "sft@2", finishReason: .stop), 9) },
                seed: 9, spread: spread, labeler: labeler), images: self.images, at: Date())
    }
}
