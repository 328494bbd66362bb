import Checkpoints
public import Datasets
public import Models
import Support
public import Tensors

/// Stage 0: the vision encoder and connector learn to see, before they are connected to the decoder, on labels that the
/// generator provides for free.
///
/// Temporary heads classify patches and images, and the connector's output is regressed onto the language model's
/// embeddings of the words for the image's content. The decoder's first visual tokens are therefore like words.
public struct VisionPretraining: TrainingStage {
    /// "vision".
    public let name = "vision"
    /// The unit of the rate: images.
    public let unit = "pictures"
    /// The encoder's and connector's weights, then the heads'.
    public var parameters: ParameterSet
    /// Their AdamW optimiser.
    public var optimizer: AdamWOptimizer
    /// Empty: the order of the data follows from seed and step.
    public var state: [String: String] = [:]

    private let configuration: VisionConfiguration
    private let settings: VisionPretrainingSettings
    private let images: VisionImages
    private let objective: VisionObjective
    private let processor: ImageProcessor
    private let schedule: CosineSchedule
    private let compute: Compute

    /// A run on the official training images of `dataset`, on scenes, and on the families' images.
    ///
    /// - Parameters:
    ///   - start: the initial encoder and connector; nil for random ones.
    /// - Throws: `EasyVQAError`, and `VisionError` if the settings' sizes do not fit together or differ from `start`'s.
    public init(
        dataset: EasyVQA, words: WordEmbeddings, start: VisionWeights? = nil, settings: VisionPretrainingSettings,
        on compute: Compute
    ) throws {
        try self.init(
            images: VisionImages(dataset, settings: settings), words: words, start: start, settings: settings,
            on: compute)
    }

    package init(
        images: VisionImages, words: WordEmbeddings, start: VisionWeights? = nil,
        settings: VisionPretrainingSettings, on compute: Compute
    ) throws(VisionError) {
        let configuration = try VisionConfiguration(
            imageSize: EasyVQA.side, patchSize: settings.patchSize, hidden: settings.hidden, layers: settings.layers,
            heads: settings.heads, feedForward: settings.feedForward, scale: settings.scale,
            textHidden: words.table.columns)
        let objective = VisionObjective(words: words, settings: settings, on: compute)
        var generator = SplitMix64(seed: settings.seed, stream: 0)
        if let start, start.configuration != configuration {
            throw .sizes("those of the encoder to go on from are not the run's")
        }
        let weights = (start ?? VisionWeights(configuration: configuration, using: &generator)).parameters
        let heads = objective.headParameters(using: &generator)
        self.parameters = ParameterSet(zip(weights.names, weights.tensors).map { ($0, $1) } + heads)
        self.optimizer = AdamWOptimizer(
            parameters: parameters,
            groups: [.init(learningRate: settings.learningRate, weightDecay: settings.weightDecay)],
            settings: settings.optimizer)
        self.configuration = configuration
        self.settings = settings
        self.images = images
        self.objective = objective
        self.processor = ImageProcessor(tileSize: EasyVQA.side)
        self.schedule = CosineSchedule(steps: settings.steps, warmUp: settings.warmUp, floor: 0)
        self.compute = compute
    }

    /// The number of steps of the whole run.
    public var steps: Int { settings.steps }

    /// The current encoder and connector.
    public var weights: VisionWeights { VisionWeights(configuration: configuration, parameters: parameters) }

    /// Forward, backward and update on the images of `step`.
    public mutating func advance(step: Int) throws -> StepReport {
        let batch = images.batch(of: step, on: compute)
        let (losses, gradients) = gradients(of: batch)
        let norm = optimizer.update(
            &parameters, gradients: gradients, factor: schedule.factor(at: step), on: compute)
        return StepReport(
            loss: losses.heads + losses.words, units: batch.count,
            metrics: [("gradient_norm", norm), ("loss_heads", losses.heads), ("loss_words", losses.words)])
    }

