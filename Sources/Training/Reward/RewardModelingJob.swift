import Checkpoints
import Datasets
import Foundation
import Models
import Policies
public import Tensors
import Tokenizers

/// Training of the reward model on files: reads the policy `sft` and rankings of its samples, and writes an adapter, a
/// head and their metrics.
public struct RewardModelingJob {
    private let inputs: RankingInputs
    private let settings: RewardModelingSettings
    private let folder: String

    /// A job that keeps its state and results in `folder`.
    public init(inputs: RankingInputs, settings: RewardModelingSettings, folder: String) {
        self.inputs = inputs
        self.settings = settings
        self.folder = folder
    }

    /// Trains, or resumes training, and writes the results when all steps are done.
    ///
    /// - Parameters:
    ///   - precision: the precision of the frozen products.
    ///   - report: prints one line.
    /// - Throws: the errors of the files' types, `RankedAnswersError`, `PolicyBasisError`, `RunFolderError` if the
    ///   folder belongs to another run, `TrainingError`.
    public func run<C: Clock>(
        precision: Precision, compute: Compute, options: TrainingRun<RewardModeling>.Options,
        clock: C = ContinuousClock(),
        report: @escaping (String) -> Void
    ) throws -> TrainingRun<RewardModeling>.Outcome where C.Duration == Duration {
        let start = clock.now
        let basis = try PolicyBasis(inputs.policy)
        let configuration = inputs.baseModel.decoder.configuration
        let adapter = try LowRankAdapter(completeIn: inputs.policy.path, configuration: configuration)
        let files = try RankedFiles(inputs)
        let record = try RankingRunRecord(
            stage: .reward, inputs: inputs, labelers: files.labelers, settings: settings, precision: precision,
            instructionSet: compute.instructionSet)
        let runFolder = try RunFolder(path: folder, configuration: StageRecord(basis: basis, own: record))
        report("reward: \(files.labelers)")
        let data = try RankedData(files, of: inputs, basis: basis, on: compute, report: report)
        let base = try FrozenDecoder(inputs.baseModel.decoder, precision: precision, compute: compute)
        let stage = try RewardModeling(
            base: base, adapter: adapter, prompts: data.prompts(of: data.training),
            heldOut: data.prompts(of: data.heldOut), settings: settings)
        var run = try TrainingRun(stage: stage, folder: runFolder, options: options, report: report)
        let outcome = try run.run(clock: clock, since: start)
        if outcome == .finished { try finish(run.stage, base: base, data: data, report: report) }
        return outcome
    }

    /// Writes the adapter, evaluates the model as written, and writes the normalised head last.
    private func finish(
        _ stage: RewardModeling, base: FrozenDecoder, data: RankedData, report: (String) -> Void
    ) throws {
        let results = RewardRunFiles(folder: folder)
        try FileManager.default.createDirectory(atPath: results.adapter, withIntermediateDirectories: true)
        let trained = stage.model
        try PEFTAdapter(trained.adapter, decoder: inputs.baseModel.decoder.decoderName)
            .write(to: results.adapter, as: .bfloat16)
        let model = RewardModel(
            base: base, adapter: try LowRankAdapter(completeIn: results.adapter, configuration: base.configuration),
            head: trained.head)
        report("reward: measuring on \(stage.heldOut.count) held-out prompts")
        let evaluation = RewardEvaluation(model, heldOut: stage.heldOut, blank: data.blankTile)
        let normalization = try RewardNormalization(
            model, prompts: stage.heldOut, demonstrations: data.demonstrations(for: stage.heldOut))
        try AtomicFile.write(
            [UInt8](evaluation.calibrationPlot.svg.utf8), to: folder + "/calibration.svg")
        try RewardReport(evaluation: evaluation, normalization: normalization).write(to: results.report)
        try model.head.normalized(shift: Float(normalization.shift), gain: Float(normalization.gain)).write(
            to: results.head,
            metadata: ["shift": "\(normalization.shift)", "gain": "\(normalization.gain)"])
        for line in RewardReport(evaluation: evaluation, normalization: normalization).lines { report(line) }
    }
}
