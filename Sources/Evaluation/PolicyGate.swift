public import Checkpoints
import Foundation

/// What a policy's evaluation found, and of which bytes: `evaluation.json` in a run folder.
public struct PolicyEvaluation: Codable, Sendable, Equatable {
    /// The SHA-256 of the adapter's weights that were evaluated.
    public var adapter: String
    /// The SHA-256 of the base model's file under it.
    public var backbone: String
    /// Results by name: accuracies and other shares from 0 to 1, ratios, controls.
    public var figures: [String: Double]

    enum CodingKeys: String, CodingKey {
        case figures
        case adapter = "adapter_sha256"
        case backbone = "backbone_sha256"
    }

    /// An evaluation of the given bytes.
    public init(adapter: String, backbone: String, figures: [String: Double]) {
        self.adapter = adapter
        self.backbone = backbone
        self.figures = figures
    }

    /// Reads `evaluation.json`.
    public init(path: String) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    }
}

/// What a policy's figures must reach before people are served by it.
///
/// Controls are bounded from above: a policy that answers as well without the picture has learned something else.
public struct PolicyGate: Sendable {
    /// A bound of one figure.
    public struct Rule: Sendable, Equatable {
        /// The figure's name.
        public var figure: String
        /// What the figure may be.
        public var range: ClosedRange<Double>

        static func least(_ figure: String, _ value: Double) -> Rule {
            Rule(figure: figure, range: value ... .infinity)
        }

        static func most(_ figure: String, _ value: Double) -> Rule { Rule(figure: figure, range: -.infinity...value) }
    }

    /// All of them must hold.
    public let rules: [Rule]

    /// The gate of the policy `name`: every policy answers easy-VQA's test questions, sees, and still writes; what
    /// reinforcement made must also be preferred to what it started from.
    public init(for name: String) {
        let every = [
            Rule.least("easy_vqa_overall", 0.99), .least("easy_vqa_open", 0.995), .most("easy_vqa_blank", 0.68),
            .most("easy_vqa_swapped", 0.68), .most("text_perplexity_ratio", 1.05),
        ]
        let reinforced = [
            Rule.least("win_rate", 0.55), .least("win_rate_low", 0.52), .most("kl_over_target", 2),
            .most("largest_family_drop", 0.02), .most("absent_named_ratio", 0.7),
        ]
        rules = name == "ppo" ? every + reinforced : every
    }

    /// Why a policy may not be served: one line a rule that does not hold. A figure that is missing holds nothing.
    public func failures(of evaluation: PolicyEvaluation, adapter: FileDigest, backbone: String) -> [String] {
        var failures: [String] = []
        if evaluation.adapter != adapter.sha256 {
            failures.append("the evaluation is of adapter \(evaluation.adapter), the run's is \(adapter.sha256)")
        }
        if evaluation.backbone != backbone {
            failures.append("the evaluation is of base model \(evaluation.backbone), the run's is \(backbone)")
        }
        for rule in rules {
            let expected =
                rule.range.upperBound == .infinity
                ? "at least \(rule.range.lowerBound)" : "at most \(rule.range.upperBound)"
            guard let found = evaluation.figures[rule.figure] else {
                failures.append("\(rule.figure): expected \(expected), found none")
                continue
            }
            if !rule.range.contains(found) { failures.append("\(rule.figure): expected \(expected), found \(found)") }
        }
        return failures
    }
}
