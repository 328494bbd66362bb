/// Answers to one question, ranked by one labeler: the one schema for the rankings of people and of rules.
///
/// An object a line in JSON lines files; optional fields are left out where they are nil. Decoding is strict: unknown
/// fields, rankings that do not rank each candidate once and empty texts are refused.
public struct PreferenceRecord: Codable, Sendable, Equatable {
    /// One of the ranked answers.
    public struct RankedCompletion: Codable, Sendable, Equatable {
        /// The answer as it was shown.
        public let text: String
        /// The tokens as sampled, the end token included if it came; empty if unknown, as in imported pairs.
        public let tokens: [Int32]
        /// Who answered, as NAME@GENERATION, with `distractorMark` if about another image; nil if unknown.
        public let policy: String?
        /// Why the answer ended.
        public let finishReason: FinishReason

        /// An answer.
        public init(text: String, tokens: [Int32], policy: String?, finishReason: FinishReason) {
            self.text = text
            self.tokens = tokens
            self.policy = policy
            self.finishReason = finishReason
        }

        /// What stands behind NAME@GENERATION if the policy was asked about another image.
        package static let distractorMark = ", another picture"

        /// Whether it was given to another image.
        package var isDistractor: Bool { policy?.hasSuffix(Self.distractorMark) ?? false }
    }

    /// Why an answer ended; raw values are the HTTP API's.
    public enum FinishReason: String, Codable, Sendable, CaseIterable {
        /// By its end token.
        case stop
        /// At the limit of tokens.
        case length
    }

    /// Who ranked.
    public struct Labeler: Codable, Sendable, Hashable {
        /// What ranks.
        public enum Kind: String, Codable, Sendable, CaseIterable {
            /// A person.
            case human
            /// A seeded rule that stands in for a person.
            case simulatedRule = "simulated-rule"
        }

        /// What it is.
        public let kind: Kind
        /// Its name among its kind.
        public let id: String

        /// A labeler.
        public init(kind: Kind, id: String) {
            self.kind = kind
            self.id = id
        }
    }

    /// Two candidates, by index, of which the labeler prefers one.
    public struct Pair: Sendable, Hashable {
        /// The preferred one.
        public let chosen: Int
        /// The other one.
        public let rejected: Int

        /// A preference.
        public init(chosen: Int, rejected: Int) {
            self.chosen = chosen
            self.rejected = rejected
        }
    }

    /// How many answers one ranking has.
    public static let completionCount = 2...9

    /// The comparison: rankings of the same candidates by other labelers have the same one.
    public let id: String
    /// What the question is about; nil if it needs no image.
    public let image: PreferenceImage?
    /// The user's turn, without the image's place.
    public let question: String
    /// Which of the generated image's questions it is; nil if it is none of them.
    public let questionIndex: Int?
    /// The form that the generated question asks for; nil if it is none.
    public let form: FamilyQuestion.Form?
    /// 2 to 9 answers, in an order that says nothing.
    public let completions: [RankedCompletion]
    /// Indices of candidates from best to worst; ties share a tier, and each candidate is in one.
    public let tiers: [[Int]]
    /// Who ranked.
    public let labeler: Labeler
    /// What the candidates were sampled with: their sampling seeds follow from it and their index.
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

    /// Every preferred pair; ties give none (Ouyang et al. 2022, appendix C.2).
    public var pairs: [Pair] {
        tiers.indices.flatMap { better in
            tiers[(better + 1)...].joined().flatMap { rejected in
                tiers[better].map { Pair(chosen: $0, rejected: rejected) }
            }
        }
    }

    /// Whether `tiers` hold each of `0..<count` once, and none of them is empty.
    package static func ranks(_ tiers: [[Int]], _ count: Int) -> Bool {
        tiers.allSatisfy { !$0.isEmpty } && tiers.joined().sorted() == Array(0..<count)
    }
}
