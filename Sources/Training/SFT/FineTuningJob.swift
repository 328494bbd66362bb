import Checkpoints
import Datasets
import Foundation
public import Models
import Policies
public import Tensors
import Tokenizers

/// Supervised fine-tuning on files: reads a user's own data, easy-VQA's training split and replay texts, draws the
/// families' images, and writes an adapter and a vision model with a trained connector. Over a base model with vision
/// of its own it writes only an adapter: images and dialogues become tokens as the base model's files say.
public struct FineTuningJob: Sendable {
    /// The inputs. The run folder records the SHA-256 of each.
    public struct Inputs: Sendable {
        /// The base model.
        public var baseModel: ModelCheckpoint
        /// The pre-trained vision encoder and connector, a safetensors file; nil for the base model's own.
        public var vision: String?
        /// The folder of a policy with the initial adapter; nil for an adapter that changes nothing.
        public var start: String?
        /// The folder of easy-VQA 1.0; nil to leave its images out.
        public var easyVQA: String?
        /// Texts of the base model, JSON lines of `ReplayRecord`; nil for none.
        public var replay: String?
        /// The fonts and words of documents; nil for none.
        public var drawing: DrawingMaterials?
        /// The user's own data, files or folders; the settings have a weight for each.
        public var ownData: [String]

        /// The given inputs.
        public init(
            baseModel: ModelCheckpoint, vision: String?, start: String?, easyVQA: String?, replay: String?,
            drawing: DrawingMaterials? = nil, ownData: [String] = []
        ) {
            self.baseModel = baseModel
            self.vision = vision
            self.start = start
            self.easyVQA = easyVQA
            self.replay = replay
            self.drawing = drawing
            self.ownData = ownData
        }
    }

    /// Everything that decides a run's result: written to `config.json`.
    private struct Record: Encodable {
        let settings: FineTuningSettings
        let template: String
        let precision: String
        let instructionSet: String
        let inputs: [String: FileDigest]
        /// The policy that training started from; nil for a new adapter, or one without a manifest.
        let parent: PolicyManifest.Reference?
    }

    private let inputs: Inputs
    private let settings: FineTuningSettings
    private let folder: String

    /// A job that keeps its state and results in `folder`.
    public init(inputs: Inputs, settings: FineTuningSettings, folder: String) {
        self.inputs = inputs
        self.settings = settings
        self.folder = folder
    }

    /// The adapter's folder after the last step: a PEFT folder, bf16.
    public var adapterFolder: String { folder + "/adapter" }

    /// The examples of the user's own data that the run does not train on, with their images in `held-out`. A run that
    /// holds out none has no such file.
    public var heldOutPath: String { folder + "/held-out.jsonl" }

    /// The file of the vision encoder with the trained connector: safetensors, bf16. Nil if they are not trained.
    public var visionPath: String? { inputs.vision.map { _ in "\(folder)/\(PolicyFiles.vision)" } }

    /// Trains, or resumes training, and writes the results when all steps are done.
    ///
    /// - Parameters:
    ///   - precision: the precision of the frozen products.
    ///   - report: prints one line.
    /// - Throws: the errors of the files' types, `ChatTemplateError` or `DialogueFormat.Failure` for a chat template
    ///   that takes no images, `RunFolderError` if the folder belongs to another run, `TrainingError`.
    public func run<C: Clock>(
        precision: Precision, compute: Compute, options: TrainingRun<SupervisedFineTuning>.Options,
        clock: C = ContinuousClock(),
        report: @escaping (String) -> Void
    ) throws -> TrainingRun<SupervisedFineTuning>.Outcome where C.Duration == Duration {
        let start = clock.now
        let (vision, format) = try Self.sight(
            of: inputs.baseModel, vision: inputs.vision, readsDocuments: !settings.documents.isEmpty, on: compute)
        let own = try OwnTrainingData.all(at: inputs.ownData, share: settings.ownData?.heldOutShare ?? 0)
        for data in own { try data.check(format, contextLength: inputs.baseModel.decoder.configuration.contextLength) }
        let record = Record(
            settings: settings, template: format.template.name.rawValue, precision: "\(precision)",
            instructionSet: compute.instructionSet.rawValue, inputs: try digests(own), parent: try parent())
        let runFolder = try RunFolder(path: folder, configuration: record)
        let demonstrations = MixedDemonstrations(try sources(own), imagesPerStep: settings.imagesPerStep)
        let base = try FrozenDecoder(inputs.baseModel.decoder, precision: precision, compute: compute)
        let replay = try inputs.replay.map {
            try ReplayRecord.load(path: $0, vocabulary: base.configuration.vocabulary)
        }
        let stage = SupervisedFineTuning(
            base: base, vision: vision, start: try startingAdapter(base.configuration), demonstrations: demonstrations,
            replay: replay ?? [], format: format, settings: settings)
        let heldOut = own.flatMap(\.split.heldOut)
        if !heldOut.isEmpty { try OwnExample.write(heldOut: heldOut, in: folder) }
        var run = try TrainingRun(stage: stage, folder: runFolder, options: options, report: report)
        let outcome = try run.run(clock: clock, since: start)
        if outcome == .finished { try write(run.stage) }
        return outcome
    }

    private func parent() throws -> PolicyManifest.Reference? {
        guard let start = inputs.start, FileManager.default.fileExists(atPath: start + "/manifest.json") else {
            return nil
        }
        let manifest = try PolicyFolder(unverified: start).manifest
        return .init(name: manifest.name, generation: manifest.generation)
    }

