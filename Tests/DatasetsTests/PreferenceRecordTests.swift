import Datasets
import Foundation
import Testing

/// Rankings as files hold them.
@Suite struct PreferenceRecordTests {
    private func record(_ tiers: [[Int]] = [[2], [0, 1]], image: PreferenceImage? = .easyVQA(number: 7))
        -> PreferenceRecord
    {
        PreferenceRecord(
            id: "cmp_1", image: image, question: "What is “that”?", questionIndex: 3, form: .sentence,
            completions: ["a/b", "", "A circle.\n"].map {
                .init(text: $0, tokens: [5, 2], policy: "sft@2", finishReason: $0.isEmpty ? .length : .stop)
            }, tiers: tiers, labeler: .init(kind: .simulatedRule, id: "rule-1"), seed: .max)
    }

    private func load(_ text: String) throws -> [PreferenceRecord] {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).jsonl")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(text.utf8).write(to: file)
        return try PreferenceRecord.load(path: file.path)
    }

    private func line(_ record: PreferenceRecord) throws -> String {
        String(decoding: try record.line(), as: UTF8.self)
    }

    @Test(arguments: [
        nil, PreferenceImage.easyVQA(number: 0), .generated(family: .counts, seed: 999_999_999),
        .document(family: .receipts, seed: 12),
        .stored(sha256: String(repeating: "0a", count: 32)),
    ])
    func whatIsWrittenIsReadBack(image: PreferenceImage?) throws {
        let records = [record(image: image), record([[0], [1], [2]], image: image)]
        #expect(try load(records.map(line).joined(separator: "\n") + "\n") == records)
    }

    @Test func theSchemaIsTheDocumentedOne() throws {
        #expect(
            try line(record()) == """
                {"candidates":[{"finishReason":"stop","policy":"sft@2","text":"a/b","tokens":[5,2]},\
                {"finishReason":"length","policy":"sft@2","text":"","tokens":[5,2]},\
                {"finishReason":"stop","policy":"sft@2","text":"A circle.\\n","tokens":[5,2]}],"form":"sentence",\
                "id":"cmp_1","labeler":{"id":"rule-1","kind":"simulated-rule"},"picture":{"easyVQA":7},\
                "question":"What is “that”?","questionIndex":3,"seed":18446744073709551615,"tiers":[[2],[0,1]]}

                """)
    }

    @Test func everyPreferredPairIsListedOnceAndTiesDropOut() {
        let pairs = record([[2], [0, 1]]).pairs
        #expect(Set(pairs) == [.init(chosen: 2, rejected: 0), .init(chosen: 2, rejected: 1)] && pairs.count == 2)
        #expect(record([[1], [2], [0]]).pairs.count == 3)
        #expect(record([[0, 1, 2]]).pairs.isEmpty)
    }

    @Test(arguments: [
        ("\"id\":\"cmp_1\"", "\"id\":\"\"", "id: expected a text"),
        ("\"id\":\"cmp_1\",", "", "id: the field is missing"),
        ("\"seed\"", "\"sead\"", "seed: the field is missing"),
        ("\"seed\"", "\"sead\":1,\"seed\"", "sead: this field is not known"),
        ("\"id\":\"rule-1\"", "\"id\":\"rule-1\",\"name\":\"x\"", "labeler.name: this field is not known"),
        ("\"text\":\"\"", "\"text\":\"\",\"txt\":\"\"", "candidates[1].txt: this field is not known"),
        ("[[2],[0,1]]", "[[2],[0]]", "tiers: expected each of 0..<3 once"),
        ("[[2],[0,1]]", "[[2],[0,1],[]]", "tiers: "),
        ("[[2],[0,1]]", "[[2],[0,3]]", "tiers: "),
        ("\"finishReason\":\"length\"", "\"finishReason\":\"long\"", "candidates[1].finishReason: "),
        ("\"tokens\":[5,2]", "\"tokens\":[-1]", "candidates[0].tokens: expected token ids of 0 or more"),
        ("simulated-rule", "oracle", "labeler.kind: "),
        ("{\"easyVQA\":7}", "{\"easyVQA\":7,\"seed\":1}", "picture: expected family and seed"),
        ("{\"easyVQA\":7}", "{\"easyVQA\":-7}", "picture.easyVQA: "),
        ("{\"easyVQA\":7}", "{\"sha256\":\"0A\"}", "picture.sha256: expected 64 hexadecimal digits"),
        ("18446744073709551615", "\"1\"", "seed: "),
    ])
    func aBrokenLineIsRefusedByNumberAndField(old: String, new: String, reason: String) throws {
        let good = try line(record())
        let broken = good.replacing(old, with: new, maxReplacements: 1)
        #expect(broken != good)
        let error = try #require(throws: PreferenceError.self) { _ = try load(good + "\n" + broken) }
        #expect(error.description.contains(".jsonl: line 3: \(reason)"), "\(error)")
    }

    @Test func everyTornLineIsRefused() throws {
        let bytes = Array(try record().line())
        for length in stride(from: 1, to: bytes.count - 1, by: 7) {
            #expect(throws: PreferenceError.self, "\(length) bytes") {
                _ = try load(String(decoding: bytes[..<length], as: UTF8.self))
            }
        }
    }

    @Test func aMissingFileIsNamed() {
        #expect(throws: PreferenceError.unreadable(path: "/no/such.jsonl")) {
            _ = try PreferenceRecord.load(path: "/no/such.jsonl")
        }
    }
}
