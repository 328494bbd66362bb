import Tokenizers

/// What is noteworthy about own data before anybody trains on them: counts, repetitions, contradictions, leaks and
/// answers that are very common.
public struct OwnDataFindings: Sendable, Equatable {
    /// An answer and how often it is given.
    public struct CommonAnswer: Sendable, Equatable {
        /// The answer.
        public let text: String
        /// The number of examples with it.
        public let count: Int
    }

    /// Examples of which one repeats the other.
    public struct Repetition: Sendable, Equatable {
        /// The example that comes first.
        public let first: OwnExample.Source
        /// The example with the same images and the same conversation before the answer.
        public let second: OwnExample.Source
    }

    /// The share of the answers from which one is called common.
    public static let commonShare = 0.1

    /// Examples, with or without an answer.
    public let examples: Int
    /// Prompts without an answer.
    public let prompts: Int
    /// Examples without an image.
    public let withoutImage: Int
    /// Examples with more than one image.
    public let withSeveralImages: Int
    /// Examples with earlier answers before their own.
    public let laterTurns: Int
    /// Examples whose last question shows an image behind text.
    public let imageAfterText: Int
    /// Distinct images.
    public let images: Int
    /// Distinct texts of the last question.
    public let questions: Int
    /// Examples by the split that their file names; those without a split are not counted.
    public let splits: [OwnExample.Split: Int]
    /// Examples with the same images, conversation and answer.
    public let duplicates: [Repetition]
    /// Examples with the same images and conversation and different answers.
    public let contradictions: [Repetition]
    /// Images in training and in a held-out split.
    public let leaks: [OwnDataFault]
    /// The answers with at least `commonShare` of all, most common first.
    public let commonAnswers: [CommonAnswer]

    private struct Key: Hashable {
        let digests: [String]
        let conversation: [String]
    }

    /// Looks through `examples`.
    public init(_ examples: [OwnExample]) {
        self.examples = examples.count
        prompts = examples.count { $0.answer == nil }
        withoutImage = examples.count { $0.images.isEmpty }
        withSeveralImages = examples.count { $0.images.count > 1 }
        laterTurns = examples.count { $0.messages.contains { $0.role == .assistant } }
        imageAfterText = examples.count(where: \.showsImageAfterText)
        images = Set(examples.flatMap { $0.images.map(\.digest) }).count
        questions = Set(examples.map(\.question)).count
        splits = Dictionary(grouping: examples.compactMap(\.split)) { $0 }.mapValues(\.count)
        leaks = OwnDataSplit.leaks(in: examples)
        (duplicates, contradictions) = Self.repetitions(in: examples)
        commonAnswers = Self.commonAnswers(in: examples)
    }

    private static func repetitions(
        in examples: [OwnExample]
    ) -> (duplicates: [Repetition], contradictions: [Repetition]) {
        var seen: [Key: OwnExample] = [:]
        var (duplicates, contradictions): ([Repetition], [Repetition]) = ([], [])
        for example in examples {
            let conversation = example.messages.map { "\($0.role.rawValue) \($0.content)" }
            let key = Key(digests: example.images.map(\.digest), conversation: conversation)
            guard let first = seen[key] else {
                seen[key] = example
                continue
            }
            let pair = Repetition(first: first.source, second: example.source)
            if first.answer == example.answer {
                duplicates.append(pair)
            } else if first.answer != nil, example.answer != nil {
                // A prompt without an answer contradicts nothing.
                contradictions.append(pair)
            }
        }
        return (duplicates, contradictions)
    }

    private static func commonAnswers(in examples: [OwnExample]) -> [CommonAnswer] {
        let counts = Dictionary(grouping: examples.compactMap(\.answer)) { $0 }.mapValues(\.count)
        let total = counts.values.reduce(0, +)
        return counts.filter { Double($0.value) >= commonShare * Double(total) }
            .map { CommonAnswer(text: $0.key, count: $0.value) }
            .sorted { ($1.count, $0.text) < ($0.count, $1.text) }
    }
}

/// The least, the median, the 90th percentile and the greatest of some lengths.
public struct LengthQuantiles: Sendable, Equatable {
    /// The least.
    public let minimum: Int
    /// The median.
    public let median: Int
    /// The 90th percentile.
    public let p90: Int
    /// The greatest.
    public let maximum: Int

    /// The quantiles of `lengths` by nearest rank; nil if there are none.
    public init?(_ lengths: [Int]) {
        let sorted = lengths.sorted()
        guard let first = sorted.first, let last = sorted.last else { return nil }
        func rank(_ share: Double) -> Int { sorted[max(0, Int((share * Double(sorted.count)).rounded(.up)) - 1)] }
        (minimum, median, p90, maximum) = (first, rank(0.5), rank(0.9), last)
    }
}
