import Checkpoints
import Policies
import Tensors

/// Everything that decides a reward run's result, except the policy that it starts from.
struct RewardRunRecord: Encodable {
    let stage = TrainedStage.reward.rawValue
    let settings: RewardModelingSettings
    let precision: String
    let instructionSet: String
    let inputs: [String: FileDigest]

    /// - Throws: `PolicyBasisError.missingField` if a manifest lacks a field.
    init(
        inputs: RewardModelingJob.Inputs, settings: RewardModelingSettings, precision: Precision,
        instructionSet: InstructionSet
    ) throws {
        self.settings = settings
        self.precision = "\(precision)"
        self.instructionSet = instructionSet.rawValue
        var digests = [
            "baseModel": try FileDigest(path: inputs.baseModel), "rankings": try FileDigest(path: inputs.rankings),
            "adapter": try inputs.policy.digest(of: PolicyFiles.adapterWeights),
            "visionModel": try inputs.vision.digest(of: PolicyFiles.vision),
        ]
        if let heldOut = inputs.heldOut { digests["heldOut"] = try FileDigest(path: heldOut) }
        self.inputs = digests
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
