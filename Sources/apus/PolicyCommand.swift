import ArgumentParser
import Checkpoints
import Foundation
import Training

/// Manages the folder of policies.
struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Manage the folder of policies.",
        subcommands: [Ship.self, Promote.self, Rollback.self, ListPolicies.self])
}

/// Publishes what a training run made.
struct Ship: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Publish a finished fine-tuning run, unchecked, as a policy and the vision generation that it sees "
            + "with, or a reward run as the part `reward`.")

    private static let reward = "reward"

    @Argument(help: ArgumentHelp("The run folder of `apus train sft` or `apus train reward`.", valueName: "run"))
    var folder: String

    @Option(help: "The folder of policies.")
    var into = "Deploy/policies"

    @Option(help: "The policy's name; `reward` for a reward run.")
    var name = "sft"

    @Option(help: "The policy's generation, 1 or more.")
    var generation: Int

    @Option(help: "The vision model's generation, 1 or more. A reward run has that of the policy it started from.")
    var visionGeneration: Int?

    @Option(help: "A result of its evaluation, name=value. May be repeated.")
    var figure: [String] = []

    func validate() throws {
        if generation < 1 || visionGeneration ?? 1 < 1 {
            throw ValidationError("--generation and --vision-generation take at least 1")
        }
        if (visionGeneration == nil) != (name == Self.reward) {
            throw ValidationError("--vision-generation is for policies, and only for them")
        }
        _ = try figures()
    }

    func run() throws {
        guard let visionGeneration else {
            let published = try FinishedRewardModeling(folder: folder)
                .publish(generation: generation, figures: figures(), in: into)
            return say("published \(published.path)")
        }
        var publication = FinishedFineTuning.Publication(generation: generation, visionGeneration: visionGeneration)
        publication.name = name
        publication.figures = try figures()
        let published = try FinishedFineTuning(folder: folder).publish(publication, in: into)
        say("published \(published.vision.path) and \(published.policy.path)")
    }

    private func figures() throws -> [String: Double] {
        var figures: [String: Double] = [:]
        for text in figure {
            let parts = text.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let value = Double(parts[1]), value.isFinite else {
                throw ValidationError("--figure takes name=number, found \(text)")
            }
            guard figures.updateValue(value, forKey: String(parts[0])) == nil else {
                throw ValidationError("--figure \(parts[0]) is given twice")
            }
        }
        return figures
    }
}
