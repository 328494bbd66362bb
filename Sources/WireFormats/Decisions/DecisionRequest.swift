import Foundation
public import Support

/// The body of `POST /v1/decisions`: which of several answers a policy finds likely.
public struct DecisionRequest: RequestBody, Equatable {
    /// The kinds of decisions.
    public enum Kind: Sendable, Equatable {
        /// One of the given answers.
        case choice([String])
        /// Yes or no, in any of their spellings.
        case yesNo
        /// A whole number of the range.
        case score(ClosedRange<Int>)
    }

    /// The requested policy; nil for the default policy.
    public var model: String?
    /// The dialogue before the answer.
    public var messages: [DialogueMessage]
    /// The name of the field that contains the dialogue.
    public var param: String
    /// What is decided.
    public var kind: Kind

    /// Most answers to choose from.
    private static let maximumChoices = 64

    /// Reads the fields of a JSON body. Throws for fields without effect.
    public init(_ fields: inout FieldReader) throws(APIError) {
        model = try fields.string("model")
        (messages, param) = try fields.dialogueOrQuestion()
        let name = try fields.require(fields.string("kind"), "kind")
        fields.describe("kind", as: ["choice", "yes_no", "score"])
        switch name {
        case "choice": kind = .choice(try Self.choices(&fields))
        case "yes_no": kind = .yesNo
        case "score": kind = .score(try Self.range(&fields))
        default: throw APIError(.invalidValue, "kind must be choice, yes_no or score.", param: "kind")
        }
        for name in ["choices", "range"] where fields.value(name) != nil {
            if case .choice = kind, name == "choices" { continue }
            if case .score = kind, name == "range" { continue }
            throw APIError(.invalidValue, "\(name) does not belong to this kind.", param: name)
        }
        try fields.finish()
    }

    private static func choices(_ fields: inout FieldReader) throws(APIError) -> [String] {
        let values = try fields.require(fields.array("choices"), "choices")
        guard (2...maximumChoices).contains(values.count) else {
            throw APIError(
                .invalidValue, "choices has \(values.count) strings, but must have 2 to \(maximumChoices).",
                param: "choices")
        }
        var choices: [String] = []
        for (index, value) in values.enumerated() {
            let path = "choices[\(index)]"
            guard case .string(let text) = value else {
                throw APIError(.invalidType, "\(path) must be a string, not \(value.kind).", param: path)
            }
            guard !text.isEmpty, !choices.contains(text) else {
                throw APIError(.invalidValue, "\(path) is empty or there twice.", param: path)
            }
            choices.append(text)
        }
        return choices
    }

    private static func range(_ fields: inout FieldReader) throws(APIError) -> ClosedRange<Int> {
        guard let values = try fields.array("range") else { return 0...10 }
        let bounds = values.compactMap(\.integerValue)
        guard bounds.count == 2, values.count == 2, bounds.allSatisfy({ (-1_000_000...1_000_000).contains($0) }),
            bounds[0] < bounds[1],
            bounds[1] - bounds[0] < maximumChoices
        else {
            throw APIError(
                .invalidValue,
                "range must be two whole numbers, the lower one first, of at most \(maximumChoices) values.",
                param: "range")
        }
        return Int(bounds[0])...Int(bounds[1])
    }

    /// The answers whose likelihoods decide.
    public var answers: [String] {
        switch kind {
        case .choice(let choices): choices
        case .yesNo: ["yes", "Yes", "no", "No"]
        case .score(let range): range.map(String.init)
        }
    }

    /// The response.
    ///
    /// - Parameter logProbabilities: of `answers`, in nats.
    public func response(model: String, generation: Int, logProbabilities: [Double], usage: Usage) -> JSON {
        let all = Self.normalized(logProbabilities)
        let (probabilities, result): ([Double], JSON.Member)
        switch kind {
        case .choice(let choices):
            let best = all.indices.reduce(0) { all[$1] > all[$0] ? $1 : $0 }
            (probabilities, result) = (all, .init("choice", .string(choices[best])))
        case .yesNo:
            let yes = all[0] + all[1]
            (probabilities, result) = ([yes, 1 - yes], .init("answer", yes >= 0.5 ? "yes" : "no"))
        case .score(let range):
            let mean = zip(range, all).reduce(0) { $0 + Double($1.0) * $1.1 }
            (probabilities, result) = (all, .init("score", JSON(mean)))
        }
        return .object([
            .init("object", "decision"), .init("model", .string(model)), .init("generation", JSON(generation)),
            .init("probabilities", .array(probabilities.map { JSON($0) })), result, .init("usage", usage.json),
        ])
    }

    /// The softmax of log-probabilities.
    static func normalized(_ values: [Double]) -> [Double] {
        let most = values.max() ?? 0
        let weights = values.map { exp($0 - most) }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }
}
