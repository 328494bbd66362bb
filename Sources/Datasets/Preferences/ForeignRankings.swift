import Foundation
import Support

/// Reads rankings that other tools exported.
///
/// Each tool's file is larger than what a ranking needs, and its fields are that tool's matter, so other fields than
/// the ones named here are passed over. What cannot become a ranking is reported with its place in the file.
public struct ForeignRankings: Sendable {
    /// The tools.
    public enum Tool: String, Sendable, CaseIterable {
        /// Argilla 2: `dataset.records.to_json(path)`, with a `RankingQuestion` whose values are names of fields.
        /// Source: argilla-io/argilla, `argilla/src/argilla/records/_resource.py`, `Record.to_dict`.
        case argilla
        /// Label Studio's JSON export of its templates with the tags `Pairwise` and `Ranker`.
        /// Source: labelstud.io/guide/task_format, labelstud.io/tags/pairwise, labelstud.io/tags/ranker.
        case labelStudio = "label-studio"
        /// JSON lines in the form of LMSYS's `chatbot_arena_conversations`.
        /// Source: huggingface.co/datasets/lmsys/chatbot_arena_conversations.
        case arena
    }

    /// A record of the file that is no ranking, and why.
    public struct Skipped: Sendable, Equatable {
        /// Its line in a JSON lines file, or its number in an array, counted from 1.
        public let number: Int
        /// Why it is none.
        public let reason: String
    }

    /// The rankings, each with its line or number.
    public private(set) var rankings: [(line: Int, record: PreferenceRecord)] = []
    /// The records that are no rankings.
    public private(set) var skipped: [Skipped] = []

    /// Bytes of a file that is read as a whole.
    private static let limit = 256 << 20

    /// Reads the file at `path`. `labeler` names people for whom the file has no name.
    public init(path: String, from tool: Tool, labeler: String) throws(PreferenceError) {
        let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
        guard size <= Self.limit else {
            throw .malformed(path: path, line: 1, reason: "the file has \(size) bytes, more than \(Self.limit)")
        }
        guard let data = FileManager.default.contents(atPath: path) else { throw .unreadable(path: path) }
        for (number, value) in try Self.records([UInt8](data), lines: tool == .arena, path: path) {
            do throws(Fault) {
                let found =
                    switch tool {
                    case .argilla: try Self.argilla(value, labeler)
                    case .labelStudio: try Self.labelStudio(value, labeler)
                    case .arena: [try Self.arena(value, labeler)]
                    }
                if found.isEmpty { skipped.append(Skipped(number: number, reason: "it has no ranking")) }
                rankings += found.map { (number, $0) }
            } catch {
                skipped.append(Skipped(number: number, reason: error.reason))
            }
        }
    }

    /// Why a record is no ranking.
    private struct Fault: Error {
        let reason: String
    }

    private static func records(
        _ bytes: [UInt8], lines: Bool, path: String
    ) throws(PreferenceError) -> [(Int, JSON)] {
        func parse(_ bytes: [UInt8], line: Int) throws(PreferenceError) -> JSON {
            do { return try JSON.parse(bytes, roundsLargeIntegers: true) } catch {
                throw .malformed(path: path, line: line, reason: "\(error)")
            }
        }
        if lines {
            var records: [(Int, JSON)] = []
            for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                .enumerated() where !line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") })
            {
                records.append((index + 1, try parse(Array(line), line: index + 1)))
            }
            return records
        }
        guard case .array(let elements) = try parse(bytes, line: 1) else {
            throw .malformed(path: path, line: 1, reason: "expected an array of records")
        }
        return elements.enumerated().map { ($0 + 1, $1) }
    }

