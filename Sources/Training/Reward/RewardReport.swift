import Checkpoints
import Foundation

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
