public import Policies

/// Why a policy cannot be tuned.
public enum TuneError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There are too few examples.
    case tooFew(what: String, expected: Int, found: Int)
    /// The data have too few questions that people can rank answers to.
    case tooFewPrompts(rankings: Int, prompts: Int)
    /// The queue has too few prompts whose sampled answers differ.
    case tooAlike(rankings: Int, prompts: Int)
    /// A rule needs easy-VQA, which is left out.
    case needsEasyVQA(metric: String)
    /// A rule is about documents, which the policy to start from does not read.
    case asksDocuments(metric: String, start: PolicyManifest.Reference)
    /// The policy to start from sees with the base model's own vision, which no measurement verifies.
    case baseVision(PolicyManifest.Reference)
    /// Another generation than the fine-tuned one is served, so people would rank the answers of the other one.
    case notCurrent(PolicyManifest.Reference, current: Int?)
    /// DPO has begun with fewer rankings.
    case begun(rankings: Int, found: Int)

    /// What is wrong, and what to do.
    public var description: String {
        switch self {
        case .tooFew(let what, let expected, let found):
            "--data: expected at least \(expected) \(what), found \(found); add examples"
        case .tooFewPrompts(let rankings, let prompts):
            "--rankings \(rankings): the examples to learn from have \(prompts) different questions about one image each; "
                + "ask for fewer rankings, or add examples"
        case .tooAlike(let rankings, let prompts):
            "--rankings \(rankings): only \(prompts) prompts have answers that differ; ask for fewer rankings"
        case .needsEasyVQA(let metric):
            "--rules: the rule for \(metric) asks easy-VQA's questions; name its folder with --easy-vqa"
        case .asksDocuments(let metric, let start):
            "--rules: the rule for \(metric) is about documents, which \(start.name)@\(start.generation) does not read; "
                + "name a policy that reads with --from"
        case .baseVision(let policy):
            "--from \(policy.name)@\(policy.generation): it sees with the base model's own vision, which measurements do "
                + "not verify; `apus train sft` trains it and `apus policy ship` publishes it"
        case .notCurrent(let policy, let current):
            "people rank answers of \(policy.name)@\(policy.generation), but "
                + (current.map { "generation \($0)" } ?? "no generation")
                + " is served; `apus policy rollback \(policy.name) --generation \(policy.generation)` serves it again"
        case .begun(let rankings, let found):
            "--rankings \(rankings): training has begun with \(found) rankings; ask for \(found), or choose another "
                + "folder with --run"
        }
    }
}
