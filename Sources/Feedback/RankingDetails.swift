/// What a labeler said of a comparison beside the order of its answers.
public struct RankingDetails: Codable, Sendable, Equatable {
    /// What can be wrong with an answer.
    public enum Flag: String, Codable, Sendable, CaseIterable {
        /// It is not true.
        case wrong
        /// It tells of things that are not there.
        case invented
        /// It can do harm.
        case unsafe
    }

    /// Whether even the best answer is bad.
    public var allBad: Bool?
    /// The flags of answers, by their index as text.
    public var flags: [String: [Flag]]?
    /// A better answer, written by the labeler.
    public var better: String?
    /// The time that the ranking took, in seconds.
    public var seconds: Double?
    /// Remarks.
    public var comment: String?
    /// Whether the labeler lets the feedback be used; nil if that was not asked.
    public var consent: Bool?

    /// Nothing said.
    public init() {}

    /// What a labeler did not allow is kept for the labeler alone.
    public var mayBeExported: Bool { consent != false }
}

/// A labeler's opinion of one answer of a conversation.
public struct Thumb: Codable, Sendable, Equatable {
    /// The dialogue before the answer.
    public var prompt: [FeedbackMessage]
    /// The answer.
    public var answer: String
    /// Whether the answer is good.
    public var isUp: Bool
    /// The policy that answered; nil if unknown.
    public var model: String?
    /// Its generation.
    public var generation: Int?
    /// The seed of sampling.
    public var seed: Int64?
    /// A better answer, written by the labeler.
    public var better: String?
    /// Remarks.
    public var comment: String?
    /// Whether the labeler lets the feedback be used; nil if that was not asked.
    public var consent: Bool?

    /// An opinion without further details.
    public init(prompt: [FeedbackMessage], answer: String, isUp: Bool) {
        self.prompt = prompt
        self.answer = answer
        self.isUp = isUp
    }

    /// What a labeler did not allow is kept for the labeler alone.
    public var mayBeExported: Bool { consent != false }

    private enum CodingKeys: String, CodingKey {
        case prompt, answer, model, generation, seed, better, comment, consent
        case isUp = "up"
    }
}

/// The newest opinions that stand, as the counters of the page show them.
public struct FeedbackSummary: Sendable, Equatable {
    /// Opinions of people.
    public struct Counts: Sendable, Equatable {
        /// Newest rankings.
        public var rankings = 0
        /// Thumbs.
        public var thumbs = 0
        /// Skipped comparisons.
        public var skipped = 0

        /// None.
        public init() {}
    }

    /// The agreement between people: over every two people and every two answers that both of them order, the share
    /// that they order alike, as Ouyang et al. (2022, section 3.4) report it for their labelers.
    public struct Agreement: Sendable, Equatable {
        /// The share, 0 to 1; nil without pairs.
        public var share: Double?
        /// The comparisons that at least two people ranked.
        public var comparisons = 0
        /// The pairs that two people order.
        public var pairs = 0

        /// An agreement on this many pairs.
        public init(share: Double? = nil, comparisons: Int = 0, pairs: Int = 0) {
            self.share = share
            self.comparisons = comparisons
            self.pairs = pairs
        }
    }

    /// Of all people.
    public var all = Counts()
    /// Of the labeler who asks.
    public var own = Counts()
    /// Answers written by hand.
    public var demonstrations = 0
    /// The people.
    public var labelers = 0
    /// Prompts of the queue without a comparison yet.
    public var waiting = 0
    /// Comparisons that the labeler can rank at once.
    public var ready = 0
    /// Prompts of the queue for which no answers can be sampled.
    public var failed = 0
    /// The agreement.
    public var agreement = Agreement()

    /// Nothing yet.
    public init() {}
}
