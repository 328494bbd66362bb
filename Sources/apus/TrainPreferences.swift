public import ArgumentParser
import Checkpoints
import Datasets
import Feedback
import Foundation
import Models
import Policies
import Tensors
public import Training

/// The rankings that training reads, and the policy that it starts from.
struct RankingOptions: ParsableArguments {
    @Option(
        help:
            "Rankings to train on, JSON lines from `apus rank` or `apus feedback export`. Default with --feedback: none."
    )
    var rankings: String?

    @Option(help: "Rankings by people, from `apus feedback export`, to train on beside --rankings.")
    var feedback: String?

    @Option(help: "How many of the other rankings one ranking of --feedback counts for.")
    var feedbackWeight = 1.0

    @Option(help: "Rankings of validation images to measure on. Default: some of the images are held out.")
    var heldOut: String?

    @OptionGroup private var folders: PolicyFolders

    @OptionGroup private var drawing: DrawingOptions

    @Option(help: "The policy that training starts from.")
    var policy = PolicyRole.sft.name

    @Option(help: "The policy's generation. Default: the current one.")
    var generation: Int?

    private static let simulated = "runs/rankings/rankings.jsonl"

    func validate() throws {
        guard feedbackWeight > 0, feedbackWeight <= 1_000 else {
            throw ValidationError("--feedback-weight takes a number above 0, at most 1000")
        }
        guard feedback != nil || feedbackWeight == 1 else {
            throw ValidationError("--feedback-weight is for --feedback")
        }
    }

    /// The files as training reads them.
    func inputs(_ model: ModelCheckpoint, easyVQA: String, thumbs: String? = nil) throws -> RankingInputs {
        let (from, vision) = try folders.policy(policy, generation: generation, backbone: model.digest.sha256)
        let dataSet = URL(fileURLWithPath: easyVQA)
        let kept = DataFolder(path: folders.dataPath).images
        let images = ReferencedImages(
            generator: drawing.generator,
            easyVQA: FileManager.default.fileExists(atPath: dataSet.path) ? try EasyVQA(folder: dataSet) : nil
        ) { [UInt8](try kept.file(sha256: $0)) }
        var inputs = RankingInputs(
            baseModel: model, policy: from, vision: vision,
            rankings: rankings ?? (feedback == nil && thumbs == nil ? Self.simulated : nil), heldOut: heldOut,
            feedback: feedback,
            feedbackWeight: feedbackWeight, image: images.image,
            demonstration: { ranked in
                // There are no demonstrations for people's images; the preferred answer takes their place.
                if case .stored = ranked.image {
                    let pairs = ranked.rankings.first?.pairs ?? []
                    let best = pairs.first { pair in !pairs.contains { $0.rejected == pair.chosen } }
                    return best.map { .init(ranked.completions[$0.chosen].text) }
                }
                return try images.demonstration(
                    of: ranked.question, index: ranked.questionIndex, about: ranked.image)
            })
        if let thumbs {
            let (answers, longer) = try UnpairedPreference.load(path: thumbs) { try kept.keep($0) }
            if longer > 0 { say("\(thumbs): \(longer) thumbs of longer dialogues or several images are left out") }
            inputs.thumbs = (thumbs, answers)
        }
        return inputs
    }

    /// Runs `body`, and says what to do if too few images are ranked.
    func explaining<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch RankedAnswersError.tooFew(what: "pictures", _, found: 0) {
            throw ValidationError(
                "there is nothing to train on: no answer is preferred to another, and none has a thumb")
        } catch RankedAnswersError.tooFew(what: "pictures", _, let found) {
            throw ValidationError(
                "there are rankings or thumbs of \(found) pictures: hold fewer of them out with --held-out-images")
        }
    }
}

/// What DPO and KTO have in common.
struct PreferenceOptions: ParsableArguments {
    @OptionGroup var training: TrainingOptions

    @OptionGroup var data: RankingOptions

    @Option(help: "Replies of the base model, from `apus data replay`; `none` leaves text out.")
    var replay = "runs/replay.jsonl"

    @Option(help: "Passes over the rankings.")
    var epochs = PreferenceSettings().epochs

    @Option(help: "The larger, the nearer the policy stays to the one that it starts from.")
    var beta = PreferenceSettings().beta

    @Option(help: "The peak learning rate of the adapter.")
    var learningRate = PreferenceSettings().learningRate

