public import Foundation
public import Policies

/// The results of a finished reward run, to be published as a generation of the component `reward`.
public struct FinishedRewardModeling: Sendable {
    private let run: FinishedRun
    private let metrics: [String: Double]

    /// Opens the run in `folder`.
    ///
    /// - Throws: `FinishedRunError`, or `PEFTError` if the adapter cannot be read.
    public init(folder: String) throws {
        run = try FinishedRun(
            folder: folder, stage: .reward, results: [RewardRunFiles.reportName, PolicyFiles.head])
        metrics = try RewardReport(path: "\(folder)/\(RewardRunFiles.reportName)").metrics
    }

    /// Publishes adapter and head. The manifest names the policy that training started from as the parent, and holds
    /// the run's metrics and `metrics`.
    ///
    /// - Throws: `PolicyError`; `.published` if the generation exists already.
    @discardableResult
    public func publish(
        generation: Int, metrics more: [String: Double] = [:], in policies: String, at time: Date = Date()
    ) throws -> PolicyFolder {
        let record = run.record
        let manifest = PolicyManifest(
            name: PolicyRole.reward.name, generation: generation, parent: try run.required(record.parent, "parent"),
            backbone: run.backbone, created: time, creator: FinishedRun.creator,
            vision: try run.required(record.vision, "vision"), chatTemplate: record.template,
            image: try run.required(record.image, "image"), metrics: metrics.merging(more) { $1 },
            data: run.digests(of: ["rankings", "heldOut"]))
        return try run.publish(manifest, files: FinishedRun.adapterFiles + [PolicyFiles.head], in: policies)
    }
}
