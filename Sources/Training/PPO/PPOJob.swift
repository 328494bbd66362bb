import Checkpoints
import Datasets
package import Engine
import Foundation
public import Models
public import Policies
public import Tensors
import Tokenizers

/// PPO on files: reads the policies `sft` and `reward`, and writes a policy's adapter and, if one was trained, a value
/// model.
public struct PPOJob: Sendable {
    /// The inputs. The run folder records the SHA-256 of each.
    public struct Inputs: Sendable {
        /// The base model.
        public var baseModel: ModelCheckpoint
        /// The verified policy that training starts from, which is also the KL reference.
        public var policy: PolicyFolder
        /// The vision generation that the policy names, verified; nil if it sees with the base model's own vision.
        public var vision: PolicyFolder?
        /// The reward model, verified.
        public var reward: PolicyFolder
        /// Texts of the base model, JSON lines of `ReplayRecord`; nil for none.
        public var replay: String?
        /// The fonts and words of documents; nil for none.
        public var drawing: DrawingMaterials?
        /// The user's own images and questions, files or folders; the prompt settings have a weight for each.
        public var ownData: [String]

        /// The given inputs.
        public init(
            baseModel: ModelCheckpoint, policy: PolicyFolder, vision: PolicyFolder?, reward: PolicyFolder,
            replay: String?, drawing: DrawingMaterials? = nil, ownData: [String] = []
        ) {
            self.drawing = drawing
            self.ownData = ownData
            self.baseModel = baseModel
            self.policy = policy
            self.vision = vision
            self.reward = reward
            self.replay = replay
        }
    }

    /// Positions of a prompt with its answer; prompts about images of one tile have about 60.
    private static let contextLength = 512
    /// The same for documents and own images, which have up to 17 tiles.
    private static let largeContextLength = 4_096
    /// Memory for the keys and values of all answers that are sampled at the same time.
    private static let cacheBytes = 512 << 20

    private let inputs: Inputs
    private let settings: PPOSettings
    private let prompts: PromptSettings
    private let folder: String

    /// A job that keeps its state and results in `folder`.
    public init(inputs: Inputs, settings: PPOSettings, prompts: PromptSettings, folder: String) {
        self.inputs = inputs
        self.settings = settings
        self.prompts = prompts
        self.folder = folder
    }

    /// The averaged policy's folder after the run: a PEFT folder, bf16.
    public var adapterFolder: String { folder + "/adapter" }

    /// The value model's folder after a run with one: a PEFT folder, bf16, with `head.safetensors` beside it.
    public var valueFolder: String { folder + "/value" }

    /// Trains, or resumes training, and writes the results when all steps are done or a rule stopped the run.
    ///
    /// The calling thread blocks until the engine is done, so it must not be in Swift's cooperative pool.
    ///
    /// - Parameters:
    ///   - precision: the precision of the frozen products.
    ///   - report: prints one line.
    /// - Throws: the errors of the files' types, `PolicyBasisError`, `PPOJobError`, `RunFolderError` if the folder
    ///   belongs to another run, `TrainingError`, `EngineFailure`.
    public func run<C: Clock>(
        precision: Precision, compute: Compute, options: TrainingRun<ProximalPolicyOptimization>.Options,
        clock: C = ContinuousClock(),
        report: @escaping (String) -> Void
    ) throws -> TrainingRun<ProximalPolicyOptimization>.Outcome where C.Duration == Duration {
        let start = clock.now
        let basis = try PolicyBasis(inputs.policy)
        let own = try OwnTrainingData.all(
            at: inputs.ownData, share: prompts.ownData?.heldOutShare ?? 0, for: .prompts)
        let record = try PPORunRecord(
            inputs: inputs, basis: basis, settings: settings, prompts: prompts, own: own, precision: precision,
            instructionSet: compute.instructionSet)
        let runFolder = try RunFolder(path: folder, configuration: StageRecord(basis: basis, own: record))
        let base = try FrozenDecoder(inputs.baseModel.decoder, precision: precision, compute: compute)
        let tokenizer = Tokenizer(inputs.baseModel.vocabulary)
        let engine = try engine(tokenizer: tokenizer, compute: compute)
        defer { engine.stop() }
        let files = PPORunFiles(
            folder: folder, iterations: settings.iterations, interval: options.validationInterval,
            decoder: inputs.baseModel.decoder.decoderName)
        let stage = try stage(
            base: base, engine: engine, tokenizer: tokenizer, basis: basis, own: own, files: files)
        var run = try TrainingRun(stage: stage, folder: runFolder, options: options, report: report)
        let outcome = try run.run(clock: clock, since: start)
        switch outcome {
        case .paused: break
        case .finished, .stopped: try write(run.stage)
        }
        return outcome
    }

    private func engine(tokenizer: Tokenizer, compute: Compute) throws -> Engine {
        let endTokens = tokenizer.vocabulary.endTokens
        guard !endTokens.isEmpty else {
            throw PPOJobError.noEndToken(path: inputs.baseModel.path)
        }
        return Engine(
            decoder: try TransformerDecoder(inputs.baseModel.decoder, compute: compute), tokenizer: tokenizer,
            endTokens: endTokens,
            configuration: Self.engineSizes(settings, prompts))
    }

