import ArgumentParser
import Checkpoints
import Datasets
import Foundation
import Models
import Policies
import Tensors
import Tokenizers
import Training

/// The stages of training, each in a run folder of its own.
struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train the vision encoder, a policy or a reward model.",
        subcommands: [TrainVision.self, TrainSFT.self, TrainReward.self, TrainPPO.self, TrainDPO.self, TrainKTO.self])
}

/// The options that all stages share.
struct TrainingOptions: ParsableArguments {
    @OptionGroup var model: ModelOptions

    @Option(help: "The folder of easy-VQA 1.0. Default: the folder that `make data` fetches.")
    var easyVQA = Cache.easyVQA

    @Option(help: "The random seed.")
    var seed: UInt64 = 0

    @Option(help: "Pause after this many minutes; the same command resumes.")
    var maxMinutes: Double?

    func validate() throws {
        if let maxMinutes, !(maxMinutes > 0 && maxMinutes < 1e6) {
            throw ValidationError("--max-minutes takes a positive number")
        }
    }

    func options<Stage>(validationInterval: Int) -> TrainingRun<Stage>.Options {
        .init(
            timeLimit: maxMinutes.map { .seconds($0 * 60) }, checkpointInterval: .seconds(120),
            validationInterval: validationInterval, reportInterval: 10)
    }
}

/// The folders in which a stage looks for its first policies: published ones first, then those that come with the
/// program.
struct PolicyFolders: ParsableArguments {
    @OptionGroup private var shipped: PoliciesOption

    @OptionGroup private var data: DataFolderOption

    /// The folder to write to; empty for none.
    var dataPath: String { data.dataPath }

    private var library: PolicyLibrary {
        PolicyLibrary(published: dataPath.isEmpty ? nil : "\(dataPath)/policies", shipped: shipped.folder)
    }

    /// Opens a generation of `name`, by default the current one, and verifies every file.
    func open(_ name: String, generation: Int?, backbone: String) throws -> PolicyFolder {
        guard let generation = try generation ?? library.current()[name] else {
            throw ValidationError("there is no policy \(name) in \(library.folders.joined(separator: " or "))")
        }
        return try library.open(name, generation: generation, backbone: backbone)
    }

    /// A policy and the vision generation that it was trained with; nil if it sees with the base model's own vision.
    func policy(
        _ name: String, generation: Int?, backbone: String
    ) throws -> (policy: PolicyFolder, vision: PolicyFolder?) {
        let policy = try open(name, generation: generation, backbone: backbone)
        guard let vision = policy.manifest.vision else {
            guard policy.manifest.seesAsBase else {
                throw ValidationError("the policy \(name) names no vision generation")
            }
            return (policy, nil)
        }
        return (policy, try open(vision.name, generation: vision.generation, backbone: backbone))
    }
}

/// The fonts and words that pages of text and documents are drawn with.
struct DrawingOptions: ParsableArguments {
    @Option(help: "The folder of the fonts. Default: the folder that `make fonts` fetches.")
    var fonts = Cache.fonts

    @Option(help: "The file of the words. Default: the file that `make fonts` fetches.")
    var words = Cache.words

    /// Refuses values that nothing would use.
    func check(isNeeded: Bool, by user: String = "--documents: name families of documents") throws {
        guard isNeeded || (fonts == Cache.fonts && words == Cache.words) else {
            throw ValidationError("--fonts and --words are for \(user)")
        }
    }

    var materials: DrawingMaterials { DrawingMaterials(fonts: fonts, words: words) }

    /// Draws the families' images, and documents once one is wanted: only then the fonts must be there.
    var generator: ImageGenerator { .drawingDocuments(with: materials) }
}

