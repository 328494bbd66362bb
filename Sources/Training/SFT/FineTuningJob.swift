import Checkpoints
import Datasets
import Foundation
public import Models
public import Tensors
public import Tokenizers

/// Supervised fine-tuning on files: reads easy-VQA's training split and replay texts, draws the families' images, and
/// writes an adapter and a vision model with a trained connector.
public struct FineTuningJob: Sendable {
    /// The inputs. The run folder records the SHA-256 of each.
    public struct Inputs: Sendable {
        /// The base model, a GGUF file.
        public var baseModel: String
        /// The pre-trained vision encoder and connector, a safetensors file.
        public var vision: String
        /// The folder of a policy with the initial adapter; nil for an adapter that changes nothing.
        public var start: String?
        /// The folder of easy-VQA 1.0.
        public var easyVQA: String
        /// Texts of the base model, JSON lines of `ReplayRecord`; nil for none.
        public var replay: String?

        /// The given inputs.
        public init(baseModel: String, vision: String, start: String?, easyVQA: String, replay: String?) {
            self.baseModel = baseModel
            self.vision = vision
            self.start = start
            self.easyVQA = easyVQA
            self.replay = replay
        }
    }

    /// Everything that decides a run's result: written to `config.json`.
    private struct Record: Encodable {
        let settings: FineTuningSettings
        let template: String
        let precision: String
        let instructionSet: String
        let inputs: [String: FileDigest]
    }

    private let inputs: Inputs
    private let settings: FineTuningSettings
    private let template: ChatTemplate
    private let folder: String

    /// A job that keeps its state and results in `folder`.
    public init(inputs: Inputs, settings: FineTuningSettings, template: ChatTemplate = .chatml, folder: String) {
        self.inputs = inputs
        self.settings = settings
        self.template = template
        self.folder = folder
    }

    /// The adapter's folder after the last step: a PEFT folder, bf16.
    public var adapterFolder: String { folder + "/adapter" }

    /// The file of the vision encoder with the trained connector: safetensors, bf16.
    public var visionPath: String { folder + "/model.safetensors" }

    /// Trains, or resumes training, and writes the results when all steps are done.
    ///
    /// - Parameters:
    ///   - configuration: the base model's sizes.
    ///   - precision: the precision of the frozen products.
    ///   - report: prints one line.
    /// - Throws: the errors of the files' types, `RunFolderError` if the folder belongs to another run,
    ///   `TrainingError`.
    public func run<C: Clock>(
        configuration: DecoderConfiguration, tokenizer: Tokenizer, precision: Precision, compute: Compute,
        options: TrainingRun<SupervisedFineTuning>.Options, clock: C = ContinuousClock(),
        report: @escaping (String) -> Void
    ) throws -> TrainingRun<SupervisedFineTuning>.Outcome where C.Duration == Duration {
        let start = clock.now
        let record = Record(
            settings: settings, template: template.rawValue, precision: "\(precision)",
            instructionSet: compute.instructionSet.rawValue, inputs: try digests())
        let runFolder = try RunFolder(path: folder, configuration: record)
        let vision = try VisionWeights(path: inputs.vision)
        let processor = ImageProcessor(tileSize: vision.configuration.imageSize)
        let demonstrations = MixedDemonstrations(sources: [
            RepeatedDemonstrations(
                try officialImages(processor), heldOut: settings.heldOutImages, seed: settings.seed,
                imagesPerStep: settings.officialImages, questionsPerImage: settings.questionsPerImage),
            FamilyDemonstrations(
                seed: settings.seed, families: settings.families, heldOut: settings.heldOutFamilyImages,
                imagesPerStep: settings.familyImages, questionsPerImage: settings.questionsPerImage,
                processor: processor),
        ])
        let base = try FrozenDecoder(
            gguf: GGUFFile(path: inputs.baseModel), configuration: configuration, precision: precision,
            compute: compute)
        let replay = try inputs.replay.map {
            try ReplayRecord.load(path: $0, vocabulary: configuration.vocabulary)
        }
        let stage = try SupervisedFineTuning(
            base: base, vision: vision, start: try startingAdapter(configuration), demonstrations: demonstrations,
            replay: replay ?? [], template: template, tokenizer: tokenizer, settings: settings)
        var run = try TrainingRun(stage: stage, folder: runFolder, options: options, report: report)
        let outcome = try run.run(clock: clock, since: start)
        if outcome == .finished { try write(run.stage) }
        return outcome
    }

    /// The initial adapter, which must have the rank and alpha of the settings.
    private func startingAdapter(_ configuration: DecoderConfiguration) throws -> LowRankAdapter? {
        guard let folder = inputs.start else { return nil }
        let adapter = try LowRankAdapter(completeIn: folder, configuration: configuration)
        guard adapter.rank == settings.rank, adapter.alpha == settings.alpha else {
            throw ModelError.unsupported(
                key: "adapter of \(folder)", expected: "r \(settings.rank), alpha \(settings.alpha)",
                found: "r \(adapter.rank), alpha \(adapter.alpha)")
        }
        return adapter
    }

    private func digests() throws -> [String: FileDigest] {
        var digests = [
            "baseModel": try FileDigest(path: inputs.baseModel), "vision": try FileDigest(path: inputs.vision),
            "questions": try FileDigest(path: inputs.easyVQA + "/train/questions.json"),
        ]
        if let replay = inputs.replay { digests["replay"] = try FileDigest(path: replay) }
        if let start = inputs.start { digests["start"] = try FileDigest(path: start + "/adapter_model.safetensors") }
        return digests
    }

    /// Each training image with its questions. `EasyVQA` refuses test images.
    private func officialImages(_ processor: ImageProcessor) throws -> [ImageQuestions] {
        let data = try EasyVQA(folder: URL(fileURLWithPath: inputs.easyVQA))
        let questions = Dictionary(grouping: data.training, by: \.image)
        return try questions.keys.sorted().map { number in
            ImageQuestions(
                tiles: processor.tiles(of: try data.trainingImage(number), detail: .low),
                questions: (questions[number] ?? []).map {
                    .init(
                        text: $0.text, answer: $0.answer.rawValue,
                        group: $0.kind == .yesNo ? "easy_vqa_yes_no" : "easy_vqa_open")
                })
        }
    }

    private func write(_ stage: SupervisedFineTuning) throws {
        try FileManager.default.createDirectory(atPath: adapterFolder, withIntermediateDirectories: true)
        try PEFTAdapter(stage.adapter).write(to: adapterFolder, as: .bfloat16)
        try stage.vision.write(to: visionPath, as: .bfloat16)
    }
}
