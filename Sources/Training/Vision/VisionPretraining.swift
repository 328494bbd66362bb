import Checkpoints
public import Datasets
import Images
public import Models
import Support
public import Tensors

/// Stage 0: the vision encoder and connector learn to see and to read, before they are connected to the decoder, on
/// labels that the generators provide for free.
///
/// Most steps train on windows of tiles, which cost a fraction of whole tiles; the last ones on whole tiles.
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
    /// Their optimiser.
    public var optimizer: Optimizer
    /// Empty: the order of the data follows from seed and step.
    public var state: [String: String] = [:]

    private let configuration: VisionConfiguration
    private let settings: VisionPretrainingSettings
    private let images: VisionImages
    private let objective: VisionObjective
    private let schedule: CosineSchedule
    private let compute: Compute

    /// A run on pages of text, the official training images of `dataset`, scenes, and the families' images.
    ///
    /// - Parameters:
    ///   - pages: draws pages of text; nil for a run that does not read.
    ///   - start: the initial encoder and connector; nil for random ones.
    /// - Throws: `EasyVQAError`, and `VisionError` if the settings' sizes do not fit together or differ from `start`'s.
    package init(
        dataset: EasyVQA, pages: VisionImages.Pages?, words: WordEmbeddings, start: VisionWeights? = nil,
        settings: VisionPretrainingSettings, on compute: Compute
    ) throws {
        try self.init(
            images: try VisionImages(dataset, pages: pages, settings: settings), words: words, start: start,
            settings: settings, on: compute)
    }

    package init(
        images: VisionImages, words: WordEmbeddings, start: VisionWeights? = nil,
        settings: VisionPretrainingSettings, on compute: Compute
    ) throws(VisionError) {
        let configuration = try VisionConfiguration(
            imageSize: settings.tileSize, patchSize: settings.patchSize, hidden: settings.hidden,
            layers: settings.layers,
            heads: settings.heads, feedForward: settings.feedForward, scale: settings.scale,
            textHidden: words.table.columns, stem: settings.stem)
        let objective = VisionObjective(words: words, settings: settings, on: compute)
        var generator = SplitMix64(seed: settings.seed, stream: 0)
        // Rows get their ends when training is over; the head that reads goes on among the heads.
        let reader = start?.reader
        let start = start?.with(rowEnd: nil, reader: nil)
        if let start, start.configuration != configuration {
            throw .sizes("those of the encoder to go on from are not the run's")
        }
        var fresh = VisionWeights(configuration: configuration, using: &generator)
        if settings.readsText { fresh.setPositionsToWaves() }
        let weights = (start ?? fresh).parameters
        let heads = objective.headParameters(starting: reader, using: &generator)
        self.parameters = ParameterSet(zip(weights.names, weights.tensors).map { ($0, $1) } + heads)
        self.optimizer = Optimizer(
            parameters: parameters,
            groups: Self.groups(settings),
            settings: settings.optimizer)
        self.configuration = configuration
        self.settings = settings
        self.images = images
        self.objective = objective
        self.schedule = CosineSchedule(steps: settings.steps, warmUp: settings.warmUp, floor: settings.floor)
        self.compute = compute
    }

    /// The matrices of the blocks are Muon's; everything else is AdamW's.
    private static func groups(_ settings: VisionPretrainingSettings) -> [Optimizer.Group] {
        let others = Optimizer.Group(learningRate: settings.learningRate, weightDecay: settings.weightDecay)
        guard settings.matrixRate > 0 else { return [others] }
        let matrices = ["_proj.weight", "fc1.weight", "fc2.weight"].map {
            Optimizer.Group(
                prefix: VisionWeights.blocks, suffix: $0, rule: .muon, learningRate: settings.matrixRate,
                weightDecay: settings.weightDecay)
        }
        return matrices + [others]
    }

    /// The number of steps of the whole run.
    public var steps: Int { settings.steps }

    /// The current encoder and connector.
    public var weights: VisionWeights { VisionWeights(configuration: configuration, parameters: parameters) }

    /// The encoder and connector for fine-tuning: an encoder that reads ends its rows of tokens like lines of text, and
    /// keeps the head that names characters.
    package var finishedWeights: VisionWeights {
        guard settings.readsText else { return weights }
        let head = VisionHead.character.rawValue
        return weights.with(
            rowEnd: objective.lineEnd,
            reader: .init(weight: parameters[head + ".weight"], bias: parameters[head + ".bias"]))
    }

    /// Forward, backward and update on the images of `step`.
    public mutating func advance(step: Int) throws -> StepReport {
        let batch = try images.batch(of: step, on: compute)
        let (losses, gradients) = gradients(of: batch, noneWeight: settings.noneWeight(at: step))
        let norm = optimizer.update(
            &parameters, gradients: gradients, factor: schedule.factor(at: step), on: compute)
        return StepReport(
            loss: losses.heads + losses.words, units: batch.count,
            metrics: [
                ("gradient_norm", norm), ("loss_heads", losses.heads), ("loss_characters", losses.characters),
                ("loss_words", losses.words),
            ])
    }

    /// The components of the mean loss over `batch`, and the gradients of their sum.
    ///
    /// - Parameter noneWeight: the weight of a column without a character.
    package func gradients(
        of batch: [VisionExample], noneWeight: Float = 1
    ) -> (losses: VisionObjective.Losses, gradients: ParameterSet) {
        let weights = weights
        var gradients = parameters.zeros(on: compute)
        var losses = VisionObjective.Losses()
        let parts = passes(of: batch)
        let targets = parts.map { objective.targets($0) }
        let totals = VisionObjective.Totals(targets, noneWeight: noneWeight)
        for (part, targets) in zip(parts, targets) {
            let more = objective.backward(
                pass(over: part, weights: weights), targets, totals: totals, weights: weights, parameters: parameters,
                gradients: &gradients)
            losses.heads += more.heads
            losses.characters += more.characters
            losses.words += more.words
        }
        return (losses, gradients)
    }

    /// The images of a batch in passes, of which each has the area of `imagesPerPass` windows.
    private func passes(of images: [VisionExample]) -> [ArraySlice<VisionExample>] {
        let ratio = (images.first?.image.width ?? settings.windowSize) / settings.windowSize
        let count = max(1, settings.imagesPerPass / max(1, ratio * ratio))
        return stride(from: 0, to: images.count, by: count).map { images[$0..<min(images.count, $0 + count)] }
    }

    private func pass(over images: ArraySlice<VisionExample>, weights: VisionWeights) -> VisionPass {
        let side = images.first?.image.width ?? settings.tileSize
        let processor = ImageProcessor(tileSize: side)
        let pixels = Tensor.stacking(compute.map(Array(images)) { processor.tiles(of: $0.image, detail: .low) })
            .reshaped([images.count, 3, side, side])
        let windows = images.compactMap(\.window)
        return VisionPass(
            pixels, windows: windows.isEmpty ? nil : windows, weights: weights, precision: settings.precision,
            on: compute)
    }

    // MARK: Validation

    /// The accuracy on held-out images: of characters on tiles of pages; on patches of scenes; of all heads on the
    /// families' images, with the kinds also by family; and on official images, of the heads and of the words nearest
    /// to the connector's output.
    public mutating func validate() throws -> [(name: String, value: Double)] {
        var counts: [String: (right: Int, all: Int)] = [:]
        func note(_ name: String, _ isRight: Bool) {
            let old = counts[name, default: (0, 0)]
            counts[name] = (old.right + (isRight ? 1 : 0), old.all + 1)
        }
        let weights = weights
        for (name, held) in images.heldOutPages {
            for part in passes(of: held) { probeCharacters(part, name, weights, note) }
        }
        for part in passes(of: images.heldOutScenes) {
            probe(part, [.patchInk, .patchKind, .patchColour], "scene", weights, note)
        }
        for (family, held) in images.heldOutFamilies {
            for part in passes(of: held) {
                probe(part, VisionHead.ofScenes, "family", weights) { name, isRight in
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

    /// Characters count as right if the head names them in the column of their centre: `accuracy_` among characters
    /// alone, `found_` also against none. `clear_` is the share of columns without a character where it names none.
    private func probeCharacters(
        _ part: ArraySlice<VisionExample>, _ source: String, _ weights: VisionWeights,
        _ note: (String, Bool) -> Void
    ) {
        let pass = pass(over: part, weights: weights)
        let targets = objective.targets(part).classes[.character, default: []]
        let named = objective.predictions(of: .character, pass, tiles: part.count, parameters, from: 1)
        let found = objective.predictions(of: .character, pass, tiles: part.count, parameters)
        for (index, target) in targets.enumerated() where target >= 0 {
            if target == 0 {
                note("clear_\(source)", found[index] == 0)
            } else {
                note("accuracy_\(source)_character", named[index] == target)
                note("found_\(source)_character", found[index] == target)
            }
        }
    }

    @discardableResult
    private func probe(
        _ part: ArraySlice<VisionExample>, _ heads: [VisionHead], _ source: String, _ weights: VisionWeights,
        _ note: (String, Bool) -> Void
    ) -> VisionPass {
        let pass = pass(over: part, weights: weights)
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
        _ part: ArraySlice<VisionExample>, _ pass: VisionPass, _ weights: VisionWeights,
        _ note: (String, Bool) -> Void
    ) {
        let tokens = pass.connect(weights: weights).tokens
        for (index, image) in part.compactMap(\.scene).enumerated() {
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
    ///   - drawing: the fonts and words of pages of text.
    ///   - start: the file of the initial encoder and connector; nil for random ones.
    ///   - inputs: the SHA-256 of the input files by name; a folder with other inputs or settings is refused.
    ///   - report: prints one line.
    /// - Throws: `RunFolderError`, `EasyVQAError`, `VisionError`, `TrainingError`, `SafetensorsError`.
    public static func run(
        dataset: EasyVQA, drawing: DrawingMaterials, words: WordEmbeddings, start: String?, inputs: [String: String],
        settings: VisionPretrainingSettings, folder path: String, options: TrainingRun<VisionPretraining>.Options,
        on compute: Compute,
        report: @escaping (String) -> Void
    ) throws -> TrainingRun<VisionPretraining>.Outcome {
        var inputs = inputs.merging(try drawing.digests(forDocuments: false).mapValues(\.sha256)) { first, _ in first }
        if let start { inputs["start"] = try FileDigest(path: start).sha256 }
        let folder = try RunFolder(path: path, configuration: Configuration(settings: settings, inputs: inputs))
        let stage = try VisionPretraining(
            dataset: dataset, pages: settings.readsText ? Artist(drawing).page : nil, words: words,
            start: start.map { try VisionWeights(path: $0) },
            settings: settings, on: compute)
        var run = try TrainingRun(stage: stage, folder: folder, options: options, report: report)
        let outcome = try run.run()
        if outcome == .finished { try run.stage.finishedWeights.write(to: path + "/model.safetensors") }
        return outcome
    }
}
