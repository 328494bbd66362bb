public import Checkpoints
public import Datasets
public import Foundation
public import Models
public import Policies
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
                    processor: vision.processor, tokensPerTile: vision.encoder.configuration.tokensPerTile,
                    tokenizer: tokenizer)
            )
        }
        let weights = try VisionWeights(path: path)
        guard weights.configuration.endsRows || !readsDocuments else {
            throw ModelError.unsupported(
                key: "the encoder for documents, \(path)", expected: "one that reads, from `apus train vision`",
                found: "one that sees single tiles of \(weights.configuration.imageSize) pixels")
        }
        try weights.configuration.requireTextWidth(model.decoder.configuration.hidden)
        return (
            .trained(weights),
            try DialogueFormat(
                template: .chatml,
                processor: PolicyManifest.Image(for: weights.configuration).processor(for: weights.configuration),
                tokensPerTile: weights.configuration.tokensPerTile, tokenizer: tokenizer)
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

/// The settings of supervised fine-tuning; together with the input files they decide the result.
public struct FineTuningSettings: Codable, Sendable, Equatable {
    /// Decides the adapter's initial weights and the order of the data.
    public var seed: UInt64 = 0
    /// The number of steps of the whole run.
    public var steps = 1_300
    /// Images of easy-VQA per step.
    public var officialImages = 1
    /// Images of the families per step.
    public var familyImages = 7
    /// The families of these images, in turn: families that take longest to learn are listed most often. Without any
    /// the other sources take their share.
    public var families: [Family] = [
        .counts, .numbers, .comparisons, .counts, .positions, .numbers, .digits,
        .counts, .comparisons, .numbers, .counts, .descriptions, .numbers, .attributes,
        .counts, .comparisons, .numbers, .counts, .comparisons, .positions, .absence,
    ]
    /// The families of documents, in turn; none for an encoder that does not read.
    package var documents: [DocumentFamily] = []
    /// Documents per step.
    public var documentImages = 4
    /// Questions per image and step.
    public var questionsPerImage = 6
    /// r of the adapter.
    public var rank = 16
    /// α of the adapter.
    public var alpha: Float = 32
    /// The learning rate of the adapter.
    public var adapterRate: Float = 5e-4
    /// The learning rate of a connector that learns. It is low, because otherwise the connector's tokens outgrow word
    /// embeddings, and the additions of the decoder's layers to them are lost.
    public var connectorRate: Float = 5e-5
    /// The learning rate of a vision encoder that learns.
    public var visionRate: Float = 1e-4
    /// Steps over which the learning rates rise.
    public var warmUp = 15
    /// The share of the learning rates at the end.
    public var floor: Float = 0.05
    /// AdamW's moments and clipping.
    public var optimizer = Optimizer.Settings()
    /// Upper bound on the rows of the replayed conversation that joins each step.
    public var replayRows = 256
    /// The weight of the replay's mean divergence from the base model, relative to the loss of the images' answers.
    public var replayWeight: Float = 1
    /// The number of official images, drawn by the seed, that are held out for validation.
    public var heldOutImages = 60
    /// The number of held-out images of each family's validation split.
    public var heldOutFamilyImages = 24
    /// The number of held-out documents of each family's validation split.
    public var heldOutDocuments = 6

    /// How a user's own data take part; nil without any.
    public var ownData: OwnDataSettings?

    /// The settings of the shipped policy (InstructGPT's first stage, Ouyang et al. 2022 §3.5, at this scale).
    public init() {}

    /// Multiplies all learning rates by `factor`.
    public mutating func scaleRates(by factor: Float) {
        adapterRate *= factor
        connectorRate *= factor
        visionRate *= factor
    }

    /// Images per step.
    var imagesPerStep: Int { officialImages + familyImages + (documents.isEmpty ? 0 : documentImages) }

    private enum CodingKeys: String, CodingKey {
        case seed, steps, families, rank, alpha, adapterRate, connectorRate, visionRate, warmUp, floor, optimizer
        case replayRows, replayWeight, documents, documentImages, heldOutDocuments, ownData
        case officialImages = "officialPictures"
        case familyImages = "familyPictures"
        case questionsPerImage = "questionsPerPicture"
        case heldOutImages = "heldOutPictures"
        case heldOutFamilyImages = "heldOutFamilyPictures"
    }
}

/// The results of a finished fine-tuning run, to be published as a generation of a policy.
public struct FinishedFineTuning: Sendable {
    /// The name and the manifest's fields of a publication.
    public struct Publication: Sendable {
        /// The policy's name.
        public var name = PolicyRole.sft.name
        /// The policy's generation.
        public var generation: Int
        /// The generation of `vision` that belongs to it; nil for a policy that sees with the base model's own vision.
        public var visionGeneration: Int?
        /// The policy that training started from; nil for the one that the run recorded, if there is one.
        public var parent: PolicyManifest.Reference?
        /// Results of its evaluation, by name.
        public var metrics: [String: Double] = [:]

        /// The given generations of `sft` and `vision`, without metrics.
        public init(generation: Int, visionGeneration: Int? = nil) {
            self.generation = generation
            self.visionGeneration = visionGeneration
        }
    }

    /// Sampling defaults for dialogues without an image: with greedy decoding, a fine-tuned policy repeats itself more
    /// often than the base model.
    private static let textSampling = PolicyManifest.Sampling(temperature: 0.7, topP: 0.9)

    private let run: FinishedRun
    /// The digests of the policy's weights.
    public let digests: PolicyDigests
    /// The vision model's weights; nil for a policy that sees with the base model's own vision.
    public let vision: FileDigest?
    private let image: PolicyManifest.Image?

    /// Opens the run in `folder`.
    ///
    /// - Throws: `FinishedRunError`, or the files' own errors if the adapter or the vision model cannot be read.
    public init(folder: String) throws {
        let record = try RunRecord(folder: folder)
        run = try FinishedRun(folder: folder, stage: .sft, results: record.seesAsBase ? [] : [PolicyFiles.vision])
        guard !record.seesAsBase else {
            (image, vision) = (nil, nil)
            digests = try run.digests(vision: nil)
            return
        }
        let encoder = try VisionWeights(path: "\(folder)/\(PolicyFiles.vision)").configuration
        let image = PolicyManifest.Image(for: encoder)
        let vision = try run.digest(of: PolicyFiles.vision)
        digests = try run.digests(vision: image.digest(weights: vision.sha256))
        (self.image, self.vision) = (image, vision)
    }

    /// The SHA-256 of the file of the base model that it was trained for.
    public var backbone: String { run.backbone }

    /// The policy that training started from; nil for a new adapter.
    public var parent: PolicyManifest.Reference? { run.record.parent }

    /// Checks that `library` holds the parent of the run, with the very adapter that it started from.
    ///
    /// - Returns: the digests of the parent's weights; nil without a parent.
    /// - Throws: `PolicyError`; `FinishedRunError.badFile` if the adapter's bytes differ.
    public func checkLineage(in library: PolicyLibrary) throws -> PolicyDigests? {
        guard let parent else { return nil }
        let there = try run.checked("start", parent, PolicyFiles.adapterWeights, in: library)
        let vision = try there.manifest.vision.map {
            try library.open($0.name, generation: $0.generation, backbone: backbone)
        }
        return PolicyDigests(there.manifest, visionWeights: vision?.manifest.files[PolicyFiles.vision]?.sha256)
    }

    /// Publishes the vision model if the run trained one, then the policy that names it. If a generation of `vision`
    /// has the same file already, it is reused.
    ///
    /// - Returns: the folders.
    /// - Throws: `PolicyError`; `.published` if the policy's generation, or that of another vision model, exists
    ///   already.
    @discardableResult
    public func publish(
        _ publication: Publication, in policies: String, at time: Date = Date()
    ) throws -> (vision: PolicyFolder?, policy: PolicyFolder) {
        precondition((publication.visionGeneration == nil) == (vision == nil), "a generation for the trained vision")
        let path = "\(policies)/\(publication.name)/\(publication.generation)"
        if FileManager.default.fileExists(atPath: path) { throw PolicyError.published(path: path) }
        let data = run.inputs.filter { !["baseModel", "vision"].contains($0.key) }.mapValues(\.sha256)
        let vision = try publication.visionGeneration.map { generation in
            let manifest = PolicyManifest(
                name: PolicyRole.vision.name, generation: generation, backbone: run.backbone, created: time,
                creator: FinishedRun.creator, data: data)
            return try run.publishComponent(manifest, files: [PolicyFiles.vision], in: policies)
        }
        let manifest = PolicyManifest(
            name: publication.name, generation: publication.generation, parent: publication.parent ?? run.record.parent,
            backbone: run.backbone, created: time, creator: FinishedRun.creator,
            vision: publication.visionGeneration.map { .init(.vision, generation: $0) },
            chatTemplate: run.record.template, textTemplate: run.record.textTemplate, image: image,
            sampling: .init(temperature: 0), textSampling: Self.textSampling, metrics: publication.metrics, data: data)
        let policy = try run.publish(manifest, files: FinishedRun.adapterFiles, in: policies)
        return (vision, policy)
    }
}
