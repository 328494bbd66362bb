import ArgumentParser
import Foundation
import Models
import Tensors
import Training

/// Trains the reward model.
struct TrainReward: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reward", abstract: "Train a reward model on rankings of a policy's answers.",
        discussion: "Example: apus train reward --rankings rankings.jsonl")

    @OptionGroup var training: TrainingOptions

    @Option(name: .customLong("run"), help: "The run folder.")
    var folder = "runs/reward"

    @OptionGroup var data: RankingOptions

    @Option(help: "Number of images whose rankings are held out of training to measure on, without --held-out.")
    var heldOutImages = RewardModelingSettings().heldOutImages

    @Option(help: "Maximum number of prompts to train on. Default: all of them, once.")
    var prompts: Int?

    @Option(help: "The peak learning rate of the adapter.")
    var learningRate = RewardModelingSettings().adapterRate

    @Flag(help: "A control: assign the ranks of each ranking to its answers at random.")
    var shuffleRankings = false

    @Flag(help: "Compute frozen layers in 32 bits even if the processor has faster 16-bit instructions.")
    var float32 = false

    func validate() throws {
        if heldOutImages < 1 { throw ValidationError("--held-out-images takes at least 1") }
        if let prompts, prompts < 1 { throw ValidationError("--prompts takes at least 1") }
        if !(learningRate > 0 && learningRate < 1) { throw ValidationError("--learning-rate takes 0 to 1") }
    }

    func run() throws {
        let model = try training.model.checkpoint()
        let compute = try training.model.compute()
        var settings = RewardModelingSettings()
        settings.seed = training.seed
        settings.trainingPrompts = prompts
        settings.adapterRate = learningRate
        settings.shufflesRankings = shuffleRankings
        settings.heldOutImages = data.heldOut == nil ? heldOutImages : 0
        let job = RewardModelingJob(
            inputs: try data.inputs(model, easyVQA: training.easyVQA), settings: settings, folder: folder)
        let outcome = try data.explaining {
            try job.run(
                precision: float32 || !compute.multipliesBFloat16 ? .float32 : .bfloat16, compute: compute,
                options: training.options(validationInterval: 50), report: Console.current.progress(in: folder))
        }
        say(
            outcome == .finished
                ? "finished: \(folder)/adapter, head.safetensors and evaluation.json"
                : "paused; the same command goes on")
    }
}