/// Pre-trains the vision encoder.
struct TrainVision: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vision", abstract: "Pre-train the vision encoder and connector.",
        discussion: "Example: apus train vision --run runs/vision --max-minutes 60")

    @OptionGroup var training: TrainingOptions

    @Option(name: .customLong("run"), help: "The run folder.")
    var folder = "runs/vision"

    @Option(help: "An encoder and connector to start from. Default: random weights.")
    var from: String?

    @Option(help: "Number of steps in the run.")
    var steps = VisionPretrainingSettings().steps

    @Option(help: "The peak learning rate of everything but the matrices of the blocks.")
    var learningRate = VisionPretrainingSettings().learningRate

    @Option(help: "The peak learning rate of the matrices of the blocks.")
    var matrixRate = VisionPretrainingSettings().matrixRate

    @OptionGroup var drawing: DrawingOptions

    func validate() throws {
        for (name, rate) in [("--learning-rate", learningRate), ("--matrix-rate", matrixRate)]
        where !(rate > 0 && rate < 1) { throw ValidationError("\(name) takes 0 to 1") }
    }

    func run() throws {
        let model = try training.model.checkpoint()
        var settings = VisionPretrainingSettings()
        settings.seed = training.seed
        settings.steps = steps
        settings.learningRate = learningRate
        settings.matrixRate = matrixRate
        let embeddings = WordEmbeddings(
            embeddings: try model.decoder.floats(.embedding), tokenizer: Tokenizer(model.vocabulary))
        let inputs = [
            "baseModel": model.digest.sha256,
            "questions": try FileDigest(path: training.easyVQA + "/train/questions.json").sha256,
        ]
        let outcome = try VisionPretraining.run(
            dataset: EasyVQA(folder: URL(fileURLWithPath: training.easyVQA)), drawing: drawing.materials,
            words: embeddings, start: from, inputs: inputs, settings: settings, folder: folder,
            options: training.options(validationInterval: 250), on: try training.model.compute(),
            report: Console.current.progress(in: folder))
        say(outcome == .finished ? "finished: \(folder)/model.safetensors" : "paused; the same command goes on")
    }
}

/// Fine-tunes a policy on demonstrations.
struct TrainSFT: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sft",
        abstract: "Fine-tune a policy on your own data, easy-VQA's training split, the families' images and replayed "
            + "text.",
        discussion: """
            Examples: apus train sft --from Deploy/policies/sft/7 --steps 100 --learning-rate 1e-4
                      apus train sft --from Deploy/policies/sft/7 --data icons/:0.5 --steps 200 --run runs/icons
            """)

    @OptionGroup var training: TrainingOptions

    @Option(name: .customLong("run"), help: "The run folder.")
    var folder = "runs/sft"

    @OptionGroup var sight: SightOptions

    @OptionGroup var own: OwnDataOptions

    @Flag(help: "Show your own images at another size, place and brightness each time, so that few teach more.")
    var varyImages = false

    @Option(help: "Replies of the base model, from `apus data replay`; `none` leaves text out.")
    var replay = "runs/replay.jsonl"

    @Option(help: "Number of steps in the run.")
    var steps = FineTuningSettings().steps

    @Option(
        parsing: .upToNextOption,
        help: "The families of the images, used in turn; `none` leaves them out, as `--easy-vqa none` does easy-VQA.")
    var families = FineTuningSettings().families.map { FamilyOption.family($0) }

    @Option(
        parsing: .upToNextOption,
        help: "The families of documents, used in turn, for a vision encoder that reads. Default: none.")
    var documents: [DocumentFamily] = []

    @Option(help: "Documents per step, besides an image of easy-VQA and seven of the families if they take part.")
    var documentImages = FineTuningSettings().documentImages

    @Option(help: "Questions about an image in one step, at most.")
    var questionsPerImage = FineTuningSettings().questionsPerImage

    @OptionGroup var drawing: DrawingOptions

    @Option(
        help: "The peak learning rate of the adapter; the rates of connector and encoder scale with it.")
    var learningRate = FineTuningSettings().adapterRate

    @Flag(help: "Compute frozen layers in 32 bits even if the processor has faster 16-bit instructions.")
    var float32 = false

    func validate() throws {
        if !(learningRate > 0 && learningRate < 1) { throw ValidationError("--learning-rate takes 0 to 1") }
        try FamilyOption.checkNames(families)
        if own.data.isEmpty, documents.isEmpty, chosenFamilies.isEmpty || training.easyVQA == Self.none {
            throw ValidationError("--families none and --easy-vqa none need --data or --documents")
        }
        if !(1...64).contains(questionsPerImage) { throw ValidationError("--questions-per-image takes 1 to 64") }
        if !(1...64).contains(documentImages) { throw ValidationError("--document-images takes 1 to 64") }
        if own.data.isEmpty, varyImages { throw ValidationError("--vary-images is for --data: name your own data") }
        try drawing.check(isNeeded: !documents.isEmpty)
    }

    func run() throws {
        let model = try training.model.checkpoint()
        let compute = try training.model.compute()
        var settings = FineTuningSettings()
        settings.seed = training.seed
        settings.steps = steps
        settings.families = chosenFamilies
        settings.ownData = own.settings
        if varyImages { settings.ownData?.variesImages = true }
        settings.documents = documents
        settings.documentImages = documentImages
        if !documents.isEmpty {
            if training.easyVQA == Self.none { settings.officialImages = 0 }
            if chosenFamilies.isEmpty { settings.familyImages = 0 }
        }
        settings.questionsPerImage = questionsPerImage
        settings.scaleRates(by: learningRate / settings.adapterRate)
        let job = FineTuningJob(
            inputs: .init(
                baseModel: model, vision: try sight.visionFile(of: model), start: sight.from,
                easyVQA: training.easyVQA == Self.none ? nil : training.easyVQA,
                replay: replay == Self.none ? nil : replay, drawing: documents.isEmpty ? nil : drawing.materials,
                ownData: own.data.map(\.path)),
            settings: settings, folder: folder)
        let outcome = try job.run(
            precision: float32 || !compute.multipliesBFloat16 ? .float32 : .bfloat16, compute: compute,
            options: training.options(validationInterval: 100), report: Console.current.progress(in: folder))
        let results = [job.adapterFolder, job.visionPath].compactMap { $0 }.joined(separator: " and ")
        say(outcome == .finished ? "finished: \(results)" : "paused; the same command goes on")
        if !own.data.isEmpty, FileManager.default.fileExists(atPath: job.heldOutPath) {
            say("held out, for `apus eval data`: \(job.heldOutPath)")
        }
    }

    private static let none = "none"

    private var chosenFamilies: [Family] { FamilyOption.chosen(families) }
}

