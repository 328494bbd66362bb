public import Checkpoints
import Foundation
import Support
public import Training

/// Why a file of rules cannot be used.
public enum PolicyRulesError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The system could not read the file.
    case file(FileError)
    /// The file is wrong; `reason` names the rule and the field.
    case invalid(path: String, reason: String)
    /// No rule applies to the policies of a stage, so every policy would pass.
    case noRules(path: String, stage: TrainedStage)

    /// What is wrong, and where.
    public var description: String {
        switch self {
        case .file(let error): "\(error)"
        case .invalid(let path, let reason): "\(path): \(reason)"
        case .noRules(let path, let stage):
            "\(path): no rule applies to a run of `train \(stage.rawValue)`, so any would pass; add one"
        }
    }
}

/// The rules that a policy's metrics must meet before it is published: a JSON file. `Deploy/policy-rules.json` comes
/// with the program; `--rules FILE` takes another file.
///
/// The file holds a list of rules. A rule looks like this:
///
///     {"metric": "win_rate", "minimum": 0.5, "applies_to": ["ppo"], "why": "It must be preferred to its parent."}
///
/// - `metric`: the name of a result in the `figures` of `evaluation.json`, see `PolicyMetric`.
/// - `minimum`, `maximum`: the bounds, both inclusive. A rule needs at least one of them.
/// - `applies_to`: the stages whose policies the rule applies to, of `sft`, `ppo`, `dpo` and `kto`. Absent: all
///   policies.
/// - `why`: the reason, for people.
///
/// All rules that apply must hold. A metric that is missing from the evaluation fails its rule. An unknown field or
/// metric is an error, and so are two rules for the same metric and stage.
public struct PolicyRules: Sendable, Equatable {
    /// One rule of the file.
    public struct Rule: Codable, Sendable, Equatable {
        /// The metric's name.
        public var metric: String
        /// The smallest value that passes.
        public var minimum: Double?
        /// The largest value that passes.
        public var maximum: Double?
        /// The stages whose policies the rule applies to; nil: all.
        public var stages: [String]?
        /// The reason, for people.
        public var why: String

        fileprivate enum CodingKeys: String, CodingKey {
            case metric, minimum, maximum, why
            case stages = "applies_to"
        }

        /// Whether the rule applies to the policies of a stage.
        public func applies(to stage: TrainedStage) -> Bool { stages?.contains(stage.rawValue) ?? true }

        /// What is wrong with the rule, with the field's name; nil if nothing is.
        fileprivate var fault: String? {
            let isName = metric.utf8.allSatisfy { "abcdefghijklmnopqrstuvwxyz0123456789_".utf8.contains($0) }
            guard isName, !metric.isEmpty else { return "metric: expected a name like win_rate, found \"\(metric)\"" }
            guard PolicyMetric.reports(for: metric) != nil else {
                return "metric: no evaluation measures it; docs/evaluation.md lists the metrics"
            }
            switch (minimum, maximum) {
            case (nil, nil): return "minimum: expected a minimum, a maximum or both, found neither"
            case (let minimum?, let maximum?) where minimum > maximum:
                return "minimum: expected at most the maximum \(maximum), found \(minimum)"
            default: break
            }
            if let stages {
                let known = PolicyRules.stages.map(\.rawValue)
                guard !stages.isEmpty, Set(stages).count == stages.count, stages.allSatisfy(known.contains) else {
                    return "applies_to: expected each of \(known.joined(separator: ", ")) once at most, found \(stages)"
                }
            }
            return why.isEmpty ? "why: expected a reason, found none" : nil
        }
    }

    /// In the order of the file.
    public let rules: [Rule]
    private let path: String
    /// The stages whose policies are measured.
    private static let stages: [TrainedStage] = [.sft, .ppo, .dpo, .kto]
    private static let sizeLimit = 1 << 20

    /// Reads the file at `path`.
    public init(path: String) throws(PolicyRulesError) {
        let json: [UInt8]
        do { json = try readSmallFile(path, limit: Self.sizeLimit) } catch { throw .file(error) }
        do { rules = try decodeStrictJSON([Rule].self, from: json) } catch {
            throw .invalid(path: path, reason: Self.named(error.reason, in: json))
        }
        self.path = path
        guard !rules.isEmpty else { throw .invalid(path: path, reason: "expected at least one rule, found none") }
        for (index, rule) in rules.enumerated() {
            if let fault = rule.fault ?? Self.repetition(of: index, in: rules) {
                throw .invalid(path: path, reason: "rule \(index + 1) (\(rule.metric)): \(fault)")
            }
        }
    }

    /// The gate that the policies of a stage must pass.
    ///
    /// - Throws: `PolicyRulesError.noRules` if no rule applies to them.
    public func gate(for stage: TrainedStage) throws(PolicyRulesError) -> PolicyGate {
        let own = rules.filter { $0.applies(to: stage) }
        guard !own.isEmpty else { throw .noRules(path: path, stage: stage) }
        return PolicyGate(
            rules: own.map { rule in
                .init(metric: rule.metric, range: (rule.minimum ?? -.infinity)...(rule.maximum ?? .infinity))
            })
    }

    private static func repetition(of index: Int, in rules: [Rule]) -> String? {
        for (earlier, rule) in rules[..<index].enumerated() where rule.metric == rules[index].metric {
            if let stage = stages.first(where: { rule.applies(to: $0) && rules[index].applies(to: $0) }) {
                return "metric: rule \(earlier + 1) bounds it for \(stage.rawValue) already"
            }
        }
        return nil
    }

    /// A decoder's message, with the rule's number and metric instead of its index.
    private static func named(_ reason: String, in json: [UInt8]) -> String {
        struct Name: Decodable {
            let metric: String?

            init(from decoder: any Decoder) {
                metric = try? decoder.container(keyedBy: Rule.CodingKeys.self).decode(String.self, forKey: .metric)
            }
        }
        guard reason.hasPrefix("["), let end = reason.firstIndex(of: "]"),
            let index = Int(reason[reason.index(after: reason.startIndex)..<end])
        else { return reason }
        let rest = reason[reason.index(after: end)...].drop { ".: ".contains($0) }
        let names = (try? JSONDecoder().decode([Name].self, from: Data(json))) ?? []
        let metric = names.indices.contains(index) ? names[index].metric : nil
        return "rule \(index + 1)\(metric.map { " (\($0))" } ?? ""): \(rest)"
    }
}
