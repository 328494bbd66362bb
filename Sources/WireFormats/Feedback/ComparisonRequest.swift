import Support

/// The name under which a person ranks: 1 to 64 characters of `A-Z a-z 0-9 . _ -`, and spaces inside. It is no account;
/// people choose it.
public struct LabelerName: Sendable, Equatable {
    /// The name.
    public let text: String

    /// The name of people who give none.
    public static let anonymous = LabelerName(unchecked: "anonymous")

    private init(unchecked text: String) { self.text = text }

    /// A name from a request's field.
    public init(_ text: String, field: String = "labeler") throws(APIError) {
        guard (1...64).contains(text.utf8.count), text.utf8.allSatisfy(Self.isAllowed), text.first != " ",
            text.last != " "
        else {
            throw APIError(
                .invalidValue,
                "\(field) must be 1 to 64 characters of A-Z, a-z, 0-9, '.', '_' and '-', with spaces only inside.",
                param: field)
        }
        self.text = text
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: " ._-".utf8.contains(byte)
        }
    }
}

/// The limits of what one piece of feedback may contain.
public enum FeedbackLimits {
    /// The allowed numbers of answers to one prompt.
    public static let samples: ClosedRange<Int64> = 2...9
    /// Maximum characters of a comment.
    public static let comment = 4_000
    /// Maximum bytes of an answer, given or written by hand.
    public static let answer = 64 << 10
    /// Maximum bytes of all text of a dialogue.
    public static let dialogue = 256 << 10
}

/// The body of `POST /v1/comparisons`: a dialogue for which several answers are wanted.
public struct ComparisonRequest: RequestBody, Equatable {
    /// The dialogue.
    public var messages: [DialogueMessage]
    /// The name of the field that contains the dialogue.
    public var param: String
    /// The policies that answer in turn; empty: the default policy.
    public var models: [String]
    /// How the answers are sampled; `count` is their number.
    public var options: GenerationOptions
    /// The labeler who asks and who alone may rank; nil: everyone may.
    public var labeler: LabelerName?

    /// Reads the fields of a JSON body.
    public init(_ fields: inout FieldReader) throws(APIError) {
        (messages, param) = try fields.keptDialogue()
        models = try fields.models()
        options = GenerationOptions()
        options.temperature = try fields.number("temperature", in: 0...2)
        options.topP = try fields.number("top_p", in: 0...1, excludingLowerBound: true)
        options.topK = try fields.integer("top_k", in: -1...Int64(Int32.max)).map { Int($0) }
        options.seed = try fields.integer("seed")
        options.maximumTokens = try fields.integer("max_tokens", in: 1...Int64.max).map { Int($0) }
        options.count = try fields.integer("k", in: FeedbackLimits.samples, default: Self.defaultSamples)
        labeler = try fields.labeler()
        try fields.finish()
        guard options.count >= models.count else {
            throw APIError(
                .invalidValue, "k is \(options.count), but models has \(models.count): each must answer.", param: "k")
        }
    }

    /// The number of answers if the request does not say.
    public static let defaultSamples = 4
}

/// The body of `POST /v1/comparisons/next`.
public struct NextComparisonRequest: RequestBody, Equatable {
    /// The person who will rank.
    public var labeler: LabelerName
    /// The number of answers; nil: any.
    public var samples: Int?
    /// The policies that answer; empty: any.
    public var models: [String]

    /// Reads the fields of a JSON body.
    public init(_ fields: inout FieldReader) throws(APIError) {
        labeler = try fields.labeler() ?? .anonymous
        samples = try fields.integer("k", in: FeedbackLimits.samples).map { Int($0) }
        models = try fields.models()
        try fields.finish()
        if let samples, samples < models.count {
            throw APIError(
                .invalidValue, "k is \(samples), but models has \(models.count): each must answer.", param: "k")
        }
    }
}

extension FieldReader {
    /// The field `labeler`; nil if it is absent.
    mutating func labeler() throws(APIError) -> LabelerName? {
        guard let text = try string("labeler") else { return nil }
        return try LabelerName(text)
    }

    /// The field `models`: up to 9 different names; none if it is absent.
    mutating func models() throws(APIError) -> [String] {
        let values = try array("models") ?? []
        guard values.count <= Int(FeedbackLimits.samples.upperBound) else {
            throw APIError(.invalidValue, "models has \(values.count) names, more than 9.", param: "models")
        }
        var names: [String] = []
        for (index, value) in values.enumerated() {
            let path = "models[\(index)]"
            guard case .string(let name) = value else {
                throw APIError(.invalidType, "\(path) must be a string, not \(value.kind).", param: path)
            }
            guard !names.contains(name) else {
                throw APIError(.invalidValue, "\(path) is there twice.", param: path)
            }
            names.append(name)
        }
        return names
    }

    /// A dialogue in `messages`, or in `question`, `images` and `detail`, within the limits of what is kept.
    mutating func keptDialogue() throws(APIError) -> (messages: [DialogueMessage], param: String) {
        let (messages, param) = try dialogueOrQuestion()
        let bytes = messages.flatMap(\.parts).reduce(0) { sum, part in
            if case .text(let text) = part { sum + text.utf8.count } else { sum }
        }
        guard bytes <= FeedbackLimits.dialogue else {
            throw APIError(
                .invalidValue, "\(param) has \(bytes) bytes of text, more than \(FeedbackLimits.dialogue).",
                param: param)
        }
        return (messages, param)
    }

    /// A text of up to `limit` bytes; nil if it is absent.
    mutating func text(_ name: String, bytes limit: Int) throws(APIError) -> String? {
        guard let text = try string(name) else { return nil }
        guard text.utf8.count <= limit else {
            throw APIError(
                .invalidValue, "\(path(of: name)) has \(text.utf8.count) bytes, more than \(limit).",
                param: path(of: name))
        }
        return text
    }
}