    /// The components of the mean loss over `batch`, and the gradients of their sum.
    package func gradients(of batch: [LabelledScene]) -> (losses: VisionObjective.Losses, gradients: ParameterSet) {
        let weights = weights
        var gradients = parameters.zeros(on: compute)
        var losses = VisionObjective.Losses()
        let parts = passes(of: batch)
        let targets = parts.map { objective.targets($0) }
        let totals = VisionObjective.Totals(targets)
        for (part, targets) in zip(parts, targets) {
            let pass = VisionPass(pixels(of: part), weights: weights, on: compute)
            let more = objective.backward(
                pass, targets, totals: totals, weights: weights, parameters: parameters, gradients: &gradients)
            losses.heads += more.heads
            losses.words += more.words
        }
        return (losses, gradients)
    }

    private func passes(of images: [LabelledScene]) -> [ArraySlice<LabelledScene>] {
        stride(from: 0, to: images.count, by: settings.imagesPerPass).map {
            images[$0..<min(images.count, $0 + settings.imagesPerPass)]
        }
    }

    private func pixels(of images: ArraySlice<LabelledScene>) -> Tensor {
        let side = EasyVQA.side
        return Tensor.stacking(images.map { processor.tiles(of: $0.image, detail: .low) })
            .reshaped([images.count, 3, side, side])
    }

    // MARK: Validation

    /// The accuracy on held-out images: on patches of scenes; of all heads on the families' images, with the kinds also
    /// by family; and on official images, of the heads and of the words nearest to the connector's output.
    public mutating func validate() throws -> [(name: String, value: Double)] {
        var counts: [String: (right: Int, all: Int)] = [:]
        func note(_ name: String, _ isRight: Bool) {
            let old = counts[name, default: (0, 0)]
            counts[name] = (old.right + (isRight ? 1 : 0), old.all + 1)
        }
        let weights = weights
        for part in passes(of: images.heldOutScenes) {
            probe(part, [.patchInk, .patchKind, .patchColour], "scene", weights, note)
        }
        for (family, held) in images.heldOutFamilies {
            for part in passes(of: held) {
                probe(part, VisionHead.allCases, "family", weights) { name, isRight in
                    note(name, isRight)
                    if name.hasSuffix("patch_kind") { note("accuracy_\(family)_patch_kind", isRight) }
                }
            }
        }
        for part in passes(of: images.heldOutOfficial) {
            let pass = probe(part, [.imageKind, .imageColour], "official", weights, note)
            probeWords(part, pass, weights, note)
        }
        return counts.sorted { $0.key < $1.key }.map { ($0.key, Double($0.value.right) / Double($0.value.all)) }
    }

    @discardableResult
    private func probe(
        _ part: ArraySlice<LabelledScene>, _ heads: [VisionHead], _ source: String, _ weights: VisionWeights,
        _ note: (String, Bool) -> Void
    ) -> VisionPass {
        let pass = VisionPass(pixels(of: part), weights: weights, on: compute)
        let targets = objective.targets(part)
        for head in heads {
            let found = objective.predictions(of: head, pass, tiles: part.count, parameters)
            for (found, target) in zip(found, targets.classes[head, default: []]) where target >= 0 {
                let name = head.rawValue.split(separator: ".").dropFirst().joined(separator: "_")
                note("accuracy_\(source)_\(name)", found == target)
            }
        }
        return pass
    }

    /// Compares the token at the centre of an image's shape with all words.
    private func probeWords(
        _ part: ArraySlice<LabelledScene>, _ pass: VisionPass, _ weights: VisionWeights,
        _ note: (String, Bool) -> Void
    ) {
        let tokens = pass.connect(weights: weights).tokens
        for (index, image) in part.enumerated() {
            guard let label = image.single else { continue }
            let centre = image.centres(side: settings.patchSize * settings.scale)[0]
            let position = index * configuration.tokensPerTile + centre
            for (kind, colour) in objective.nearestWords(tokens.rows(position..<position + 1)) {
                if let expected = label.kind { note("accuracy_official_word_kind", kind == expected) }
                if let expected = label.colour { note("accuracy_official_word_colour", colour == expected) }
            }
        }
    }
}

extension VisionPretraining {
    /// Everything that decides a run's result, as stored in its folder.
    private struct Configuration: Encodable {
        let settings: VisionPretrainingSettings
        let inputs: [String: String]
    }

