import Checkpoints
public import Foundation
import Models
public import Policies
import Tensors

/// The measurements of a finished reward run: `evaluation.json`.
public struct RewardReport: Codable, Sendable, Equatable {
    /// Metrics on held-out rankings, before normalisation.
    public let evaluation: RewardEvaluation
    /// The normalisation that is folded into the head.
    public let normalization: RewardNormalization

    /// The metrics for the manifest, by name.
    public var metrics: [String: Double] {
        var metrics = [
            "accuracy": evaluation.all.accuracy, "loss": evaluation.all.loss, "pairs": Double(evaluation.all.pairs),
            "accuracy_own": evaluation.own.accuracy, "accuracy_blind": evaluation.blind.accuracy,
            "calibration_error": evaluation.calibrationError,
            "shift": normalization.shift, "gain": normalization.gain,
        ]
        for (family, part) in evaluation.families { metrics["accuracy_\(family)"] = part.accuracy }
        return metrics
    }

    /// The metrics as lines of text, starting with a table of the families.
    var lines: [String] {
        func row(_ name: String, _ seen: RewardEvaluation.Metrics, _ blind: RewardEvaluation.Metrics?) -> String {
            String(format: "%6d pairs  %5.1f %%", seen.pairs, 100 * seen.accuracy)
                + (blind.map { String(format: ", blind %5.1f %%", 100 * $0.accuracy) } ?? "") + "  \(name)"
        }
        let families = evaluation.families.sorted { $0.key < $1.key }.map {
            row($0.key, $0.value, evaluation.blindFamilies[$0.key])
        }
        let labelers = evaluation.labelers.sorted { $0.key < $1.key }.map { row("ranked by " + $0.key, $0.value, nil) }
        let bins = evaluation.calibration.map {
            String(format: "%6d pairs  predicted %.3f  observed %.3f", $0.pairs, $0.predicted, $0.observed)
        }
        let all = [
            row("both about the picture itself", evaluation.own, nil), row("all", evaluation.all, evaluation.blind),
        ]
        return families + labelers + all + bins + [
            String(format: "calibration error %.3f", evaluation.calibrationError),
            String(
                format: "shift %.4f (%d demonstrations), gain %.4f (%d samples)", normalization.shift,
                normalization.demonstrations, normalization.gain, normalization.samples),
        ]
    }

    init(evaluation: RewardEvaluation, normalization: RewardNormalization) {
        self.evaluation = evaluation
        self.normalization = normalization
    }

    /// Reads the report of a finished run.
    init(path: String) throws {
        do {
            self = try JSONDecoder().decode(RewardReport.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw FinishedRunError.badFile(path: path, reason: "\(error)")
        }
    }

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try AtomicFile.write([UInt8](try encoder.encode(self)) + [UInt8(ascii: "\n")], to: path)
    }
}

/// The paths of a reward run's results.
struct RewardRunFiles {
    let folder: String

    /// The adapter: a PEFT folder, bf16.
    var adapter: String { folder + "/adapter" }
    /// The head with shift and gain folded in, fp32; written last.
    var head: String { "\(folder)/\(PolicyFiles.head)" }
    /// The report: a `RewardReport`.
    var report: String { "\(folder)/\(Self.reportName)" }

    static let reportName = "evaluation.json"
}

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
            vision: try run.requiredToSee(record.vision, "vision"), chatTemplate: record.template,
            image: try run.requiredToSee(record.image, "image"),
            metrics: metrics.merging(record.labelers?.metrics ?? [:]) { $1 }.merging(more) { $1 },
            data: run.digests(of: ["rankings", "feedback", "heldOut"]))
        return try run.publish(manifest, files: FinishedRun.adapterFiles + [PolicyFiles.head], in: policies)
    }
}
