import Datasets
import Feedback
import Foundation
import Images
import Policies
import Promotion
import TestSupport
import Testing

/// The rankings that `apus tune` waits for.
@Suite struct TuneRankingsTests {
    /// Two questions about each of `count` images.
    private func examples(_ count: Int, in folder: URL) throws -> [OwnExample] {
        var rows = "image,question,answer\n"
        for index in 0..<count {
            let image = RGBImage(width: 3, height: 2, red: UInt8(index), green: 0, blue: 0)
            try Data(ImageFile.encode(image)).write(to: folder.appending(path: "\(index).png"))
            rows += "\(index).png,what is it,\(index)\n\(index).png,and this,\(index)\n"
        }
        let file = folder.appending(path: "data.csv")
        try Data(rows.utf8).write(to: file)
        return try OwnData.examples(at: file.path)
    }

    private func rankings(of generation: Int, in folder: URL, wanted: Int = 2) -> TuneRankings {
        TuneRankings(
            folder: folder.path, dataFolder: folder.appending(path: "kept").path, wanted: wanted, answers: 2,
            policy: .init(name: "pets", generation: generation))
    }

    /// A person ranks two answers of `policy` to each of the prompts.
    private func rank(_ prompts: some Sequence<QueuedPrompt>, of policy: String, in data: FeedbackFolder) throws {
        for prompt in prompts {
            let comparison = try data.store.add(
                NewComparison(
                    prompt: prompt.content.prompt,
                    answers: ["a", "b"].map { (.init(text: $0, tokens: [1], policy: policy, finishReason: .stop), 7) },
                    seed: 7, spread: 1, labeler: nil, queued: prompt), images: data.images, at: Date())
            _ = try data.store.rank(
                comparison.id, comparison.candidates.map { [$0.id] }, by: "ann", at: Date())
        }
    }

    @Test func onlyTheFineTunedGenerationCounts() throws {
        try withTemporaryFolder { folder in
            let examples = try examples(2, in: folder)
            let old = try rankings(of: 1, in: folder).enqueue(examples)
            try rank(try old.store.waitingPrompts(limit: 9), of: "pets@1", in: old)
            let wanted = rankings(of: 2, in: folder)
            let data = try wanted.enqueue(examples)
            #expect(try !wanted.collect(from: data))
            // The same questions wait again, for the answers of the new generation.
            let waiting = try data.store.waitingPrompts(limit: 9)
            #expect(waiting.count == 4 && waiting.allSatisfy { $0.content.models == ["pets@2"] })
            try rank(waiting.prefix(2), of: "pets@2", in: data)
            #expect(try !wanted.collect(from: data), "both are about one image")
            try rank(waiting[2...2], of: "pets@2", in: data)
            #expect(try wanted.collect(from: data))
            let kept = try PreferenceRecord.load(path: folder.appending(path: "rankings.jsonl").path)
            #expect(kept.count == 3 && kept.flatMap(\.completions).allSatisfy { $0.policy == "pets@2" })
            #expect(try !rankings(of: 2, in: folder, wanted: 4).collect(from: data))
        }
    }

    /// Rankings that prefer nothing, and those that may not be used, teach nothing.
    @Test func onlyRankingsThatCanBeLearnedFromCount() async throws {
        struct Enough: Error {}
        try await withTemporaryFolder { folder in
            let wanted = rankings(of: 1, in: folder)
            let data = try wanted.enqueue(examples(2, in: folder))
            let waiting = try data.store.waitingPrompts(limit: 9)
            for (index, prompt) in waiting.enumerated() {
                let comparison = try data.store.add(
                    NewComparison(
                        prompt: prompt.content.prompt,
                        answers: ["a", "b"].map {
                            (.init(text: $0, tokens: [1], policy: "pets@1", finishReason: .stop), 7)
                        }, seed: 7, spread: 1, labeler: nil, queued: prompt), images: data.images, at: Date())
                let ids = comparison.candidates.map(\.id)
                var details = RankingDetails()
                details.consent = index > 1
                _ = try data.store.rank(
                    comparison.id, index == 2 ? [ids] : ids.map { [$0] }, details: details, by: "ann", at: Date())
            }
            #expect(try !wanted.collect(from: data))
            var lines: [String] = []
            await #expect(throws: Enough.self) {
                try await wanted.wait(for: data, report: { lines.append($0) }, pause: { throw Enough() })
            }
            #expect(lines == ["1 of 2 rankings; 2 more are without consent and not used"])
        }
    }

    @Test func tooFewQuestionsAreToldBeforeAnythingElse() throws {
        try withTemporaryFolder { folder in
            #expect(throws: TuneError.tooFewPrompts(rankings: 5, prompts: 4)) {
                try rankings(of: 1, in: folder, wanted: 5).enqueue(examples(2, in: folder))
            }
        }
    }

    @Test func oneImageCannotBeLearnedFromAndMeasuredOn() throws {
        try withTemporaryFolder { folder in
            #expect(throws: TuneError.tooFew(what: "images to rank answers about", expected: 2, found: 1)) {
                try rankings(of: 1, in: folder).enqueue(examples(1, in: folder))
            }
        }
    }
}