    /// Trains in `folder`, from the beginning or from the checkpoint there, and at the end writes the encoder and
    /// connector to `model.safetensors` in it.
    ///
    /// - Parameters:
    ///   - start: the file of the initial encoder and connector; nil for random ones.
    ///   - inputs: the SHA-256 of the input files by name; a folder with other inputs or settings is refused.
    ///   - report: prints one line.
    /// - Throws: `RunFolderError`, `EasyVQAError`, `VisionError`, `TrainingError`, `SafetensorsError`.
    public static func run(
        dataset: EasyVQA, words: WordEmbeddings, start: String?, inputs: [String: String],
        settings: VisionPretrainingSettings, folder path: String, options: TrainingRun<VisionPretraining>.Options,
        on compute: Compute,
        report: @escaping (String) -> Void
    ) throws -> TrainingRun<VisionPretraining>.Outcome {
        var inputs = inputs
        if let start { inputs["start"] = try FileDigest(path: start).sha256 }
        let folder = try RunFolder(path: path, configuration: Configuration(settings: settings, inputs: inputs))
        let stage = try VisionPretraining(
            dataset: dataset, words: words, start: start.map { try VisionWeights(path: $0) }, settings: settings,
            on: compute)
        var run = try TrainingRun(stage: stage, folder: folder, options: options, report: report)
        let outcome = try run.run()
        if outcome == .finished { try run.stage.weights.write(to: path + "/model.safetensors") }
        return outcome
    }
}

/// The settings of the vision encoder's training; together with the input files they decide the result.
public struct VisionPretrainingSettings: Codable, Sendable, Equatable {
    /// Decides the initial weights, the scenes and the order of the data.
    public var seed: UInt64 = 0
    /// The number of steps of the whole run.
    public var steps = 6_000
    /// Images per step: of every eight, one is official, one is a scene in easy-VQA's style, and six are of `families`.
    public var imagesPerStep = 48
    /// The families of these images, in turn: families that are hard to see are listed more than once.
    public var families: [Family] = [
        .numbers, .counts, .digits, .comparisons, .numbers, .counts, .positions, .numbers, .counts, .attributes,
        .numbers, .digits, .counts, .descriptions, .numbers, .comparisons,
    ]
    /// Images that go through the encoder at once: few, so that the state for the backward pass stays in the cache.
    public var imagesPerPass = 8
    /// The peak learning rate.
    public var learningRate: Float = 1.5e-3
    /// The share of a weight, times the learning rate, that each step subtracts.
    public var weightDecay: Float = 0.05
    /// Steps over which the learning rate rises.
    public var warmUp = 40
    /// AdamW's moments and clipping.
    public var optimizer = AdamWOptimizer.Settings()
    /// The weight of the connector's regression onto words, relative to the heads' losses.
    public var wordWeight: Float = 2
    /// The weight of the loss of a head that counts, relative to 1 for a head that classifies.
    public var countWeight: Float = 0.3
    /// The weight of a background token in the regression, relative to 1 for a token on a shape.
    public var backgroundWeight: Float = 0.3
    /// Official training images whose number is one less than a multiple of this are held out for validation.
    public var heldOutInterval = 10
    /// The number of held-out scenes of the validation split, and of held-out images of all families together.
    public var heldOutScenes = 400
    /// The side of a patch in pixels.
    public var patchSize = 8
    /// The width of the encoder.
    public var hidden = 192
    /// The number of transformer blocks.
    public var layers = 6
    /// The number of attention heads.
    public var heads = 3
    /// The width of the feed-forward layer.
    public var feedForward = 768
    /// The side, in patches, of the square that makes one token.
    public var scale = 2

    /// The settings of the shipped encoder.
    public init() {}

    private enum CodingKeys: String, CodingKey {
        case seed, steps, families, learningRate, weightDecay, warmUp, optimizer, wordWeight, countWeight
        case backgroundWeight, heldOutInterval, heldOutScenes, patchSize, hidden, layers, heads, feedForward, scale
        case imagesPerStep = "picturesPerStep"
        case imagesPerPass = "picturesPerPass"
    }
}