    /// The sizes of the engine that samples: all requests of an iteration wait at the same time, each with an image.
    package static func engineSizes(_ settings: PPOSettings, _ prompts: PromptSettings) -> EngineConfiguration {
        let isSmall = prompts.documents.isEmpty && prompts.ownData == nil
        var sizes = EngineConfiguration(contextLength: isSmall ? contextLength : largeContextLength)
        sizes.cacheBytes = cacheBytes
        let sources = 1 + (prompts.ownData?.weights.count ?? 0)
        sizes.maximumWaiting =
            max(prompts.images * settings.answersPerQuestion, prompts.heldOutImages * sources) * prompts.questions
        sizes.maximumWaitingWithImages = sizes.maximumWaiting
        return sizes
    }

    private func stage(
        base: FrozenDecoder, engine: Engine, tokenizer: Tokenizer, basis: PolicyBasis, own: [OwnTrainingData],
        files: PPORunFiles
    ) throws -> ProximalPolicyOptimization {
        let configuration = base.configuration
        let headPath = try inputs.reward.required(inputs.reward.file(PolicyFiles.head), PolicyFiles.head)
        let reference = try LowRankAdapter(completeIn: inputs.policy.path, configuration: configuration)
        let reward = RewardModel(
            base: base, adapter: try LowRankAdapter(completeIn: inputs.reward.path, configuration: configuration),
            head: try RewardHead(path: headPath, hidden: configuration.hidden))
        let vision = try basis.vision(in: inputs.vision, over: inputs.baseModel, on: base.compute)
        let template = try ChatTemplate(named: basis.template, model: inputs.baseModel.template)
        let sampler = RolloutSampler(
            engine: engine, tokenizer: tokenizer, vision: vision, template: template, configuration: configuration,
            compute: base.compute)
        let format = try DialogueFormat(
            template: template, processor: vision.processor,
            positionsPerTile: vision.encoder.configuration.positionsPerTile, reader: vision.reader,
            tokenizer: tokenizer)
        for data in own { try data.check(format, contextLength: Self.largeContextLength - settings.maximumTokens) }
        let replay = try inputs.replay.map { try ReplayRecord.load(path: $0, vocabulary: configuration.vocabulary) }
        let (asked, heldOut) = try promptSource(own)
        return ProximalPolicyOptimization(
            base: base, reference: reference, value: ValueModel(startingFrom: reward),
            sampler: sampler, scorer: RewardModelScorer(reward),
            prompts: asked, replay: replay ?? [], settings: settings,
            heldOut: heldOut.isEmpty ? nil : HeldOutPrompts(images: heldOut, record: files.write),
            record: files.write)
    }

    /// The prompts of the iterations, and those for validation, none or several images. Own images have their weights;
    /// generated ones have the rest of each iteration.
    private func promptSource(
        _ own: [OwnTrainingData]
    ) throws -> (asked: MixedPrompts, heldOut: [ImagePrompts]) {
        let weights = prompts.ownData?.weights ?? []
        let ownPrompts = try own.map {
            try OwnPrompts($0, seed: settings.seed, heldOut: prompts.heldOutImages, questions: prompts.questions)
        }
        var sources: [(prompts: any PositionedPrompts, weight: Int)] = Array(zip(ownPrompts, weights))
        var heldOut = ownPrompts.flatMap(\.heldOut)
        if !prompts.kinds.isEmpty {
            let generator = inputs.drawing.map { ImageGenerator.drawingDocuments(with: $0) } ?? ImageGenerator()
            func drawn(_ images: Int, _ split: SeedSplit) -> GeneratedPrompts {
                GeneratedPrompts(
                    seed: settings.seed, kinds: prompts.kinds, generator: generator, images: images,
                    questions: prompts.questions, split: split)
            }
            let rest = OwnDataSettings.whole - weights.reduce(0, +)
            if rest > 0 { sources.append((drawn(prompts.images, .training), rest)) }
            heldOut += try drawn(prompts.heldOutImages, .validation).images(of: 0)
        }
        if heldOut.count == 1 {
            throw OwnDataError.unusable(
                path: inputs.ownData[0],
                reason: "one held-out image is too few to validate on; raise --held-out, or pass --held-out 0 to "
                    + "validate on none")
        }
        return (MixedPrompts(sources, images: prompts.images), heldOut)
    }

    private func write(_ stage: ProximalPolicyOptimization) throws {
        let hasValue = settings.advantage == .value
        for path in [adapterFolder] + (hasValue ? [valueFolder] : []) {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        let decoder = inputs.baseModel.decoder.decoderName
        try PEFTAdapter(stage.averagedPolicy, decoder: decoder).write(to: adapterFolder, as: .bfloat16)
        guard hasValue else { return }
        try PEFTAdapter(stage.value.adapter, decoder: decoder).write(to: valueFolder, as: .bfloat16)
        try RewardHead(score: stage.value.head).write(to: "\(valueFolder)/\(PolicyFiles.head)")
    }
}
