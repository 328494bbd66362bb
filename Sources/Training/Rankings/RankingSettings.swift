public import Datasets

/// What decides the bytes of a ranking run, beside its inputs.
public struct RankingSettings: Codable, Sendable {
    /// A right answer that questions can be chosen by. A policy that says no too readily is unsure of what is there
    /// more often than of what is not; rankings of its answers then teach yes, unless more is asked whose answer is no.
    public enum YesNo: String, Codable, CaseIterable, Sendable {
        case yes, no
    }

    /// Decides images, questions and draws.
    public var seed: UInt64 = 0
    /// What the images may be used for; test images are never ranked.
    public var split = SeedSplit.training
    /// Generated images are drawn of these alike; at least one.
    public var families = Family.allCases
    /// Prompts to sample.
    public var prompts = 4_000
    /// Answers to each prompt, 2 to 9.
    public var samples = 4
    /// How many of them are given to another image of the same kind: well written, and mostly wrong. What a policy
    /// draws about the image itself differs where it cannot tell; from that alone nobody learns what is right.
    public var distractorAnswers = 2
    /// Questions about one image, at most.
    public var questionsPerImage = 4
    /// If there are any, only what is rightly answered by one of these is asked.
    public var only: [YesNo] = []
    /// Tokens after which an answer is cut.
    public var maximumTokens = 96
    /// The share of training images that are easy-VQA's; the rest is generated, as all validation images are.
    public var easyVQAShare = 0.1
    /// The share of prompts that every labeler ranks, to measure agreement.
    public var agreementShare = 0.1

    /// The defaults.
    public init() {}

    /// Whether the run asks what is answered so.
    func asks(_ truth: GroundTruth) -> Bool {
        guard case .yesNo(let isYes) = truth else { return only.isEmpty }
        return only.isEmpty || only.contains(isYes ? .yes : .no)
    }

    /// Whether answer number `index` is a distractor one: they come last.
    func isDistractor(_ index: Int) -> Bool { index >= samples - distractorAnswers }

    private enum CodingKeys: String, CodingKey {
        case seed, split, families, prompts, samples, only, maximumTokens, easyVQAShare, agreementShare
        case distractorAnswers = "strayAnswers"
        case questionsPerImage = "questionsPerPicture"
    }
}
