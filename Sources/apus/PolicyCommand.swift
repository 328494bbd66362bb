import ArgumentParser
import Checkpoints
import Foundation
import Training

/// Manages the folder of policies.
struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Manage the folder of policies.", subcommands: [Ship.self])
}

/// Publishes what a training run made.
struct Ship: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Publish a finished fine-tuning run as a policy and the vision generation that it sees with.")

    @Argument(help: ArgumentHelp("The run folder of `apus train sft`.", valueName: "run"))
    var folder: String

    @Option(help: "The folder of policies.")
    var into = "Deploy/policies"

    @Option(help: "The policy's name.")
    var name = "sft"

    @Option(help: "The policy's generation, 1 or more.")
    var generation: Int

    @Option(help: "The vision model's generation, 1 or more.")
    var visionGeneration: Int

    @Option(help: "A result of its evaluation, name=value. May be repeated.")
    var figure: [String] = []

    func validate() throws {
        if generation < 1 || visionGeneration < 1 {
            throw ValidationError("--generation and --vision-generation take at least 1")
        }
        _ = try figures()
    }

    func run() throws {
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
