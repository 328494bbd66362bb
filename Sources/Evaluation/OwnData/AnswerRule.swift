package import Datasets
import Foundation
import Support

/// When an answer to a user's own question is right.
public struct AnswerRule: Codable, Sendable, Equatable {
    /// The kinds of rules.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// The expected text; white space around it and its amount between words do not matter, case does.
        case exact
        /// The expected words, one after the other and whole, anywhere in the answer; case does not matter.
        case contains
        /// The first number in the answer is the expected one, within the tolerance.
        case number
        /// A JSON object with the expected fields and no others; numbers are compared within the tolerance.
        case json
    }

    /// How far a number may be off.
    public enum Tolerance: Codable, Sendable, Equatable {
        /// In the unit of the number.
        case absolute(Double)
        /// As a share of the expected number's absolute value.
        case relative(Double)

        fileprivate func accepts(_ found: Double, for expected: Double) -> Bool {
            switch self {
            case .absolute(let limit): abs(found - expected) <= limit
            case .relative(let share): abs(found - expected) <= share * abs(expected)
            }
        }
    }

    /// The kind.
    public let kind: Kind
    /// The tolerance of `number` and `json`.
    public let tolerance: Tolerance

    /// A rule of that kind.
    public init(_ kind: Kind, tolerance: Tolerance = .absolute(0)) {
        self.kind = kind
        self.tolerance = tolerance
    }

    /// The rule for expected answers if a person names none: `json` if all are JSON objects, else `exact`.
    public init(fitting answers: some Sequence<String>) {
        self.init(answers.allSatisfy { Self.object($0) != nil } ? .json : .exact)
    }

    /// Checks the answers of `examples`.
    ///
    /// - Throws: `OwnDataError.badLines` if this rule cannot compare one of them.
    package func check(_ examples: [OwnExample]) throws(OwnDataError) {
        let faults = examples.compactMap { example in
            example.answer.flatMap(fault).map { OwnDataFault(source: example.source, reason: $0) }
        }
        guard faults.isEmpty else { throw .badLines(first: Array(faults.prefix(5)), count: faults.count) }
    }

    /// What is wrong with an expected answer that this rule cannot compare; nil if nothing is.
    public func fault(inExpected answer: String) -> String? {
        switch kind {
        case .exact: nil
        case .contains: Self.words(answer).isEmpty ? "the answer has no word" : nil
        case .number: Self.firstNumber(in: answer) == nil ? "the answer has no number" : nil
        case .json: Self.object(answer) == nil ? "the answer is no JSON object" : nil
        }
    }

    /// Whether `answer` is right where `expected` was demonstrated.
    public func accepts(_ answer: String, for expected: String) -> Bool {
        switch kind {
        case .exact: Self.plain(answer) == Self.plain(expected)
        case .contains: Self.has(Self.words(expected), in: Self.words(answer))
        case .number:
            if let found = Self.firstNumber(in: answer), let number = Self.firstNumber(in: expected) {
                tolerance.accepts(found, for: number)
            } else {
                false
            }
        case .json:
            if let found = Self.object(answer), let fields = Self.object(expected) {
                equal(found, fields)
            } else {
                false
            }
        }
    }

    private static func plain(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).joined(separator: " ").precomposedStringWithCanonicalMapping
    }

    private static func words(_ text: String) -> [String] {
        text.lowercased().split { !($0.isLetter || $0.isNumber) }.map(String.init)
    }

    private static func has(_ wanted: [String], in words: [String]) -> Bool {
        guard !wanted.isEmpty, wanted.count <= words.count else { return false }
        return (0...(words.count - wanted.count)).contains { words[$0..<$0 + wanted.count].elementsEqual(wanted) }
    }

    /// The first number in digits; commas between groups of three digits are left out.
    static func firstNumber(in text: String) -> Double? {
        guard let match = text.firstMatch(of: /-?[0-9]+(?:,[0-9]{3}(?![0-9]))*(?:\.[0-9]+)?/) else { return nil }
        return Double(match.output.filter { $0 != "," })
    }

    private static func object(_ text: String) -> JSON? {
        guard let value = try? JSON.parse([UInt8](text.utf8)), case .object = value else { return nil }
        return value
    }

    private func equal(_ found: JSON, _ expected: JSON) -> Bool {
        switch (found, expected) {
        case (.object(let some), .object(let others)):
            let fields = Dictionary(uniqueKeysWithValues: some.map { ($0.name, $0.value) })
            return some.count == others.count
                && others.allSatisfy { member in fields[member.name].map { equal($0, member.value) } ?? false }
        case (.array(let some), .array(let others)):
            return some.count == others.count && zip(some, others).allSatisfy { equal($0, $1) }
        case (.string(let one), .string(let other)): return Self.plain(one) == Self.plain(other)
        default:
            guard let one = found.doubleValue, let other = expected.doubleValue else { return found == expected }
            return tolerance.accepts(one, for: other)
        }
    }
}
