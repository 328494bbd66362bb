import Crypto
public import Foundation
import Support

/// One labeler's ranking of answers to one question: the common schema for rankings by people and by rules.
///
/// JSON lines files hold one object per line; optional fields are left out if they are nil. Decoding is strict: unknown
/// fields, empty texts, and rankings that do not contain each completion exactly once are refused.
public struct PreferenceRecord: Codable, Sendable, Equatable {
    /// One of the ranked answers.
    public struct RankedCompletion: Codable, Sendable, Equatable {
        /// The answer's text as shown to the labeler.
        public let text: String
        /// The sampled tokens, including the end token if the answer ended; empty if unknown, as in imported pairs.
        public let tokens: [Int32]
        /// The policy that answered, as NAME@GENERATION, with `distractorMark` if about another image; nil if unknown.
        public let policy: String?
        /// Why the answer ended.
        public let finishReason: FinishReason

        /// An answer with the given fields. An empty name of a policy counts as unknown.
        public init(text: String, tokens: [Int32], policy: String?, finishReason: FinishReason) {
            self.text = text
            self.tokens = tokens
            self.policy = policy.flatMap { $0.isEmpty ? nil : $0 }
            self.finishReason = finishReason
        }

        /// The suffix of NAME@GENERATION for an answer about another image.
        package static let distractorMark = ", another picture"

        /// Whether the answer is about another image.
        package var isDistractor: Bool { policy?.hasSuffix(Self.distractorMark) ?? false }
    }

    /// Why an answer ended. The raw values are the words of the HTTP API.
    public enum FinishReason: String, Codable, Sendable, CaseIterable {
        /// The answer ended with its end token.
        case stop
        /// The answer reached the token limit.
        case length
    }

    /// The person or rule that ranked.
    public struct Labeler: Codable, Sendable, Hashable {
        /// The kind of labeler.
        public enum Kind: String, Codable, Sendable, CaseIterable {
            /// A person.
            case human
            /// A seeded rule that stands in for a person.
            case simulatedRule = "simulated-rule"
        }

        /// The kind of labeler.
        public let kind: Kind
        /// Its name within its kind.
        public let id: String

        /// The labeler with the given kind and name.
        public init(kind: Kind, id: String) {
            self.kind = kind
            self.id = id
        }
    }

    /// Two completions, by index, one of which the labeler prefers.
    public struct Pair: Sendable, Hashable {
        /// The index of the preferred completion.
        public let chosen: Int
        /// The index of the other completion.
        public let rejected: Int

        /// A preference between two completions.
        public init(chosen: Int, rejected: Int) {
            self.chosen = chosen
            self.rejected = rejected
        }
    }

    /// The allowed numbers of answers in one ranking.
    public static let completionCount = 2...9

    /// The comparison's id: other labelers' rankings of the same completions have the same id.
    public let id: String
    /// The image of the question; nil if it needs none.
    public let image: PreferenceImage?
    /// The user's turn, without a placeholder for the image.
    public let question: String
    /// The index of the question among the generated image's questions; nil for other questions.
    public let questionIndex: Int?
    /// The form that a generated question asks for; nil for other questions.
    public let form: FamilyQuestion.Form?
    /// 2 to 9 answers, in an order without meaning.
    public let completions: [RankedCompletion]
    /// Indices of completions from best to worst; ties share a tier, and each completion is in exactly one.
    public let tiers: [[Int]]
    /// The labeler.
    public let labeler: Labeler
    /// The base seed of sampling: a completion's own seed follows from it and the completion's index.
    public let seed: UInt64

    /// A ranking; see the properties.
    public init(
        id: String, image: PreferenceImage?, question: String, questionIndex: Int? = nil,
        form: FamilyQuestion.Form? = nil, completions: [RankedCompletion], tiers: [[Int]], labeler: Labeler,
        seed: UInt64
    ) {
        precondition(Self.completionCount.contains(completions.count), "a ranking has 2 to 9 candidates")
        precondition(Self.ranks(tiers, completions.count), "each candidate has its place in one tier")
        self.id = id
        self.image = image
        self.question = question
        self.questionIndex = questionIndex
        self.form = form
        self.completions = completions
        self.tiers = tiers
        self.labeler = labeler
        self.seed = seed
    }

    /// All preferred pairs; ties give none (Ouyang et al. 2022, appendix C.2).
    public var pairs: [Pair] { Self.pairs(of: tiers) }

    /// All preferred pairs of an order; ties give none.
    package static func pairs(of tiers: [[Int]]) -> [Pair] {
        tiers.indices.flatMap { better in
            tiers[(better + 1)...].joined().flatMap { rejected in
                tiers[better].map { Pair(chosen: $0, rejected: rejected) }
            }
        }
    }

    /// Whether `tiers` contain each of `0..<count` once, and no tier is empty.
    package static func ranks(_ tiers: [[Int]], _ count: Int) -> Bool {
        tiers.allSatisfy { !$0.isEmpty } && tiers.joined().sorted() == Array(0..<count)
    }
}

extension PreferenceRecord {
    enum CodingKeys: String, CodingKey {
        case id, question, questionIndex, form, tiers, labeler, seed
        case image = "picture"
        case completions = "candidates"
    }

