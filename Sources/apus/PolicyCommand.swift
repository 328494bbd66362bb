import ArgumentParser
import Checkpoints
import Foundation
import Policies
import Training

/// Manages the folder of policies.
struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Manage the folder of policies.",
        subcommands: [
            Ship.self, Promote.self, ImportPolicy.self, Rollback.self, ListPolicies.self, PolicyLogits.self,
        ])
}

/// Publishes the result of a training run.
struct Ship: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Publish a finished run without an evaluation: `train sft` gives a policy and its trained vision, "
            + "`train reward` gives `reward`, `train ppo` gives a policy and `value` of the same generation, `train dpo` "
            + "and `train kto` give a policy.",
        discussion: "Example: apus policy ship runs/sft --generation 8 --vision-generation 8")

    @Argument(help: ArgumentHelp("The run folder.", valueName: "run"))
    var folder: String

    @Option(help: "The folder of policies.")
    var into = "Deploy/policies"

    @Option(help: "The policy's name. Default: sft, ppo, dpo or kto, by its training.")
    var name: String?

    @Option(help: "The generation, 1 or more.")
    var generation: Int

    @Option(
        help: ArgumentHelp(
            "The generation of the vision model that `train sft` trained, 1 or more. Later stages inherit it from "
                + "their first policy."))
    var visionGeneration: Int?

    @Option(help: "A result of its evaluation, name=value. May be repeated.")
    var metric: [String] = []

    func validate() throws {
        if generation < 1 || visionGeneration ?? 1 < 1 {
            throw ValidationError("--generation and --vision-generation take at least 1")
        }
        if let name { try checkIsFree(name) }
        _ = try metrics()
    }

    func run() throws {
        let stage = try TrainedStage(ofRun: folder)
        let fineTuning = stage == .sft ? try FinishedFineTuning(folder: folder) : nil
        guard (visionGeneration != nil) == (fineTuning?.vision != nil) else {
            throw ValidationError(
                "--vision-generation is for runs of `train sft` that trained a vision encoder, and only for them")
        }
        switch stage {
        case .sft: try fineTuning.map(ship)
        case .reward:
            if name != nil { throw ValidationError("the run of a reward model is published as reward; leave --name") }
            let published = try FinishedRewardModeling(folder: folder)
                .publish(generation: generation, metrics: metrics(), in: into)
            say("published \(published.path)")
        case .ppo:
            let published = try FinishedPPO(folder: folder)
                .publish(name: name ?? stage.rawValue, generation: generation, metrics: metrics(), in: into)
            let paths = [published.value?.path, published.policy.path].compactMap { $0 }
            say("published \(paths.joined(separator: " and "))")
        case .dpo, .kto:
            let published = try FinishedPreferences(folder: folder, stage: stage)
                .publish(name: name, generation: generation, metrics: metrics(), in: into)
            say("published \(published.path)")
        }
    }

    private func ship(_ run: FinishedFineTuning) throws {
        var publication = FinishedFineTuning.Publication(generation: generation, visionGeneration: visionGeneration)
        publication.name = name ?? publication.name
        publication.metrics = try metrics()
        let published = try run.publish(publication, in: into)
        let paths = [published.vision?.path, published.policy.path].compactMap { $0 }
        say("published \(paths.joined(separator: " and "))")
    }

    private func metrics() throws -> [String: Double] {
        var metrics: [String: Double] = [:]
        for text in metric {
            let parts = text.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let value = Double(parts[1]), value.isFinite else {
                throw ValidationError("--metric takes name=number, found \(text)")
            }
            guard metrics.updateValue(value, forKey: String(parts[0])) == nil else {
                throw ValidationError("--metric \(parts[0]) is given twice")
            }
        }
        return metrics
    }
}
