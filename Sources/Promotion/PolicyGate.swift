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
        fileprivate var expected: String {
            let minimum = range.lowerBound == -.infinity ? nil : "at least \(range.lowerBound)"
            let maximum = range.upperBound == .infinity ? nil : "at most \(range.upperBound)"
            return [minimum, maximum].compactMap { $0 }.joined(separator: " and ")
        }
    }

    /// The rules, all of which must hold.
    public let rules: [Rule]

    /// Why a policy may not be served: one line for each rule that does not hold. A missing metric fails its rule.
    ///
    /// - Parameters:
    ///   - policy: the weights that would be served.
    ///   - parent: the weights that it must have been compared with; nil for no comparison.
    public func failures(of evaluation: PolicyEvaluation, policy: PolicyDigests, parent: PolicyDigests?) -> [String] {
        var failures = policy.differences(from: evaluation.policy).map { "the evaluation is of other weights: \($0)" }
        if let parent {
            let differences = evaluation.parent.map(parent.differences) ?? ["expected one, found none"]
            failures += differences.map { "the evaluation is against another parent: \($0)" }
        }
        for rule in rules {
            let found = evaluation.metrics[rule.metric]
            if let found, rule.range.contains(found) { continue }
            failures.append("\(rule.metric): expected \(rule.expected), found \(found.map { "\($0)" } ?? "none")")
        }
        return failures
    }
}
