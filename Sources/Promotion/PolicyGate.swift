public import Checkpoints
import Foundation
public import Policies

/// The results of a policy's evaluation and the digests of the evaluated weights: `evaluation.json` in a run folder.
public struct PolicyEvaluation: Codable, Sendable, Equatable {
    /// The weights that were evaluated.
    public var policy: PolicyDigests
    /// The weights that it was compared with; nil if there was no comparison.
    public var parent: PolicyDigests?
    /// Results by name: accuracies and other shares from 0 to 1, ratios, controls, and numbers of questions.
    public var metrics: [String: Double]

    /// An evaluation of the weights with the given digests.
    public init(policy: PolicyDigests, parent: PolicyDigests?, metrics: [String: Double]) {
        self.policy = policy
        self.parent = parent
        self.metrics = metrics
    }

    /// The path of the evaluation of the run in `folder`.
    public static func path(ofRun folder: String) -> String { "\(folder)/evaluation.json" }

    /// Reads `evaluation.json`.
    public init(path: String) throws(FileError) {
        self = try decodeSmallFile(Self.self, path: path)
    }

    /// Writes `evaluation.json` atomically.
    public func write(to path: String) throws {
        try AtomicFile.write(json: self, to: path)
    }

    private enum CodingKeys: String, CodingKey {
        case policy, parent
        case metrics = "figures"
    }
}

/// The bounds that a policy's metrics must meet before the policy is served.
///
/// Controls have upper bounds: a policy that answers as well without the image has not learned to see.
public struct PolicyGate: Sendable {
    /// A bound of one metric.
    public struct Rule: Sendable, Equatable {
        /// The metric's name.
        public var metric: String
        /// The allowed values.
        public var range: ClosedRange<Double>

        package init(metric: String, range: ClosedRange<Double>) {
            self.metric = metric
            self.range = range
        }

        /// The range in words.
        public var expected: String {
            let minimum = range.lowerBound == -.infinity ? nil : "at least \(range.lowerBound)"
            let maximum = range.upperBound == .infinity ? nil : "at most \(range.upperBound)"
            return [minimum, maximum].compactMap { $0 }.joined(separator: " and ")
        }
    }

    /// A rule and the value that was measured.
    public struct Result: Sendable, Equatable {
        /// The rule.
        public let rule: Rule
        /// The metric's value; nil if it was not measured.
        public let found: Double?

        package init(rule: Rule, found: Double?) {
            self.rule = rule
            self.found = found
        }

        /// Whether the value is within the rule's bounds. Without a value the rule fails.
        public var passes: Bool { found.map(rule.range.contains) ?? false }

        /// Verdict, metric, value and bounds, as one line.
        public var line: String {
            let value = found.map { String(format: "%.4f", $0) } ?? "not measured"
            return "\(passes ? "pass" : "FAIL")  \(rule.metric): \(value), expected \(rule.expected)"
        }

        /// A failure as a sentence.
        var failure: String {
            "\(rule.metric): expected \(rule.expected), found \(found.map { "\($0)" } ?? "none")"
        }
    }

    /// The rules, all of which must hold.
    public let rules: [Rule]

    /// The reports from which the rules' metrics are computed.
    public var reports: Set<PolicyReport> {
        rules.reduce(into: []) { $0.formUnion(PolicyMetric.reports(for: $1.metric) ?? []) }
    }

    /// Whether a rule compares the policy with the one that its training started from.
    public var comparesWithParent: Bool { reports.contains(where: \.comparesWithParent) }

    /// Each rule with its measured value, in the order of the rules.
    func results(of evaluation: PolicyEvaluation) -> [Result] {
        rules.map { Result(rule: $0, found: evaluation.metrics[$0.metric]) }
    }

    /// Why an evaluation says nothing of these weights: one line for each difference.
    private func faults(of evaluation: PolicyEvaluation, policy: PolicyDigests, parent: PolicyDigests?) -> [String] {
        var faults = policy.differences(from: evaluation.policy).map { "the evaluation is of other weights: \($0)" }
        if let parent, comparesWithParent {
            let differences = evaluation.parent.map(parent.differences) ?? ["expected one, found none"]
            faults += differences.map { "the evaluation is against another parent: \($0)" }
        }
        return faults
    }

    /// Whether a policy may be served.
    ///
    /// - Parameters:
    ///   - policy: the weights that would be served.
    ///   - parent: the weights that it must have been compared with, if a rule compares; nil for no comparison.
    public func verdict(
        of evaluation: PolicyEvaluation, policy: PolicyDigests, parent: PolicyDigests?
    ) -> PolicyPromotion.Verdict {
        PolicyPromotion.Verdict(
            faults: faults(of: evaluation, policy: policy, parent: parent), results: results(of: evaluation))
    }
}
