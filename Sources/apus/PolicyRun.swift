import ArgumentParser
import Checkpoints
import Evaluation
import Policies
import Training

/// A finished run whose result is a policy.
enum PolicyRun {
    case fineTuning(FinishedFineTuning)
    case reinforced(FinishedPPO)

    init(folder: String) throws {
        switch try TrainedStage(ofRun: folder) {
        case .sft: self = .fineTuning(try FinishedFineTuning(folder: folder))
        case .ppo: self = .reinforced(try FinishedPPO(folder: folder))
        case .reward:
            throw ValidationError("\(folder) is the run of a part, not of a policy; `apus policy ship` publishes it")
        }
    }

    /// What the policy is called unless someone says otherwise.
    var name: String {
        switch self {
        case .fineTuning: TrainedStage.sft.rawValue
        case .reinforced: TrainedStage.ppo.rawValue
        }
    }

    var digests: PolicyDigests {
        switch self {
        case .fineTuning(let run): run.digests
        case .reinforced(let run): run.digests
        }
    }

    var gate: PolicyGate {
        switch self {
        case .fineTuning: .fineTuned
        case .reinforced: .reinforced
        }
    }

    /// What the policy must be compared with, if reinforcement made it. The library holds all that its training read.
    func parentDigests(in library: PolicyLibrary) throws -> PolicyDigests? {
        switch self {
        case .fineTuning: nil
        case .reinforced(let run): try run.checkLineage(in: library)
        }
    }

    /// Publishes under the next generation of `name` in the folder that the library publishes into.
    ///
    /// - Parameter parent: what fine-tuning started from; a PPO run knows that itself.
    func publish(
        as name: String, parent: PolicyManifest.Reference?, metrics: [String: Double], in library: PolicyLibrary,
        into folder: String
    ) throws -> PolicyFolder {
        switch self {
        case .fineTuning(let run):
            let generations = try library.generations()
            var publication = FinishedFineTuning.Publication(
                generation: (generations[name]?.last ?? 0) + 1,
                visionGeneration: try Self.visionGeneration(of: run, among: generations["vision"] ?? [], in: library))
            publication.name = name
            publication.parent = parent
            publication.metrics = metrics
            return try run.publish(publication, in: folder).policy
        case .reinforced(let run):
            let generation = try run.nextGeneration(of: name, in: library)
            return try run.publish(name: name, generation: generation, metrics: metrics, in: folder).policy
        }
    }

    /// The generation that holds the run's vision model already, else the next one.
    private static func visionGeneration(
        of run: FinishedFineTuning, among known: [Int], in library: PolicyLibrary
    ) throws -> Int {
        for generation in known {
            let there = try library.open("vision", generation: generation, backbone: run.backbone)
            if there.manifest.files.values.contains(run.vision) { return generation }
        }
        return (known.last ?? 0) + 1
    }

    /// Refuses names under which nobody could ask a policy.
    static func check(name: String) throws {
        guard PolicyManifest.isName(name), name != "base", !PolicyManifest.parts.contains(name) else {
            throw ValidationError("--name \(name): a policy cannot be called that")
        }
    }
}
