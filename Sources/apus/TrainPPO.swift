public import ArgumentParser
import Checkpoints
import Datasets
import Foundation
import Models
import Policies
import Tensors
import Tokenizers
public import Training

/// Trains a policy by PPO.
struct TrainPPO: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ppo", abstract: "Train a policy against a reward model, with a KL penalty to its first policy.",
        discussion: "Example: apus train ppo --run runs/ppo --max-minutes 60")

    @OptionGroup var model: ModelOptions

    @Option(help: "The random seed.")
    var seed: UInt64 = 0

    @Option(help: "Pause after this many minutes; the same command resumes.")
    var maxMinutes: Double?

    @Option(name: .customLong("run"), help: "The run folder.")
    var folder = "runs/ppo"

    @OptionGroup private var folders: PolicyFolders

    @Option(help: "The policy that training starts from.")
    var policy = PolicyRole.sft.name

    @Option(help: "The policy's generation. Default: the current one.")
    var generation: Int?

    @Option(help: "The reward model's generation. Default: the current one.")
    var rewardGeneration: Int?

    @Option(help: "Replies of the base model, from `apus data replay`; `none` leaves text out.")
    var replay = "runs/replay.jsonl"

    @Option(
        parsing: .upToNextOption, help: "The families of the images, used in turn; `none` leaves them out.")
    var families = PromptSettings().families.map { FamilyOption.family($0) }

    @Option(
        parsing: .upToNextOption,
        help: "The families of documents, in turn after the others, for a policy that reads. Default: none.")
    var documents: [DocumentFamily] = []

    @OptionGroup var own: OwnDataOptions

    @OptionGroup var drawing: DrawingOptions

    @Option(help: "Number of iterations in the run.")
    var iterations = PPOSettings().iterations

    @Option(help: "Images per iteration. Training uses the informative questions, whose answers differ.")
    var images = PromptSettings().images

    @Option(help: "The peak learning rate of the policy's adapter.")
    var learningRate = PPOSettings().policyRate

    @Option(name: .customLong("beta0"), help: "The initial weight of the KL penalty; 0 turns it off.")
    var klWeight = PPOSettings().klWeight

    @Option(name: .customLong("kl"), help: "The controller of the KL weight: proportional or switch.")
    var klControl = PPOSettings().klControl

    @Option(help: "The objective that keeps an update near the previous policy: clipped or penalized.")
    var objective = PPOSettings().objective

    @Option(
        help:
            "Where the baseline of advantages comes from: value (a value model), group (GRPO) or leave-one-out (RLOO).")
    var advantage = PPOSettings().advantage

    @Flag(help: "A control: never stop because of KL, entropy or missing end tokens.")
    var noStopRule = false

    @Option(help: "Iterations between validations on held-out prompts, with a snapshot of the policy; 0 for none.")
    var validationInterval = 5

    @Flag(help: "Compute frozen layers in 32 bits even if the processor has faster 16-bit instructions.")
    var float32 = false

    func validate() throws {
        if let maxMinutes, !(maxMinutes > 0 && maxMinutes < 1e6) {
            throw ValidationError("--max-minutes takes a positive number")
        }
        if iterations < 1 || images < 1 || images > 4_096 {
            throw ValidationError("--iterations takes at least 1, --images 1 to 4096")
        }
        if validationInterval < 0 { throw ValidationError("--validation-interval takes at least 0") }
        if !(learningRate > 0 && learningRate < 1) { throw ValidationError("--learning-rate takes 0 to 1") }
        guard klWeight >= 0, klWeight.isFinite else { throw ValidationError("--beta0 takes at least 0") }
        try FamilyOption.check(
            families, besides: ["--data": !own.data.isEmpty, "--documents": !documents.isEmpty])
        try drawing.check(isNeeded: !documents.isEmpty)
    }

    func run() throws {
        let checkpoint = try model.checkpoint()
        let compute = try model.compute()
        var settings = PPOSettings()
        settings.seed = seed
        settings.iterations = iterations
        settings.policyRate = learningRate
        settings.klWeight = klWeight
        settings.klControl = klControl
        settings.objective = objective
        settings.advantage = advantage
        if noStopRule { settings.stop = nil }
        var prompts = PromptSettings()
        prompts.families = FamilyOption.chosen(families)
        prompts.documents = documents
        prompts.images = images
        prompts.ownData = own.settings
        let job = PPOJob(inputs: try inputs(checkpoint), settings: settings, prompts: prompts, folder: folder)
        let outcome = try job.run(
            precision: float32 || !compute.multipliesBFloat16 ? .float32 : .bfloat16, compute: compute,
            options: .init(
                timeLimit: maxMinutes.map { .seconds($0 * 60) }, validationInterval: validationInterval,
                reportInterval: 1), report: Console.current.progress(in: folder))
        let results = job.adapterFolder + (advantage == .value ? " and " + job.valueFolder : "")
        switch outcome {
        case .finished: say("finished: \(results)")
        case .stopped(let step, let reason): say("stopped after iteration \(step): \(reason); written: \(results)")
        case .paused: say("paused; the same command goes on")
        }
    }

    private func inputs(_ checkpoint: ModelCheckpoint) throws -> PPOJob.Inputs {
        let backbone = checkpoint.digest.sha256
        let (from, vision) = try folders.policy(policy, generation: generation, backbone: backbone)
        return .init(
            baseModel: checkpoint, policy: from, vision: vision,
            reward: try folders.open(PolicyRole.reward.name, generation: rewardGeneration, backbone: backbone),
            replay: try replayFile(replay), drawing: documents.isEmpty ? nil : drawing.materials,
            ownData: own.data.map(\.path))
    }
}

extension KLControl: ExpressibleByArgument {}

extension PolicyObjective: ExpressibleByArgument {}

extension AdvantageSource: ExpressibleByArgument {}
