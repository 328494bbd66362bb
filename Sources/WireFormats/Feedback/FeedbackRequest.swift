import Support

/// The body of `POST /v1/feedback`: a ranking, a skip or a thumb.
public struct FeedbackRequest: RequestBody, Equatable {
    /// The three kinds of feedback.
    public enum Opinion: Sendable, Equatable {
        /// The order of a comparison's answers.
        case ranking(Ranking)
        /// The wish not to rank a comparison.
        case skip(comparison: String)
        /// Approval or disapproval of one answer.
        case thumb(Thumb)
    }

    /// An order of answers.
    public struct Ranking: Sendable, Equatable {
        /// The comparison's id.
        public var comparison: String
        /// Candidate ids from best to worst; ties share a tier.
        public var tiers: [[String]]
        /// Whether even the best answer is bad.
        public var isAllBad: Bool?
        /// What is wrong with candidates, by id.
        public var flags: [String: [String]] = [:]
        /// The time that the ranking took, in seconds.
        public var seconds: Double?
    }

    /// An opinion of one answer.
    public struct Thumb: Sendable, Equatable {
        /// Whether the answer is good.
        public var isUp: Bool
        /// The dialogue before the answer.
        public var messages: [DialogueMessage]
        /// The field that contains the dialogue.
        public var param: String
        /// The answer.
        public var answer: String
        /// The policy that answered.
        public var model: String?
        /// Its generation.
        public var generation: Int?
        /// The seed of sampling.
        public var seed: Int64?
    }

    /// What is said.
    public var opinion: Opinion
    /// The person.
    public var labeler: LabelerName
    /// Remarks.
    public var comment: String?
    /// A better answer, written by hand.
    public var better: String?
    /// Whether the person lets the feedback be used; nil if that was not asked.
    public var consent: Bool?

    /// The flags that an answer can have.
    public static let flags = ["wrong", "invented", "unsafe"]

    /// Parses a JSON body: exactly one of `ranking`, `skip` and `thumb` says what it is.
    public init(_ fields: inout FieldReader) throws(APIError) {
        let kinds = ["ranking", "skip", "thumb"].filter { fields.value($0) != nil }
        guard kinds.count == 1 else {
            throw kinds.isEmpty
                ? APIError(.missingParameter, "One of ranking, skip and thumb is required.", param: "ranking")
                : APIError(.invalidValue, "Only one of \(kinds.joined(separator: ", ")) is allowed.", param: kinds[1])
        }
        labeler = try fields.labeler() ?? .anonymous
        switch kinds[0] {
        case "ranking": opinion = .ranking(try Self.ranking(&fields))
        case "skip":
            try fields.accept("skip", only: true)
            opinion = .skip(comparison: try fields.require(fields.text("comparison_id", bytes: 64), "comparison_id"))
        default: opinion = .thumb(try Self.thumb(&fields))
        }
        if kinds[0] != "skip" {
            comment = try Self.comment(&fields)
            better = try fields.text("better", bytes: FeedbackLimits.answer)
            if let better, better.isBlank {
                throw APIError(.invalidValue, "better must not be empty.", param: "better")
            }
            consent = try fields.bool("consent")
        }
        try fields.finish()
    }

    private static func comment(_ fields: inout FieldReader) throws(APIError) -> String? {
        guard let comment = try fields.string("comment") else { return nil }
        guard comment.unicodeScalars.count <= FeedbackLimits.comment else {
            throw APIError(
                .invalidValue,
                "comment has \(comment.unicodeScalars.count) characters, more than \(FeedbackLimits.comment).",
                param: "comment")
        }
        return comment
    }

    private static func ranking(_ fields: inout FieldReader) throws(APIError) -> Ranking {
        let comparison = try fields.require(fields.text("comparison_id", bytes: 64), "comparison_id")
        let values = try fields.require(fields.array("ranking"), "ranking")
        var tiers: [[String]] = []
        for (index, value) in values.enumerated() { tiers.append(try strings(value, path: "ranking[\(index)]")) }
        var ranking = Ranking(comparison: comparison, tiers: tiers)
        ranking.isAllBad = try fields.bool("all_bad")
        ranking.seconds = try fields.number("seconds", in: 0...1e6)
        if var flags = try fields.object("flags") {
            for name in flags.names {
                guard let value = flags.value(name) else { continue }
                let path = String(flags.path(of: name).prefix(200))
                let found = try strings(value, path: path)
                guard found.allSatisfy(Self.flags.contains), Set(found).count == found.count else {
                    throw APIError(
                        .invalidValue, "\(path) must have each of wrong, invented and unsafe once or not at all.",
                        param: path)
                }
                ranking.flags[name] = found
            }
        }
        return ranking
    }

    private static func strings(_ value: JSON, path: String) throws(APIError) -> [String] {
        guard case .array(let elements) = value else {
            throw APIError(.invalidType, "\(path) must be an array, not \(value.kind).", param: path)
        }
        var strings: [String] = []
        for element in elements {
            guard case .string(let text) = element else {
                throw APIError(.invalidType, "\(path) must have strings, not \(element.kind).", param: path)
            }
            strings.append(text)
        }
        return strings
    }

    private static func thumb(_ fields: inout FieldReader) throws(APIError) -> Thumb {
        let direction = try fields.require(fields.string("thumb"), "thumb")
        guard ["up", "down"].contains(direction) else {
            throw APIError(.invalidValue, "thumb must be up or down.", param: "thumb")
        }
        let (messages, param) = try fields.keptDialogue()
        let answer = try fields.require(fields.text("answer", bytes: FeedbackLimits.answer), "answer")
        guard !answer.isBlank else { throw APIError(.invalidValue, "answer must not be empty.", param: "answer") }
        var thumb = Thumb(isUp: direction == "up", messages: messages, param: param, answer: answer)
        thumb.model = try fields.text("model", bytes: 128)
        thumb.generation = try fields.integer("generation", in: 0...Int64(Int32.max)).map { Int($0) }
        thumb.seed = try fields.integer("seed")
        return thumb
    }
}

extension String {
    /// Whether there is nothing to read.
    fileprivate var isBlank: Bool { allSatisfy(\.isWhitespace) }
}