    /// Throws `DecodingError` naming the field that is missing or wrong.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        let completions = try fields.decode([RankedCompletion].self, forKey: .completions)
        guard Self.completionCount.contains(completions.count) else {
            throw DecodingError.dataCorruptedError(
                forKey: .completions, in: fields, debugDescription: "expected 2 to 9, found \(completions.count)")
        }
        let tiers = try fields.decode([[Int]].self, forKey: .tiers)
        guard Self.ranks(tiers, completions.count) else {
            throw DecodingError.dataCorruptedError(
                forKey: .tiers, in: fields,
                debugDescription: "expected each of 0..<\(completions.count) once and no empty tier, found \(tiers)")
        }
        let questionIndex = try fields.decodeIfPresent(Int.self, forKey: .questionIndex)
        guard questionIndex ?? 0 >= 0 else {
            throw DecodingError.dataCorruptedError(
                forKey: .questionIndex, in: fields, debugDescription: "expected 0 or more")
        }
        self.init(
            id: try fields.decodeText(.id),
            image: try fields.decodeIfPresent(PreferenceImage.self, forKey: .image),
            question: try fields.decodeText(.question), questionIndex: questionIndex,
            form: try fields.decodeIfPresent(FamilyQuestion.Form.self, forKey: .form), completions: completions,
            tiers: tiers, labeler: try fields.decode(Labeler.self, forKey: .labeler),
            seed: try fields.decode(UInt64.self, forKey: .seed))
    }
}

extension PreferenceRecord.RankedCompletion {
    enum CodingKeys: String, CodingKey {
        case text, tokens, policy, finishReason
    }

    /// Throws `DecodingError` naming the field that is missing or wrong.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        let tokens = try fields.decode([Int32].self, forKey: .tokens)
        guard tokens.allSatisfy({ $0 >= 0 }) else {
            throw DecodingError.dataCorruptedError(
                forKey: .tokens, in: fields, debugDescription: "expected token ids of 0 or more")
        }
        self.init(
            text: try fields.decode(String.self, forKey: .text), tokens: tokens,
            policy: try fields.decodeIfPresent(String.self, forKey: .policy),
            finishReason: try fields.decode(PreferenceRecord.FinishReason.self, forKey: .finishReason))
    }
}

extension PreferenceRecord.Labeler {
    enum CodingKeys: String, CodingKey {
        case kind, id
    }

    /// Throws `DecodingError` naming the field that is missing or wrong.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(kind: try fields.decode(Kind.self, forKey: .kind), id: try fields.decodeText(.id))
    }
}

extension KeyedDecodingContainer {
    /// A non-empty text.
    fileprivate func decodeText(_ key: Key) throws -> String {
        let text = try decode(String.self, forKey: key)
        guard !text.isEmpty else {
            throw DecodingError.dataCorruptedError(forKey: key, in: self, debugDescription: "expected a text")
        }
        return text
    }
}

extension PreferenceRecord {
    /// The records of a JSON lines file, in order, without blank lines.
    ///
    /// - Throws: `PreferenceError` naming the file and the line.
    public static func load(path: String) throws(PreferenceError) -> [PreferenceRecord] {
        try numbered(path: path).map(\.record)
    }

    /// The records, each with its line number, counted from 1.
    public static func numbered(path: String) throws(PreferenceError) -> [(line: Int, record: PreferenceRecord)] {
        try PreferenceLines.load(PreferenceRecord.self, path: path) { $0 }.map { (line: $0.line, record: $0.value) }
    }

    /// The record as one line of a JSON lines file, including the line feed; fields are in alphabetical order.
    public func line() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self) + [UInt8(ascii: "\n")]
    }
}

/// Why preferences cannot be read from a file.
public enum PreferenceError: Error, Equatable, CustomStringConvertible {
    /// The file is missing or cannot be read.
    case unreadable(path: String)
    /// A line, counted from 1, is not a valid record.
    case malformed(path: String, line: Int, reason: String)

    /// What is wrong, and where.
    public var description: String {
        switch self {
        case .unreadable(let path): "\(path): cannot be read"
        case .malformed(let path, let line, let reason): "\(path): line \(line): \(reason)"
        }
    }
}

extension PreferenceRecord {
    /// The id of the comparison that `parts` describe completely: equal parts always give the same id.
    public static func id(of parts: [String]) -> String {
        let key = parts.map { "\($0.utf8.count):\($0)" }.joined()
        let digits = SHA256.hash(data: Data(key.utf8)).prefix(12).map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }
        return "cmp_" + digits.joined()
    }
}

/// Reads JSON lines files with errors that name file and line.
enum PreferenceLines {
    /// The results of `convert` for all lines that are not blank, in order, with the lines' numbers, counted from 1.
    /// Unknown fields are errors.
    static func load<Line: Codable, Value>(
        _ type: Line.Type, path: String, _ convert: (Line) throws -> Value
    ) throws(PreferenceError) -> [(line: Int, value: Value)] {
        guard let data = FileManager.default.contents(atPath: path) else { throw .unreadable(path: path) }
        var values: [(line: Int, value: Value)] = []
        for (index, line) in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        where !line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) {
            do {
                values.append((index + 1, try convert(try decodeStrictJSON(type, from: [UInt8](line)))))
            } catch {
                let reason = (error as? JSONFault)?.reason ?? "\(error)"
                throw .malformed(path: path, line: index + 1, reason: reason)
            }
        }
        return values
    }
}
