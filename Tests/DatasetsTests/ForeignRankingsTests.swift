import Datasets
import Foundation
import Testing

/// Rankings of other labeling tools, in the forms that their documentation shows.
@Suite struct ForeignRankingsTests {
    private func read(_ text: String, _ tool: ForeignRankings.Tool) throws -> ForeignRankings {
        let file = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(text.utf8).write(to: file)
        return try ForeignRankings(path: file.path, from: tool, labeler: "imported")
    }

    /// The texts of the ranked answers, tier by tier.
    private func order(_ record: PreferenceRecord) -> [[String]] {
        record.tiers.map { $0.map { record.completions[$0].text } }
    }

    /// `Record.to_dict` of argilla/src/argilla/records/_resource.py writes these members; a `RankingQuestion` has names
    /// of fields as values, and a response is a list of names or of ranks.
    @Test func argillasResponsesAreRankings() throws {
        let file = try read(
            """
            [{"id": "r1", "fields": {"prompt": "What is it?", "reply-1": "A cat.", "reply-2": "A dog.", "reply-3": "No."},
              "metadata": {"source": "web"}, "suggestions": {"rank": {"value": ["reply-1"], "score": null, "agent": null}},
              "responses": {"rank": [{"value": ["reply-2", "reply-1", "reply-3"], "user_id": "7e8f"},
                {"value": [{"value": "reply-1", "rank": 1}, {"value": "reply-3", "rank": 2},
                  {"value": "reply-2", "rank": 2}], "user_id": "91ab"}],
               "comment": [{"value": "fine", "user_id": "7e8f"}]},
              "vectors": {}, "_server_id": "0c1d"},
             {"id": "r2", "fields": {"prompt": "q", "a": "x", "b": "y"}, "metadata": {}, "suggestions": {},
              "responses": {}, "vectors": {}, "_server_id": null},
             {"id": "r3", "fields": {"prompt": "q", "a": "x", "b": "y"},
              "responses": {"rank": [{"value": ["a", "c"], "user_id": "7e8f"}]}}]
            """, .argilla)
        #expect(
            file.rankings.map { order($0.record) } == [
                [["A dog."], ["A cat."], ["No."]], [["A cat."], ["A dog.", "No."]],
            ])
        #expect(file.rankings.map(\.record.labeler.id) == ["7e8f", "91ab"] && file.rankings.map(\.line) == [1, 1])
        #expect(Set(file.rankings.map(\.record.id)).count == 1, "both are about one comparison")
        #expect(file.rankings[0].record.question == "What is it?")
        #expect(file.skipped.map(\.number) == [2, 3] && file.skipped[1].reason.contains("which are no fields"))
    }

    /// The result types `pairwise` (labelstud.io/tags/pairwise) and `ranker` (labelstud.io/tags/ranker) in the task
    /// format of labelstud.io/guide/task_format.
    @Test func labelStudiosTemplatesAreRankings() throws {
        let file = try read(
            """
            [{"id": 1, "project": 83, "data": {"prompt": "What is it?", "answer1": "A cat.", "answer2": "A dog."},
              "annotations": [
                {"id": 1001, "completed_by": 10, "was_cancelled": false, "lead_time": 4.288, "result": [
                  {"from_name": "pw", "to_name": "answer1,answer2", "type": "pairwise", "value": {"selected": "right"}}]},
                {"id": 1002, "completed_by": {"id": 11, "email": "ann@example.org"}, "was_cancelled": false, "result": [
                  {"from_name": "pw", "to_name": "answer1,answer2", "type": "pairwise", "value": {"selected": "left"}}]},
                {"id": 1003, "completed_by": 12, "was_cancelled": true, "result": []}], "predictions": []},
             {"id": 2, "data": {"question": "How?", "items": [
                {"id": "blog", "title": "Tips", "body": "Write less."}, {"id": "mdn", "title": "Arrows", "body": "Use arrows."},
                {"id": "wiki", "title": "Arrow", "body": "Arrows exist."}]},
              "annotations": [{"id": 1004, "completed_by": 10, "was_cancelled": false, "result": [
                  {"from_name": "rank", "to_name": "results", "type": "ranker",
                   "value": {"ranker": ["mdn", "wiki", "blog"]}}]}]},
             {"id": 3, "data": {"question": "How?", "items": [{"id": 1, "body": "x"}, {"id": 2, "body": "y"}]},
              "annotations": [{"id": 1005, "completed_by": 10, "result": [
                  {"from_name": "rank", "to_name": "results", "type": "ranker", "value": {"ranker": {"rank": [2, 1]}}}]}]},
             {"id": 4, "data": {"question": "How?", "items": [{"id": "a", "body": "x"}, {"id": "b", "body": "y"}]},
              "annotations": [{"id": 1006, "completed_by": 10, "result": [
                  {"from_name": "rank", "to_name": "results", "type": "ranker",
                   "value": {"ranker": {"best": ["a"], "ads": ["b"]}}}]}]}]
            """, .labelStudio)
        #expect(
            file.rankings.map { order($0.record) } == [
                [["A dog."], ["A cat."]], [["A cat."], ["A dog."]],
                [["Use arrows."], ["Arrows exist."], ["Write less."]],
                [["y"], ["x"]],
            ])
        #expect(file.rankings.map(\.record.labeler.id) == ["user 10", "ann@example.org", "user 10", "user 10"])
        #expect(file.skipped.map(\.number) == [4] && file.skipped[0].reason.contains("buckets"))
    }

    /// The fields of huggingface.co/datasets/lmsys/chatbot_arena_conversations.
    @Test func arenasBattlesAreRankings() throws {
        func battle(_ winner: String, turns: Int = 1, b: String = "A dog.") -> String {
            func conversation(_ answer: String) -> String {
                let turn =
                    "{\"content\":\"What is it?\",\"role\":\"user\"},{\"content\":\"\(answer)\",\"role\":\"assistant\"}"
                return "[\(Array(repeating: turn, count: turns).joined(separator: ","))]"
            }
            return """
                {"question_id":"58210e39","model_a":"chatglm-6b","model_b":"koala-13b","winner":"\(winner)",\
                "judge":"arena_user_973","conversation_a":\(conversation("A cat.")),"conversation_b":\(conversation(b)),\
                "turn":\(turns),"anony":true,"language":"English","tstamp":1682351591.1322}
                """
        }
        let winners = ["model_a", "model_b", "tie", "tie (bothbad)", "both"]
        let lines = winners.map { battle($0) } + ["", battle("model_a", turns: 2)]
        let file = try read(lines.joined(separator: "\n"), .arena)
        #expect(
            file.rankings.map { order($0.record) } == [
                [["A cat."], ["A dog."]], [["A dog."], ["A cat."]], [["A cat.", "A dog."]], [["A cat.", "A dog."]],
            ])
        #expect(file.rankings[0].record.completions.map(\.policy) == ["chatglm-6b", "koala-13b"])
        #expect(file.rankings[0].record.labeler == .init(kind: .human, id: "arena_user_973"))
        #expect(file.skipped.map(\.number) == [5, 7] && file.skipped[1].reason.contains("several turns"))
    }

    @Test func whatIsNoExportNamesItsLine() throws {
        #expect(throws: PreferenceError.self) { try read("{}", .argilla) }
        #expect(throws: PreferenceError.self) { try read("[1, 2", .labelStudio) }
        let error = #expect(throws: PreferenceError.self) { try read("{\"winner\":\"tie\"}\n{", .arena) }
        guard case .malformed(_, 2, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(try read("[1, null, []]", .argilla).skipped.count == 3)
    }
}
