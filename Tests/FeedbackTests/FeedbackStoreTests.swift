import Datasets
import Feedback
import Foundation
import TestSupport
import Testing

/// The store of rankings.
@Suite struct FeedbackStoreTests {
    private let now = Date(timeIntervalSince1970: 1_000)

    private func record(
        _ id: String = "cmp_1", _ tiers: [[Int]] = [[1], [0, 2]], by labeler: String = "ann",
        kind: PreferenceRecord.Labeler.Kind = .human, question: String = "What is it?"
    ) -> PreferenceRecord {
        PreferenceRecord(
            id: id, image: .generated(family: .counts, seed: 5), question: question, questionIndex: 2, form: .short,
            completions: ["a", "b’s", "c"].map {
                .init(text: $0, tokens: [7, 2], policy: "sft@2", finishReason: .stop)
            }, tiers: tiers, labeler: .init(kind: kind, id: labeler), seed: .max)
    }

    @Test func rankingsSurviveReopening() throws {
        try withTemporaryFolder { folder in
            let path = folder.appending(path: "feedback.sqlite").path
            let records = [record(), record("cmp_2", by: "bob"), record("cmp_2", kind: .simulatedRule)]
            #expect(try FeedbackStore(path: path).append(records, at: now) == 3)
            let store = try FeedbackStore(path: path)
            #expect(try store.records() == records)
            #expect(try store.records(by: .human) == Array(records.prefix(2)))
            #expect(try store.count() == 3 && store.count(by: .simulatedRule) == 1)
            for file in [path, path + "-wal"] {
                let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
                #expect(mode == 0o600, "\(file)")
            }
            #expect(try store.appendEach([record(), record("cmp_3")], at: now) == [false, true])
        }
    }

    @Test func aLabelersNewerRankingSupersedesTheOlder() throws {
        try withTemporaryFolder { folder in
            let store = try FeedbackStore(path: folder.appending(path: "f.sqlite").path)
            let others = [record(by: "bob"), record(kind: .simulatedRule)]
            try store.append([record()] + others, at: now)
            #expect(try store.append([record("cmp_1", [[0], [1], [2]])], at: now) == 1)
            #expect(try store.records() == others + [record("cmp_1", [[0], [1], [2]])])
            // Back to the first opinion is a new ranking too; saying it twice is not.
            #expect(try store.append([record(), record()], at: now) == 1)
            #expect(try store.records() == others + [record()])
        }
    }

    @Test func anotherComparisonOfTheSameIdIsRefusedWithAllThatCameWithIt() throws {
        try withTemporaryFolder { folder in
            let store = try FeedbackStore(path: folder.appending(path: "f.sqlite").path)
            try store.append([record()], at: now)
            #expect(throws: FeedbackError.otherComparison(id: "cmp_1")) {
                try store.append([record("cmp_9"), record(question: "Why?")], at: now)
            }
            #expect(try store.records() == [record()])
        }
    }

    @Test func aFileThatIsNoStoreIsRefused() throws {
        try withTemporaryFolder { folder in
            let file = folder.appending(path: "f.sqlite")
            try Data(repeating: 7, count: 5_000).write(to: file)
            let error = try #require(throws: FeedbackError.self) { _ = try FeedbackStore(path: file.path) }
            guard case .database(let path, _) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(path == file.path)
        }
    }

    @Test func manyWritersLoseNothing() async throws {
        try await withTemporaryFolder { folder in
            let path = folder.appending(path: "f.sqlite").path
            let stores = try (0..<3).map { _ in try FeedbackStore(path: path) }
            try await withThrowingTaskGroup { group in
                for index in 0..<24 {
                    group.addTask { try stores[index % 3].append([record("cmp_\(index)")], at: now) }
                }
                try await group.waitForAll()
            }
            #expect(Set(try stores[0].records().map(\.id)).count == 24)
        }
    }
}