    /// The ranking of `answers` to `question`: `tiers` of answers from best to worst.
    private static func record(
        _ question: String, _ answers: [(text: String, policy: String?)], _ tiers: [[Int]], by labeler: String
    ) throws(Fault) -> PreferenceRecord {
        guard !question.isEmpty else { throw Fault(reason: "the question is empty") }
        guard PreferenceRecord.completionCount.contains(answers.count) else {
            throw Fault(reason: "it has \(answers.count) answers, but a ranking has 2 to 9")
        }
        guard PreferenceRecord.ranks(tiers, answers.count) else {
            throw Fault(reason: "the order does not have each of the \(answers.count) answers once")
        }
        guard !labeler.isEmpty else { throw Fault(reason: "the labeler has no name") }
        let parts = ["foreign", question] + answers.flatMap { [$0.text, $0.policy ?? ""] }
        return PreferenceRecord(
            id: PreferenceRecord.id(of: parts), image: nil, question: question,
            completions: answers.map { .init(text: $0.text, tokens: [], policy: $0.policy, finishReason: .stop) },
            tiers: tiers, labeler: .init(kind: .human, id: labeler), seed: 0)
    }

    /// The names under which templates have the question.
    private static let questionNames = ["prompt", "question", "instruction", "input", "query", "context"]

    private static func question(in fields: JSON, besides answers: [String]) throws(Fault) -> String {
        for name in questionNames {
            if !answers.contains(name), let text = fields[name]?.text { return text }
        }
        let others = fields.names.filter { !answers.contains($0) && fields[$0]?.text != nil }
        guard others.count == 1, let text = fields[others[0]]?.text else {
            throw Fault(
                reason: "no field is the question: expected one of \(questionNames.joined(separator: ", ")), found "
                    + others.joined(separator: ", "))
        }
        return text
    }
}

// MARK: Argilla

extension ForeignRankings {
    /// Every response to the record's questions whose value is a ranking.
    private static func argilla(_ record: JSON, _ labeler: String) throws(Fault) -> [PreferenceRecord] {
        guard let fields = record["fields"], let responses = record["responses"] else {
            throw Fault(reason: "fields and responses are expected")
        }
        var found: [PreferenceRecord] = []
        for name in responses.names {
            for response in responses[name]?.elements ?? [] {
                guard let ranks = try ranks(response["value"]) else { continue }
                // Sorted, so that every person's ranking is about the same comparison.
                let names = ranks.map(\.name).sorted()
                guard names.allSatisfy({ fields[$0]?.text != nil }) else {
                    throw Fault(reason: "responses.\(name) ranks \(names.joined(separator: ", ")), which are no fields")
                }
                let order = Dictionary(grouping: ranks, by: \.rank).sorted { $0.key < $1.key }
                let tiers = order.map { $0.value.compactMap { names.firstIndex(of: $0.name) }.sorted() }
                found.append(
                    try self.record(
                        question(in: fields, besides: names), names.map { (fields[$0]?.text ?? "", nil) }, tiers,
                        by: response["user_id"]?.text ?? labeler))
            }
        }
        return found
    }

    /// The ranks of a response: names from best to worst, or objects with `value` and `rank`. Nil for answers to other
    /// questions.
    private static func ranks(_ value: JSON?) throws(Fault) -> [(name: String, rank: Int64)]? {
        guard let elements = value?.elements, elements.count > 1 else { return nil }
        var ranks: [(name: String, rank: Int64)] = []
        for (index, element) in elements.enumerated() {
            if let name = element.text {
                ranks.append((name, Int64(index)))
            } else if let name = element["value"]?.text, let rank = element["rank"]?.integerValue {
                ranks.append((name, rank))
            } else {
                return nil
            }
        }
        guard Set(ranks.map(\.name)).count == ranks.count else { throw Fault(reason: "a field is ranked twice") }
        return ranks
    }
}

// MARK: Label Studio

extension ForeignRankings {
    /// Every annotation of a task with a result of the type `pairwise` or `ranker`.
    private static func labelStudio(_ task: JSON, _ labeler: String) throws(Fault) -> [PreferenceRecord] {
        guard let data = task["data"], let annotations = task["annotations"]?.elements else {
            throw Fault(reason: "data and annotations are expected: export as JSON, not as JSON-MIN")
        }
        var found: [PreferenceRecord] = []
        for annotation in annotations where annotation["was_cancelled"] != .bool(true) {
            let person = annotation["completed_by"]
            let name =
                person?.text ?? person?["email"]?.text ?? (person?["id"] ?? person)?.integerValue.map { "user \($0)" }
                ?? labeler
            for result in annotation["result"]?.elements ?? [] {
                switch result["type"]?.text {
                case "pairwise": found.append(try pairwise(result, data, by: name))
                case "ranker": found.append(try ranker(result, data, by: name))
                default: break
                }
            }
        }
        return found
    }

