import Foundation
public import Policies

/// Publishes finished runs whose evaluation passes the gate.
public struct PolicyPromotion: Sendable {
    /// The outcome of a promotion.
    public enum Outcome: Sendable {
        /// The run was published; `removed` lists the old generations that were removed.
        case published(PolicyFolder, removed: [PolicyManifest.Reference])
        /// The run was not published; one line for each rule that does not hold.
        case refused([String])
    }

    /// The verdict of the gate.
    public struct Verdict: Sendable, Equatable {
        /// Why the evaluation says nothing of the run's weights; empty if it does.
        public let faults: [String]
        /// Each rule with its value.
        public let results: [PolicyGate.Result]

        package init(faults: [String], results: [PolicyGate.Result]) {
            self.faults = faults
            self.results = results
        }

        /// Whether the run may be published.
        public var passes: Bool { faults.isEmpty && results.allSatisfy(\.passes) }

        /// One line for each fault, then one for each rule.
        public var lines: [String] { faults + results.map(\.line) }

        /// Why the run may not be published: one line for each fault, then one for each rule that does not hold.
        public var failures: [String] { faults + results.filter { !$0.passes }.map(\.failure) }
    }

    private let run: PolicyRun
    private let folder: String
    private let rules: PolicyRules
    private let library: PolicyLibrary

    /// A promotion of the run that was opened in `folder`, into the folder that the library publishes into.
    public init(_ run: PolicyRun, folder: String, by rules: PolicyRules, in library: PolicyLibrary) {
        self.run = run
        self.folder = folder
        self.rules = rules
        self.library = library
    }

    /// What the rules say of the run's evaluation.
    ///
    /// - Throws: `PromotionError.notMeasured`, `PolicyRulesError`, `PolicyError`, or the errors of the run's files.
    public func verdict() throws -> Verdict { try verdict(on: evaluation()) }

    private func verdict(on evaluation: PolicyEvaluation) throws -> Verdict {
        let gate = try rules.gate(for: run.stage)
        let parent = gate.comparesWithParent ? try run.parentDigests(in: library) : nil
        return gate.verdict(of: evaluation, policy: run.digests, parent: parent)
    }

    private func evaluation() throws -> PolicyEvaluation {
        let path = PolicyEvaluation.path(ofRun: folder)
        guard FileManager.default.fileExists(atPath: path) else {
            throw PromotionError.notMeasured(evaluation: path, folder: folder)
        }
        return try PolicyEvaluation(path: path)
    }

    /// Publishes the run if its evaluation is of the run's own weights and every rule holds.
    ///
    /// - Parameters:
    ///   - name: the policy's name; nil for the stage's own.
    ///   - parent: the policy that fine-tuning started from, which must be in the library; nil for the base model.
    /// - Throws: `PromotionError`, `PolicyRulesError`, `PolicyError`, or the errors of the run's files.
    public func promote(as name: String? = nil, parent: PolicyManifest.Reference? = nil) throws -> Outcome {
        guard let target = library.published else { throw PromotionError.readOnly }
        let evaluation = try evaluation()
        let verdict = try verdict(on: evaluation)
        guard verdict.passes else { return .refused(verdict.failures) }
        if let parent {
            _ = try library.open(parent.name, generation: parent.generation, backbone: run.digests.backbone)
        }
        let name = name ?? run.name
        let published = try run.publish(
            as: name, parent: parent, metrics: evaluation.metrics, in: library, into: target)
        let removed = try [name, PolicyRole.value.name, PolicyRole.vision.name].flatMap { name in
            try library.prune(name).map { PolicyManifest.Reference(name: name, generation: $0) }
        }
        return .published(published, removed: removed)
    }
}
