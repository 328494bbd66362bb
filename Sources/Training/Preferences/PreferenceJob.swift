import Checkpoints
import Datasets
public import Foundation
import Models
public import Policies
public import Tensors

/// Training on preferences from files: reads a policy and rankings of answers, and writes another policy's adapter.
public struct PreferenceJob {
    private let inputs: RankingInputs
    private let replay: String?
    private let settings: PreferenceSettings
    private let folder: String

    /// A job that keeps its state and results in `folder`.
    ///
    /// - Parameter replay: texts of the base model, JSON lines of `ReplayRecord`; nil for none.
    public init(inputs: RankingInputs, replay: String?, settings: PreferenceSettings, folder: String) {
        self.inputs = inputs
        self.replay = replay
        self.settings = settings
        self.folder = folder
    }

    /// The policy's folder after the run: a PEFT folder, bf16.
    public var adapterFolder: String { folder + "/adapter" }

    /// Trains, or resumes training, and writes the result when all steps are done.
    ///
    /// - Parameters:
    ///   - precision: the precision of the frozen products.
    ///   - report: prints one line.
    /// - Throws: the errors of the files' types, `RankedAnswersError`, `PolicyBasisError`, `RunFolderError` if the
    ///   folder belongs to another run, `TrainingError`.
    public func run<C: Clock>(
        precision: Precision, compute: Compute, options: TrainingRun<PreferenceOptimization>.Options,
        clock: C = ContinuousClock(), report: @escaping (String) -> Void
    ) throws -> TrainingRun<PreferenceOptimization>.Outcome where C.Duration == Duration {
        let start = clock.now
        let basis = try PolicyBasis(inputs.policy)
        let configuration = inputs.baseModel.decoder.configuration
        let files = try RankedFiles(inputs)
        let record = try RankingRunRecord(
            stage: settings.method.stage, inputs: inputs, replay: replay, labelers: files.labelers,
            settings: settings, precision: precision, instructionSet: compute.instructionSet)
        let runFolder = try RunFolder(path: folder, configuration: StageRecord(basis: basis, own: record))
        report("\(settings.method.rawValue): \(files.labelers)")
        let data = try RankedData(files, of: inputs, basis: basis, on: compute, report: report)
        let base = try FrozenDecoder(inputs.baseModel.decoder, precision: precision, compute: compute)
        let texts = try replay.map { try ReplayRecord.load(path: $0, vocabulary: configuration.vocabulary) }
        let stage = try PreferenceOptimization(
            base: base, reference: LowRankAdapter(completeIn: inputs.policy.path, configuration: configuration),
            prompts: data.prompts(of: data.training), heldOut: data.prompts(of: data.heldOut), replay: texts ?? [],
            settings: settings)
        var run = try TrainingRun(stage: stage, folder: runFolder, options: options, report: report)
        let outcome = try run.run(clock: clock, since: start)
        if outcome == .finished {
            try FileManager.default.createDirectory(atPath: adapterFolder, withIntermediateDirectories: true)
            try PEFTAdapter(run.stage.policy, decoder: inputs.baseModel.decoder.decoderName)
                .write(to: adapterFolder, as: .bfloat16)
        }
        return outcome
    }
}

/// The result of a finished run on preferences, to be published as a generation of a policy.
public struct FinishedPreferences: Sendable {
    private let run: FinishedRun
    private let log: [String: Double]
    private let labelers: LabelerCounts
    /// The stage: `dpo` or `kto`.
    public let stage: TrainedStage
    /// The digests of the policy's weights.
    public let digests: PolicyDigests
    /// The policy that training started from.
    public let parent: PolicyManifest.Reference
    /// The generation of the vision weights of policy and parent; nil if they see with the base model's own vision.
    public let vision: PolicyManifest.Reference?
    private let image: PolicyManifest.Image?

    /// Opens the run of `stage` in `folder`.
    ///
    /// - Throws: `FinishedRunError`, or the files' own errors if the adapter or the log cannot be read.
    public init(folder: String, stage: TrainedStage) throws {
        self.stage = stage
        run = try FinishedRun(folder: folder, stage: stage, results: [])
        let inherited = try run.inheritance()
        (parent, vision, image, digests) = (inherited.parent, inherited.vision, inherited.image, inherited.digests)
        labelers = try run.required(run.record.labelers, "labelers")
        log = try RunFolder.lastMetrics(in: folder)
    }

    /// Checks that `library` holds the parent and the vision model of the run, with the very weights that it read.
    ///
    /// - Returns: the digests of the parent's weights.
    /// - Throws: `PolicyError`; `FinishedRunError.badFile` naming an input whose bytes differ.
    @discardableResult
    public func checkLineage(in library: PolicyLibrary) throws -> PolicyDigests {
        let there = try run.checked("policy", parent, PolicyFiles.adapterWeights, in: library)
        if let vision { _ = try run.checked("visionModel", vision, PolicyFiles.vision, in: library) }
        return PolicyDigests(there.manifest, visionWeights: run.inputs["visionModel"]?.sha256)
    }

    /// Publishes the policy. The manifest names how many rankings were made by people and by rules, and holds the run's
    /// last metrics and `metrics`.
    ///
    /// - Throws: `PolicyError`; `.published` if the generation exists already.
    @discardableResult
    public func publish(
        name: String? = nil, generation: Int, metrics: [String: Double] = [:], in policies: String,
        at time: Date = Date()
    ) throws -> PolicyFolder {
        let names = ["step", "accuracy", "margin", "log_ratio_chosen"]
        var all = Dictionary(
            uniqueKeysWithValues: names.compactMap { name in log[name].map { ("training_\(name)", $0) } })
        all.merge(labelers.metrics) { $1 }
        var manifest = PolicyManifest(
            name: name ?? stage.rawValue, generation: generation, parent: parent, backbone: run.backbone,
            created: time, creator: FinishedRun.creator, vision: vision, chatTemplate: run.record.template,
            image: image, metrics: all.merging(metrics) { $1 },
            data: run.inputs.filter { $0.key != "baseModel" }.mapValues(\.sha256))
        manifest.textTemplate = run.record.textTemplate
        manifest.sampling = .init(temperature: 0)
        return try run.publish(manifest, files: FinishedRun.adapterFiles, in: policies)
    }
}