/// A family by its name, or `none`.
enum FamilyOption: ExpressibleByArgument, Equatable {
    case family(Family)
    case none

    init?(argument: String) {
        if argument == "none" {
            self = .none
        } else if let family = Family(argument: argument) {
            self = .family(family)
        } else {
            return nil
        }
    }

    var defaultValueDescription: String {
        switch self {
        case .family(let family): family.defaultValueDescription
        case .none: "none"
        }
    }

    static var allValueStrings: [String] { Family.allValueStrings + ["none"] }

    /// The families among the options.
    static func chosen(_ options: [FamilyOption]) -> [Family] {
        options.compactMap { if case .family(let family) = $0 { family } else { nil } }
    }

    /// Throws unless the options are families, or `none` alone.
    static func checkNames(_ options: [FamilyOption]) throws {
        if options.isEmpty || (options.count > 1 && options.contains(.none)) {
            throw ValidationError("--families takes at least one family, or none")
        }
    }

    /// Throws if the options are `none` and nothing else has images.
    ///
    /// - Parameter others: the options that may name images instead, and whether they do.
    static func check(_ options: [FamilyOption], besides others: [String: Bool]) throws {
        try checkNames(options)
        if chosen(options).isEmpty, !others.values.contains(true) {
            throw ValidationError("--families none needs \(others.keys.sorted().joined(separator: " or "))")
        }
    }
}

/// The policy to start from, and with it the way in which images and questions become tokens.
struct SightOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The vision encoder and connector to train on. Default: from the policy in --from, else the model's own, "
                + "which stays as it is, else runs/vision/model.safetensors.",
            valueName: "file"))
    var vision: String?

    @Option(
        help: ArgumentHelp(
            "The folder of a policy whose adapter to start from, like Deploy/policies/sft/7. Default: a new adapter.",
            valueName: "folder"))
    var from: String?

    /// The vision model to start from: the file given, or the vision model that the policy was trained with. Nil is the
    /// base model's own.
    func visionFile(of model: ModelCheckpoint) throws -> String? {
        if let vision { return vision }
        guard let from else { return model.vision == nil ? "runs/vision/model.safetensors" : nil }
        return try Self.visionFile(ofPolicy: from)
    }

    /// The vision model that the policy in a folder sees with; nil is the base model's own.
    static func visionFile(ofPolicy from: String) throws -> String? {
        let policy = try PolicyFolder(unverified: from)
        if policy.manifest.seesAsBase { return nil }
        guard let reference = policy.manifest.vision else {
            throw ValidationError("\(from)/manifest.json names no vision generation; name the encoder with --vision")
        }
        // It is next to the policy's own folder, or among the policies that come with the program.
        let beside = URL(fileURLWithPath: from).deletingLastPathComponent().deletingLastPathComponent().path
        for folder in [beside, Installation.path("Deploy/policies")] {
            let path = "\(folder)/\(reference.name)/\(reference.generation)/model.safetensors"
            if FileManager.default.fileExists(atPath: path) { return path }
        }
        throw ValidationError(
            "\(from) sees with generation \(reference.generation) of \(reference.name), which is not beside it; name the "
                + "encoder with --vision")
    }
}

/// The file of `--replay`; nil for `none`.
func replayFile(_ path: String) throws -> String? {
    guard path != "none" else { return nil }
    guard FileManager.default.fileExists(atPath: path) else {
        throw ValidationError(
            "there is no \(path): `apus data replay` writes it, and `--replay none` trains without it")
    }
    return path
}
