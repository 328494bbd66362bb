public import Datasets

/// The settings that, together with the inputs, decide the bytes of a ranking run.
public struct RankingSettings: Codable, Sendable {
    /// A right answer by which questions can be chosen. A policy that says no too readily is unsure about present
    /// things more often than about absent ones. Rankings of its answers then teach it to say yes, unless more
    /// questions are asked whose right answer is no.
    public enum YesNo: String, Codable, CaseIterable, Sendable {
        case yes, no
    }

    /// Decides images, questions and samples.
    public var seed: UInt64 = 0
    /// The split of the images; test images are never ranked.
    public var split = SeedSplit.training
    /// The families of the generated images, drawn with equal probability; at least one.
    public var families = Family.allCases
    /// The number of prompts to sample.
    public var prompts = 4_000
    /// The number of answers to each prompt, 2 to 9.
    public var samples = 4
    /// How many of them are distractors, given to another image of the same kind: well written, and mostly wrong.
    /// Samples for the image itself differ only where the policy is unsure, which alone does not show what is right.
    public var distractorAnswers = 2
    /// Upper bound on the questions about one image.
    public var questionsPerImage = 4
    /// If there are any, only what is rightly answered by one of these is asked.
    public var only: [YesNo] = []
    /// Answers are cut after this many tokens.
    public var maximumTokens = 96
    /// The share of easy-VQA's images among training images; all others, and all validation images, are generated.
    public var easyVQAShare = 0.1
    /// The share of prompts that every labeler ranks, to measure agreement.
    public var agreementShare = 0.1

    /// The default settings.
    public init() {}

    /// Whether the run asks questions with this truth.
    func asks(_ truth: GroundTruth) -> Bool {
        guard case .yesNo(let isYes) = truth else { return only.isEmpty }
        return only.isEmpty || only.contains(isYes ? .yes : .no)
    }

    /// Whether answer `index` is a distractor; distractors come last.
    func isDistractor(_ index: Int) -> Bool { index >= samples - distractorAnswers }

    private enum CodingKeys: String, CodingKey {
        case seed, split, families, prompts, samples, only, maximumTokens, easyVQAShare, agreementShare
        case distractorAnswers = "strayAnswers"
        case questionsPerImage = "questionsPerPicture"
    }
}
