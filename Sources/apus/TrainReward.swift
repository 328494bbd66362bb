import ArgumentParser
import Checkpoints
import Datasets
import Feedback
import Foundation
import Models
import Policies
import Tensors
import Tokenizers
import Training

/// Trains the reward model.
struct TrainReward: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reward", abstract: "Train a reward model on rankings of a policy's answers.",
        discussion: "Example: apus train reward --rankings rankings.jsonl")

    @OptionGroup var training: TrainingOptions

    @Option(name: .customLong("run"), help: "The run folder.")
    var folder = "runs/reward"

    @Option(help: "Rankings to train on, JSON lines from `apus rank` or `apus feedback export`.")
    var rankings = "runs/rankings/rankings.jsonl"

    @Option(help: "Rankings of validation images to measure on. Default: some images of --rankings are held out.")
    var heldOut: String?

    @OptionGroup private var folders: PolicyFolders

    @Option(help: "The policy that training starts from.")
    var policy = PolicyRole.sft.name

    @Option(help: "The policy's generation. Default: the current one.")
    var generation: Int?

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
        settings.heldOutImages = heldOut == nil ? heldOutImages : 0
        let outcome: TrainingRun<RewardModeling>.Outcome
        do {
            outcome = try RewardModelingJob(inputs: try inputs(model), settings: settings, folder: folder).run(
                precision: float32 || !compute.multipliesBFloat16 ? .float32 : .bfloat16, compute: compute,
                options: training.options(validationInterval: 50), report: Console.current.progress(in: folder))
        } catch RankedAnswersError.tooFew(what: "pictures", _, let found) {
            throw ValidationError(
                "\(rankings) has rankings of \(found) pictures: hold fewer of them out with --held-out-images")
        }
        say(
            outcome == .finished
                ? "finished: \(folder)/adapter, head.safetensors and evaluation.json"
                : "paused; the same command goes on")
    }

    private func inputs(_ model: ModelCheckpoint) throws -> RewardModelingJob.Inputs {
        let backbone = model.digest.sha256
        let (from, vision) = try folders.policy(policy, generation: generation, backbone: backbone)
        let dataSet = URL(fileURLWithPath: training.easyVQA)
        let kept = DataFolder(path: folders.dataPath).images
        let images = ReferencedImages(
            easyVQA: FileManager.default.fileExists(atPath: dataSet.path) ? try EasyVQA(folder: dataSet) : nil
        ) { [UInt8](try kept.file(sha256: $0)) }
        return .init(
            baseModel: model, policy: from, vision: vision, rankings: rankings, heldOut: heldOut,
            image: images.image,
            demonstration: { ranked in
                // There are no demonstrations for people's images; the preferred answer takes their place.
                if case .stored = ranked.image {
                    let pairs = ranked.rankings.first?.pairs ?? []
                    let best = pairs.first { pair in !pairs.contains { $0.rejected == pair.chosen } }
                    return best.map { ranked.completions[$0.chosen].text }
                }
                return images.demonstration(
                    of: ranked.question, index: ranked.questionIndex, about: ranked.image)
            })
    }
}
