public import Checkpoints
import Foundation
public import Policies

/// What a policy's evaluation found, and of which bytes: `evaluation.json` in a run folder.
public struct PolicyEvaluation: Codable, Sendable, Equatable {
    /// The weights that were evaluated.
    public var policy: PolicyDigests
    /// Those that they were compared with; nil if with none.
    public var parent: PolicyDigests?
    /// Results by name: accuracies and other shares from 0 to 1, ratios, controls, and how many questions were asked.
    public var metrics: [String: Double]

    /// An evaluation of the given bytes.
    public init(policy: PolicyDigests, parent: PolicyDigests?, metrics: [String: Double]) {
        self.policy = policy
        self.parent = parent
        self.metrics = metrics
    }

    /// Reads `evaluation.json`.
    public init(path: String) throws(FileError) {
        self = try decodeSmallFile(Self.self, path: path)
    }

    /// Writes `evaluation.json`: all of it or nothing.
    public func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write([UInt8](try encoder.encode(self)) + [UInt8(ascii: "\n")], to: path)
    }

    private enum CodingKeys: String, CodingKey {
        case policy, parent
        case metrics = "figures"
    }
}

/// What a policy's metrics must reach before people are served by it.
///
/// Controls are bounded from above: a policy that answers as well without the image has learned something else.
public struct PolicyGate: Sendable {
    /// A bound of one metric.
    public struct Rule: Sendable, Equatable {
        /// The metric's name.
        public var metric: String
        /// What the metric may be.
        public var range: ClosedRange<Double>

        static func least(_ metric: String, _ value: Double) -> Rule {
            Rule(metric: metric, range: value ... .infinity)
        }

        static func most(_ metric: String, _ value: Double) -> Rule { Rule(metric: metric, range: -.infinity...value) }
    }

    /// All of them must hold.
    public let rules: [Rule]

    /// Of every policy: it answers all of easy-VQA's test questions, sees, still writes,
    /// and ends its replies to text no less often than the base model.
    public static let fineTuned = PolicyGate(rules: [
        .least("easy_vqa_questions", 9_673), .least("easy_vqa_overall", 0.99), .least("easy_vqa_open", 0.995),
        .least("easy_vqa_blank_questions", 1_000), .most("easy_vqa_blank", 0.68),
        .least("easy_vqa_swapped_questions", 1_000), .most("easy_vqa_swapped", 0.68),
        .most("text_perplexity_ratio", 1.05), .least("text_prompts", 200), .least("text_replies_ended_gain", 0),
    ])

    /// Of what reinforcement made: it must also be preferred to what it started from, and have stayed near it.
    /// Preferred where that is of two minds: to other questions both mostly say the same, and the more the better it
    /// was.
    public static let reinforced = PolicyGate(
        rules: fineTuned.rules + [
            .least("win_rate_pairs", 2_000), .least("win_rate", 0.5), .least("contested_win_rate_pairs", 2_000),
            .least("contested_win_rate", 0.55), .least("contested_win_rate_low", 0.52),
            .most("kl_over_target", 2), .least("questions_a_family", 500), .most("largest_family_drop", 0.02),
            .most("absent_named_ratio", 0.7),
        ])

    /// Why a policy may not be served: one line a rule that does not hold. A metric that is missing holds nothing.
    ///
    /// - Parameters:
    ///   - policy: the weights that would be served.
    ///   - parent: those that they must have been compared with; nil if with none.
    public func failures(of evaluation: PolicyEvaluation, policy: PolicyDigests, parent: PolicyDigests?) -> [String] {
        var failures = policy.differences(from: evaluation.policy).map { "the evaluation is of other weights: \($0)" }
        if let parent {
            let differences = evaluation.parent.map(parent.differences) ?? ["expected one, found none"]
            failures += differences.map { "the evaluation is against another parent: \($0)" }
        }
        for rule in rules {
            let expected =
                rule.range.upperBound == .infinity
                ? "at least \(rule.range.lowerBound)" : "at most \(rule.range.upperBound)"
            guard let found = evaluation.metrics[rule.metric] else {
                failures.append("\(rule.metric): expected \(expected), found none")
                continue
            }
            if !rule.range.contains(found) { failures.append("\(rule.metric): expected \(expected), found \(found)") }
        }
        return failures
    }
}
