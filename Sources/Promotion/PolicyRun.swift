public import Policies
public import Training

/// A finished run whose result is a policy.
public enum PolicyRun: Sendable {
    /// A run of `train sft`.
    case fineTuning(FinishedFineTuning)
    /// A run of `train ppo`.
    case reinforced(FinishedPPO)
    /// A run of `train dpo` or `train kto`.
    case preferred(FinishedPreferences)

    /// Opens the run in `folder`.
    ///
    /// - Throws: `FinishedRunError`, the files' own errors, or `PromotionError`: `component` for a reward model's run,
    ///   `baseVision` for a policy that sees with the base model's own vision.
    public init(folder: String) throws {
        let seesAlone: Bool
        let stage = try TrainedStage(ofRun: folder)
        switch stage {
        case .sft:
            let run = try FinishedFineTuning(folder: folder)
            seesAlone = run.vision != nil
            self = .fineTuning(run)
        case .ppo:
            let run = try FinishedPPO(folder: folder)
            seesAlone = run.vision != nil
            self = .reinforced(run)
        case .dpo, .kto:
            let run = try FinishedPreferences(folder: folder, stage: stage)
            seesAlone = run.vision != nil
            self = .preferred(run)
        case .reward: throw PromotionError.component(folder: folder)
        }
        guard seesAlone else { throw PromotionError.baseVision(folder: folder) }
    }

    /// The policy that training started from and that the run is compared with; nil for a new adapter.
    public var parent: PolicyManifest.Reference? {
        switch self {
        case .fineTuning(let run): run.parent
        case .reinforced(let run): run.parent
        case .preferred(let run): run.parent
        }
    }

    /// The training stage of the run.
    public var stage: TrainedStage {
        switch self {
        case .fineTuning: .sft
        case .reinforced: .ppo
        case .preferred(let run): run.stage
        }
    }

    /// The policy's default name.
    public var name: String { stage.rawValue }

    /// The digests of the policy's weights.
    public var digests: PolicyDigests {
        switch self {
        case .fineTuning(let run): run.digests
        case .reinforced(let run): run.digests
        case .preferred(let run): run.digests
        }
    }

    /// The digests of the policy that it is compared with; nil for a new adapter. The library must hold every
    /// generation that the run started from.
    public func parentDigests(in library: PolicyLibrary) throws -> PolicyDigests? {
        switch self {
        case .fineTuning(let run): try run.checkLineage(in: library)
        case .reinforced(let run): try run.checkLineage(in: library)
        case .preferred(let run): try run.checkLineage(in: library)
        }
    }

    /// Publishes the run under the next generation of `name` in the folder that the library publishes into.
    ///
    /// - Parameters:
    ///   - parent: the policy that fine-tuning started from; other runs have recorded their own parent.
    ///   - metrics: results of the evaluation.
    ///   - folder: the folder that the library publishes into.
    public func publish(
        as name: String, parent: PolicyManifest.Reference?, metrics: [String: Double], in library: PolicyLibrary,
        into folder: String
    ) throws -> PolicyFolder {
        switch self {
        case .fineTuning(let run):
            let generations = try library.generations()
            var publication = FinishedFineTuning.Publication(
                generation: (generations[name]?.last ?? 0) + 1,
                visionGeneration: try Self.visionGeneration(
                    of: run, among: generations[PolicyRole.vision.name] ?? [], in: library))
            publication.name = name
            publication.parent = parent
            publication.metrics = metrics
            return try run.publish(publication, in: folder).policy
        case .reinforced(let run):
            let generation = try run.nextGeneration(of: name, in: library)
            return try run.publish(name: name, generation: generation, metrics: metrics, in: folder).policy
        case .preferred(let run):
            let generation = (try library.generations()[name]?.last ?? 0) + 1
            return try run.publish(name: name, generation: generation, metrics: metrics, in: folder)
        }
    }

    /// The generation that holds the run's vision model already, else the next free number.
    private static func visionGeneration(
        of run: FinishedFineTuning, among known: [Int], in library: PolicyLibrary
    ) throws -> Int {
        for generation in known {
            let there = try library.open(.vision, generation: generation, backbone: run.backbone)
            if let vision = run.vision, there.manifest.files.values.contains(vision) { return generation }
        }
        return (known.last ?? 0) + 1
    }
}

/// Why a run cannot be measured or promoted.
public enum PromotionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The run made a component, not a policy that answers.
    case component(folder: String)
    /// The run's policy sees with the base model's own vision, whose digest the run does not have.
    case baseVision(folder: String)
    /// The run is not measured yet.
    case notMeasured(evaluation: String, folder: String)
    /// A kept report cannot be read.
    case badReport(path: String, reason: String)
    /// The measurement needs a policy that is not served.
    case noPolicy(String)
    /// The library is read-only.
    case readOnly

    /// What is wrong, and what to do.
    public var description: String {
        switch self {
        case .component(let folder):
            "\(folder) is the run of a component, not of a policy; `apus policy ship` publishes it"
        case .baseVision(let folder):
            "\(folder) is the run of a policy that sees with the base model's own vision, which evaluations do not "
                + "verify; `apus policy ship` publishes it"
        case .notMeasured(let evaluation, let folder):
            "there is no \(evaluation); `apus eval policy \(folder)` writes it"
        case .badReport(let path, let reason):
            "\(path) is not such a report: \(reason); delete it to measure again"
        case .noPolicy(let name): "there is no policy \(name)"
        case .readOnly: "there is no folder to publish into"
        }
    }
}