    @Option(help: "Number of images whose rankings are held out of training to measure on, without --held-out.")
    var heldOutImages = PreferenceSettings().heldOutImages

    @Flag(help: "Compute frozen layers in 32 bits even if the processor has faster 16-bit instructions.")
    var float32 = false

    func validate() throws {
        if !(1...1_000).contains(epochs) { throw ValidationError("--epochs takes 1 to 1000") }
        if heldOutImages < 1 { throw ValidationError("--held-out-images takes at least 1") }
        if !(learningRate > 0 && learningRate < 1) { throw ValidationError("--learning-rate takes 0 to 1") }
        guard beta > 0, beta <= 100 else { throw ValidationError("--beta takes a number above 0, at most 100") }
    }

    func run(
        _ method: PreferenceMethod, thumbs: String? = nil, in folder: String,
        _ change: (inout PreferenceSettings) -> Void
    ) throws {
        let model = try training.model.checkpoint()
        let compute = try training.model.compute()
        var settings = PreferenceSettings()
        settings.method = method
        settings.seed = training.seed
        settings.epochs = epochs
        settings.beta = beta
        settings.learningRate = learningRate
        settings.heldOutImages = data.heldOut == nil ? heldOutImages : 0
        change(&settings)
        let job = PreferenceJob(
            inputs: try data.inputs(model, easyVQA: training.easyVQA, thumbs: thumbs),
            replay: try replayFile(replay),
            settings: settings, folder: folder)
        let outcome = try data.explaining {
            try job.run(
                precision: float32 || !compute.multipliesBFloat16 ? .float32 : .bfloat16, compute: compute,
                options: training.options(validationInterval: 50), report: Console.current.progress(in: folder))
        }
        say(outcome == .finished ? "finished: \(job.adapterFolder)" : "paused; the same command goes on")
    }
}

/// Trains a policy on preferred pairs.
struct TrainDPO: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dpo", abstract: "Train a policy on rankings directly: direct preference optimization.",
        discussion: "Example: apus train dpo --feedback rankings.jsonl --held-out-images 10")

    @OptionGroup var options: PreferenceOptions

    @Option(name: .customLong("run"), help: "The run folder.")
    var folder = "runs/dpo"

    @Option(help: "The loss of a pair: sigmoid or ipo.")
    var objective = PreferenceSettings().objective

    @Option(help: "The share of pairs that count as ranked wrongly, 0 to below 0.5, for the sigmoid loss.")
    var labelSmoothing = PreferenceSettings().labelSmoothing

    func validate() throws {
        guard (0..<0.5).contains(labelSmoothing) else {
            throw ValidationError("--label-smoothing takes 0 to below 0.5")
        }
        guard objective == .sigmoid || labelSmoothing == 0 else {
            throw ValidationError("--label-smoothing is for --objective sigmoid")
        }
    }

    func run() throws {
        try options.run(.dpo, in: folder) {
            $0.objective = objective
            $0.labelSmoothing = labelSmoothing
        }
    }
}

/// Trains a policy on good and bad answers.
struct TrainKTO: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kto",
        abstract: "Train a policy on answers that are good or bad by themselves: Kahneman-Tversky optimization.",
        discussion: """
            The best answers of a ranking are good, the last ones bad; a thumb says it of one answer.

            Example: apus train kto --thumbs thumbs/kto.jsonl --held-out-images 10
            """)

    @OptionGroup var options: PreferenceOptions

    @Option(name: .customLong("run"), help: "The run folder.")
    var folder = "runs/kto"

    @Option(help: "Thumbs to train on, from `apus feedback export --format kto` or in TRL's format.")
    var thumbs: String?

    @Option(help: "The weight of a good answer.")
    var desirableWeight = PreferenceSettings().desirableWeight

    @Option(help: "The weight of a bad answer.")
    var undesirableWeight = PreferenceSettings().undesirableWeight

    func validate() throws {
        guard desirableWeight > 0, undesirableWeight > 0, max(desirableWeight, undesirableWeight) <= 1_000 else {
            throw ValidationError("--desirable-weight and --undesirable-weight take numbers above 0, at most 1000")
        }
    }

    func run() throws {
        try options.run(.kto, thumbs: thumbs, in: folder) {
            $0.desirableWeight = desirableWeight
            $0.undesirableWeight = undesirableWeight
        }
    }
}

extension PairObjective: ExpressibleByArgument {}