    /// Own data have their weights; the other sources share the rest of a step as their numbers of images say.
    private func sources(_ own: [OwnTrainingData]) throws -> [MixedDemonstrations.Source] {
        let weights = settings.ownData?.weights ?? []
        let others = try otherSources()
        let (rest, all) = (OwnDataSettings.whole - weights.reduce(0, +), others.reduce(0) { $0 + $1.weight })
        return try zip(own, weights).map { data, weight in
            MixedDemonstrations.Source(
                demonstrations: try OwnDemonstrations(
                    data, seed: settings.seed, heldOut: settings.heldOutImages,
                    questionsPerImage: settings.questionsPerImage,
                    variesImages: settings.ownData?.variesImages ?? false),
                weight: weight * max(1, all))
        } + others.map { MixedDemonstrations.Source(demonstrations: $0.demonstrations, weight: rest * $0.weight) }
    }

    /// easy-VQA, families and documents, as far as they take part, with their images per step as weights.
    private func otherSources() throws -> [MixedDemonstrations.Source] {
        var sources: [MixedDemonstrations.Source] = []
        if let folder = inputs.easyVQA {
            let images = RepeatedDemonstrations(
                try officialImages(folder), heldOut: settings.heldOutImages, seed: settings.seed,
                imagesPerStep: settings.officialImages, questionsPerImage: settings.questionsPerImage)
            sources.append(.init(demonstrations: images, weight: settings.officialImages))
        }
        if !settings.families.isEmpty {
            let images = FamilyDemonstrations(
                seed: settings.seed, families: settings.families, heldOut: settings.heldOutFamilyImages,
                questionsPerImage: settings.questionsPerImage)
            sources.append(.init(demonstrations: images, weight: settings.familyImages))
        }
        if let drawing = inputs.drawing, !settings.documents.isEmpty {
            let images = try DocumentDemonstrations(
                Artist(drawing), seed: settings.seed, families: settings.documents,
                heldOut: settings.heldOutDocuments, questionsPerImage: settings.questionsPerImage)
            sources.append(.init(demonstrations: images, weight: settings.documentImages))
        }
        return sources
    }

    /// The vision encoder, and how images and questions become tokens. Without a file of their own, both are the base
    /// model's.
    ///
    /// - Parameters:
    ///   - path: the file of a vision encoder; nil for the base model's own.
    ///   - readsDocuments: whether the encoder must read.
    package static func sight(
        of model: ModelCheckpoint, vision path: String?, readsDocuments: Bool = false, on compute: Compute
    ) throws -> (SupervisedFineTuning.Vision, DialogueFormat) {
        let tokenizer = Tokenizer(model.vocabulary)
        guard let path else {
            let vision = try model.ownVision(on: compute)
            return (
                .frozen(vision.encoder),
                try DialogueFormat(
                    template: ChatTemplate(named: .model, model: model.template),
                    processor: vision.processor, positionsPerTile: vision.encoder.configuration.positionsPerTile,
                    reader: vision.reader, tokenizer: tokenizer)
            )
        }
        let weights = try VisionWeights(path: path)
        guard weights.configuration.readsText || !readsDocuments else {
            throw ModelError.unsupported(
                key: "the encoder for documents, \(path)", expected: "one that reads, from `apus train vision`",
                found: "one without a head for characters")
        }
        try weights.configuration.requireTextWidth(model.decoder.configuration.hidden)
        return (
            .trained(weights),
            try DialogueFormat(
                template: .chatml,
                processor: PolicyManifest.Image(for: weights.configuration).processor,
                positionsPerTile: weights.configuration.positionsPerTile,
                reader: TextReader(weights, on: compute), tokenizer: tokenizer)
        )
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

    private func digests(_ own: [OwnTrainingData]) throws -> [String: FileDigest] {
        var digests = ["baseModel": inputs.baseModel.digest]
        if let easyVQA = inputs.easyVQA {
            digests["questions"] = try FileDigest(path: easyVQA + "/train/questions.json")
        }
        for data in own { digests[data.group] = try data.digest() }
        if let vision = inputs.vision { digests["vision"] = try FileDigest(path: vision) }
        if let replay = inputs.replay { digests["replay"] = try FileDigest(path: replay) }
        if let drawing = inputs.drawing { digests.merge(try drawing.digests(forDocuments: true)) { first, _ in first } }
        if let start = inputs.start { digests["start"] = try FileDigest(path: start + "/adapter_model.safetensors") }
        return digests
    }

    /// Each training image with its questions. `EasyVQA` refuses test images.
    private func officialImages(_ folder: String) throws -> [ImageQuestions] {
        let data = try EasyVQA(folder: URL(fileURLWithPath: folder))
        let questions = Dictionary(grouping: data.training, by: \.image)
        return try questions.keys.sorted().map { number in
            ImageQuestions(
                image: try data.trainingImage(number),
                questions: (questions[number] ?? []).map {
                    .init(
                        text: $0.text, answer: $0.answer.rawValue,
                        group: $0.kind == .yesNo ? "easy_vqa_yes_no" : "easy_vqa_open")
                })
        }
    }

    private func write(_ stage: SupervisedFineTuning) throws {
        try FileManager.default.createDirectory(atPath: adapterFolder, withIntermediateDirectories: true)
        try PEFTAdapter(stage.adapter, decoder: inputs.baseModel.decoder.decoderName)
            .write(to: adapterFolder, as: .bfloat16)
        if let vision = stage.vision, let visionPath { try vision.write(to: visionPath, as: .bfloat16) }
    }
}