    private static func pairwise(_ result: JSON, _ data: JSON, by labeler: String) throws(Fault) -> PreferenceRecord {
        let names = (result["to_name"]?.text ?? "").split(separator: ",").map {
            String($0).trimmingCharacters(in: .whitespaces)
        }
        let texts = names.compactMap { data[$0]?.text }
        guard names.count == 2, texts.count == 2 else {
            throw Fault(
                reason:
                    "the pair \(result["to_name"]?.text ?? "") is not in data: name the tags like the fields, as in "
                    + "<Text name=\"answer1\" value=\"$answer1\"/>")
        }
        let tiers: [[Int]]
        switch result["value"]?["selected"]?.text {
        case "left": tiers = [[0], [1]]
        case "right": tiers = [[1], [0]]
        default: throw Fault(reason: "value.selected is neither left nor right")
        }
        return try record(question(in: data, besides: names), texts.map { ($0, nil) }, tiers, by: labeler)
    }

    /// A ranker without buckets: an array of item ids, or an object with one such array.
    private static func ranker(_ result: JSON, _ data: JSON, by labeler: String) throws(Fault) -> PreferenceRecord {
        let value = result["value"]?["ranker"]
        let order: [JSON]
        if let elements = value?.elements {
            order = elements
        } else if let names = value?.names, names.count == 1, let elements = value?[names[0]]?.elements {
            order = elements
        } else {
            throw Fault(reason: "value.ranker must be one order; buckets are no order")
        }
        let lists = data.names.filter { data[$0]?.elements?.first?["id"] != nil }
        guard lists.count == 1, let items = data[lists[0]]?.elements else {
            throw Fault(reason: "data must have one list of items with ids")
        }
        let ids = items.map { $0["id"]?.key }
        let tiers = order.map { id in ids.firstIndex { $0 != nil && $0 == id.key }.map { [$0] } ?? [] }
        let answers = items.map { item -> (text: String, policy: String?) in
            (item["body"]?.text ?? item["text"]?.text ?? item["title"]?.text ?? "", item["model"]?.text)
        }
        return try record(question(in: data, besides: []), answers, tiers, by: labeler)
    }
}

// MARK: Arena

extension ForeignRankings {
    private static func arena(_ battle: JSON, _ labeler: String) throws(Fault) -> PreferenceRecord {
        let sides = ["a", "b"].map { (battle["conversation_\($0)"]?.elements ?? [], battle["model_\($0)"]?.text) }
        var answers: [(text: String, policy: String?)] = []
        var question: String?
        for (turns, model) in sides {
            guard turns.count == 2, turns[0]["role"]?.text == "user", turns[1]["role"]?.text == "assistant",
                let asked = turns[0]["content"]?.text, let answer = turns[1]["content"]?.text
            else { throw Fault(reason: "it has several turns, or content other than text") }
            guard question == nil || question == asked else { throw Fault(reason: "the two questions differ") }
            question = asked
            answers.append((answer, model))
        }
        let tiers: [[Int]]
        switch battle["winner"]?.text {
        case "model_a": tiers = [[0], [1]]
        case "model_b": tiers = [[1], [0]]
        case "tie", "tie (bothbad)": tiers = [[0, 1]]
        default: throw Fault(reason: "winner must be model_a, model_b, tie or tie (bothbad)")
        }
        return try record(question ?? "", answers, tiers, by: battle["judge"]?.text ?? labeler)
    }
}

extension JSON {
    /// The member's value; nil if this is no object or has no such member.
    fileprivate subscript(name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    fileprivate var names: [String] {
        if case .object(let members) = self { members.map(\.name) } else { [] }
    }

    fileprivate var elements: [JSON]? { if case .array(let elements) = self { elements } else { nil } }

    fileprivate var text: String? { if case .string(let text) = self { text } else { nil } }

    /// An id as text: tools write numbers and strings.
    fileprivate var key: String? { text ?? integerValue.map { "\($0)" } }
}
