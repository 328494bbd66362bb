import Checkpoints
import Datasets
import Foundation
public import Models
public import Tensors
public import Tokenizers

/// Supervised fine-tuning from files to files: easy-VQA's training split, the families' pictures and replay texts go in,
/// an adapter and a vision model with a trained connector come out.
public struct FineTuningJob: Sendable {
    /// What is read. All of it is known to the run folder by its SHA-256.
    public struct Inputs: Sendable {
        /// The base model, a GGUF file.
        public var baseModel: String
        /// The pre-trained vision encoder and connector, a safetensors file.
        public var vision: String
        /// The folder of easy-VQA 1.0.
        public var easyVQA: String
        /// Texts of the base model, JSON lines of `ReplayRecord`; nil for none.
        public var replay: String?

        /// Inputs.
        public init(baseModel: String, vision: String, easyVQA: String, replay: String?) {
            self.baseModel = baseModel
            self.vision = vision
            self.easyVQA = easyVQA
            self.replay = replay
        }
    }

    /// What decides a run's result: written to `config.json`.
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

    /// Where the adapter goes when all steps are done: a PEFT folder, bf16.
    public var adapterFolder: String { folder + "/adapter" }

    /// Where the vision encoder with the trained connector goes: safetensors, bf16.
    public var visionPath: String { folder + "/model.safetensors" }

    /// Trains, or goes on training, and writes the results when all steps are done.
    ///
    /// - Parameters:
    ///   - configuration: the base model's sizes.
    ///   - precision: of the frozen products.
    ///   - report: prints one line.
    /// - Throws: the errors of the files' types, `RunFolderError` if the folder belongs to another run, `TrainingError`.
    public func run<C: Clock>(
        configuration: DecoderConfiguration, tokenizer: Tokenizer, precision: Precision, compute: Compute,
        options: TrainingRun<SupervisedFineTuning>.Options, clock: C = ContinuousClock(),
        report: @escaping (String) -> Void
    ) throws -> TrainingRun<SupervisedFineTuning>.Outcome where C.Duration == Duration {
        let record = Record(
            settings: settings, template: template.rawValue, precision: "\(precision)",
            instructionSet: compute.instructionSet.rawValue, inputs: try digests())
        let runFolder = try RunFolder(path: folder, configuration: record)
        let vision = try VisionWeights(path: inputs.vision)
        let encoder = PictureEncoder(vision: vision, compute: compute)
        let demonstrations = MixedDemonstrations(sources: [
            RepeatedDemonstrations(
                try officialPictures(encoder, report: report), heldOut: settings.heldOutPictures, seed: settings.seed,
                picturesPerStep: settings.officialPictures, questionsPerPicture: settings.questionsPerPicture),
            FamilyDemonstrations(
                seed: settings.seed, families: settings.families, heldOut: settings.heldOutFamilyPictures,
                picturesPerStep: settings.familyPictures, questionsPerPicture: settings.questionsPerPicture,
                encode: encoder.features),
        ])
        let base = try FrozenDecoder(
            gguf: GGUFFile(path: inputs.baseModel), configuration: configuration, precision: precision,
            compute: compute)
        let replay = try inputs.replay.map {
            try ReplayRecord.load(path: $0, vocabulary: configuration.vocabulary)
        }
        let stage = try SupervisedFineTuning(
            base: base, connector: vision.parameters[VisionWeights.connector], demonstrations: demonstrations,
            replay: replay ?? [], template: template, tokenizer: tokenizer, settings: settings)
        var run = try TrainingRun(stage: stage, folder: runFolder, options: options, report: report)
        let outcome = try run.run(clock: clock)
        if outcome == .finished { try write(run.stage, vision) }
        return outcome
    }

    private func digests() throws -> [String: FileDigest] {
        var digests = [
            "baseModel": try FileDigest(path: inputs.baseModel), "vision": try FileDigest(path: inputs.vision),
            "questions": try FileDigest(path: inputs.easyVQA + "/train/questions.json"),
        ]
        if let replay = inputs.replay { digests["replay"] = try FileDigest(path: replay) }
        return digests
    }

    /// Each training picture and its questions. Test pictures are refused by `EasyVQA`.
    private func officialPictures(_ encoder: PictureEncoder, report: (String) -> Void) throws -> [PictureQuestions] {
        let data = try EasyVQA(folder: URL(fileURLWithPath: inputs.easyVQA))
        let questions = Dictionary(grouping: data.training, by: \.picture)
        let numbers = questions.keys.sorted()
        var pictures: [PictureQuestions] = []
        let batch = 40
        for start in stride(from: 0, to: numbers.count, by: batch) {
            let some = numbers[start..<min(numbers.count, start + batch)]
            let features = encoder.features(of: try some.map { try data.trainingPicture($0) })
            for (number, features) in zip(some, features) {
                pictures.append(
                    PictureQuestions(
                        features: features,
                        questions: (questions[number] ?? []).map {
                            .init(
                                text: $0.text, answer: $0.answer.rawValue,
                                group: $0.kind == .yesNo ? "easy_vqa_yes_no" : "easy_vqa_open")
                        }))
            }
            if (start / batch + 1) % 25 == 0 { report("sft: \(pictures.count) of \(numbers.count) pictures encoded") }
        }
        return pictures
    }

    private func write(_ stage: SupervisedFineTuning, _ vision: VisionWeights) throws {
        try FileManager.default.createDirectory(atPath: adapterFolder, withIntermediateDirectories: true)
        try PEFTAdapter(stage.adapter).write(to: adapterFolder, as: .bfloat16)
        var vision = vision
        vision.parameters[VisionWeights.connector] = stage.connector
        try vision.write(to: visionPath, as: .bfloat16)
    }
}
