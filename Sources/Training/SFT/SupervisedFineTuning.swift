public import Datasets
public import Models
import Support
import Tensors
import Tokenizers

/// Stage 1: the adapter, the connector and, more slowly, the vision encoder learn the demonstrated answers; the decoder
/// is frozen. An encoder that reads stays as it is too, or its head for characters would no longer fit it. Over a base
/// model with vision of its own, only the adapter learns.
///
/// L = - mean over answer tokens, including the end token, of log π(token | image, question, tokens before) (Ouyang et
/// al. 2022, §3.5), plus a weighted mean over the tokens of a replayed conversation of KL(base || adapted), which
/// preserves the base model's language and the ends of its replies (`ReplayExcerpt`). An image and its questions are
/// one tree, so the image is computed once.
public struct SupervisedFineTuning: TrainingStage {
    /// "sft".
    public let name = TrainedStage.sft.rawValue
    /// Rows of the decoder.
    public let unit = "tokens"
    /// The adapter's factors, and the weights of a vision encoder and connector that learn.
    public var parameters: ParameterSet
    /// Their AdamW optimiser.
    public var optimizer: Optimizer
    /// Empty: the order of the data follows from seed and step.
    public var state: [String: String] = [:]

    private let base: FrozenDecoder
    /// The sizes of a vision encoder that learns.
    private let visionConfiguration: VisionConfiguration?
    /// A vision encoder that does not learn.
    private let encoder: VisionEncoder?
    /// An adapter that changes nothing: with it the decoder is the base model.
    private let reference: LowRankAdapter
    private let settings: FineTuningSettings
    private let demonstrations: any DemonstrationSource
    private let replay: [ReplayRecord]
    private let format: DialogueFormat
    private let schedule: CosineSchedule
    /// The held-out images, prepared at the first validation.
    private var heldOut: [DemonstrationBatch]?

    /// The vision encoder and connector of a run.
    public enum Vision: Sendable {
        /// They learn, from these weights on.
        case trained(VisionWeights)
        /// They stay as they are. Each image is encoded once per step, each held-out image once.
        case frozen(VisionEncoder)
    }

    /// A run over `demonstrations`.
    ///
    /// - Parameters:
    ///   - vision: the encoder and connector.
    ///   - start: the initial adapter; nil for one that changes nothing.
    ///   - replay: texts of the base model; may be empty.
    public init(
        base: FrozenDecoder, vision: Vision, start: LowRankAdapter? = nil,
        demonstrations: any DemonstrationSource, replay: [ReplayRecord], format: DialogueFormat,
        settings: FineTuningSettings
    ) {
        var generator = SplitMix64(seed: settings.seed, stream: 0)
        let neutral = LowRankAdapter(
            starting: base.configuration, rank: settings.rank, alpha: settings.alpha, using: &generator)
        self.base = base
        self.reference = neutral
        self.settings = settings
        self.demonstrations = demonstrations
        self.replay = replay
        self.format = format
        var learning: [(name: String, tensor: Tensor)] = []
        switch vision {
        case .trained(let weights):
            visionConfiguration = weights.configuration
            encoder = nil
            learning = weights.parameters.pairs
        case .frozen(let frozen):
            visionConfiguration = nil
            encoder = frozen
        }
        self.parameters = ParameterSet(learning + (start ?? neutral).parameters)
        self.optimizer = Optimizer(
            parameters: parameters,
            groups: [
                .init(prefix: VisionWeights.connector, learningRate: settings.connectorRate),
                .init(prefix: "adapter.", learningRate: settings.adapterRate),
                .init(learningRate: visionConfiguration?.readsText == true ? 0 : settings.visionRate),
            ], settings: settings.optimizer)
        self.schedule = CosineSchedule(steps: settings.steps, warmUp: settings.warmUp, floor: settings.floor)
    }

    /// The number of steps of the whole run.
    public var steps: Int { settings.steps }

    /// The current adapter.
    public var adapter: LowRankAdapter {
        LowRankAdapter(parameters, like: base.configuration, rank: settings.rank, alpha: settings.alpha)
    }

    /// The current vision encoder and connector; nil if they do not learn.
    public var vision: VisionWeights? {
        visionConfiguration.map { VisionWeights(configuration: $0, parameters: parameters) }
    }

    /// The losses of the steps and of held-out own data, and the accuracy on held-out questions by group.
    public var plots: [MetricPlot] {
        [
            MetricPlot(file: "loss.svg", title: "loss by step", names: ["loss", "loss_replay", "loss_own*"]),
            MetricPlot(
                file: "accuracy.svg", title: "share of right answers to held-out questions", names: ["accuracy*"]),
        ]
    }

    /// Forward, backward and update on the images and questions of `step`.
    public mutating func advance(step: Int) throws -> StepReport {
        let batch = try batch(of: step)
        let result = gradients(of: batch)
        let norm = optimizer.update(
            &parameters, gradients: result.gradients, factor: schedule.factor(at: step), on: base.compute)
        var metrics = [
            (name: "gradient_norm", value: norm), (name: "loss_answers", value: result.answerLoss),
            (name: "visual_norm", value: result.visualNorm),
        ]
        if let loss = result.replayLoss { metrics.append((name: "loss_replay", value: loss)) }
        let loss = result.answerLoss + Double(settings.replayWeight) * (result.replayLoss ?? 0)
        return StepReport(loss: loss, units: batch.trees.rows.count, metrics: metrics)
    }

    private func batch(of step: Int) throws -> DemonstrationBatch {
        var batch = try batch(of: try demonstrations.images(of: step)[...])
        if !replay.isEmpty { batch.append(replay: replayExcerpt(of: step)) }
        return batch
    }

    private func batch(of images: ArraySlice<ImageQuestions>) throws(ChatTemplateError) -> DemonstrationBatch {
        var batch = DemonstrationBatch()
        for image in images {
            let tiled = image.images.map { format.tiled($0) }
            let tree = try ImageTree(image, layouts: tiled.map(\.layout), format: format)
            if let encoder {
                let embeddings = tiled.map { encoder.encode($0.pixels) }
                batch.append(tree, embeddings: embeddings.count == 1 ? embeddings[0] : Tensor.stacking(embeddings))
            } else {
                batch.append(tree, pixels: tiled.map(\.pixels))
            }
        }
        return batch
    }

    /// Conversations in turn; in every other round only the model's own words, so that plain prose is preserved too.
    private func replayExcerpt(of step: Int) -> ReplayExcerpt {
        let (round, index) = step.quotientAndRemainder(dividingBy: replay.count)
        var record = replay[index]
        if !(round + index).isMultiple(of: 2) { record.prompt = [] }
        return ReplayExcerpt(record, limit: settings.replayRows, turn: round / 2)
    }

    // MARK: Loss and gradients

    private struct Gradients {
        let answerLoss: Double
        let replayLoss: Double?
        /// The root mean square of the visual tokens' norms.
        let visualNorm: Double
        let gradients: ParameterSet
    }

    private func gradients(of batch: DemonstrationBatch) -> Gradients {
        let compute = base.compute
        let decoder = TrainableDecoder(base, adapter: adapter)
        let seen = vision.map { TrainedVision(batch.tiles, weights: $0, on: compute) }
        let visual = seen?.tokens ?? batch.trees.encoded
        let pass = decoder.forward(
            batch.trees.embeddings(in: base, visual: visual), rows: batch.trees.rows,
            outputs: batch.trees.predictors + Array(batch.replay ?? 0..<0))
        let answers = batch.trees.targets.count
        let (losses, dlogits) = compute.crossEntropy(
            logits: base.logits(pass.hidden.rows(0..<answers)), targets: batch.trees.targets,
            scale: 1 / Float(max(1, answers)))
        var dhidden = [base.logitsBackward(dlogits)]
        var divergences: [Float] = []
        if let rows = batch.replay {
            var logits = base.logits(pass.hidden.rows(answers..<answers + rows.count))
            let weight = settings.replayWeight / batch.replayWeights.reduce(0, +)
            divergences = compute.distillation(
                &logits, teacher: baseLogits(of: Array(batch.trees.rows.tokens[rows])),
                scales: batch.replayWeights.map { $0 * weight })
            dhidden.append(base.logitsBackward(logits))
        }
        let (dadapter, dembeddings) = decoder.backward(pass, dhidden: Tensor.stacking(dhidden))
        let dvision = seen?.gradients(Tensor.stacking(batch.trees.tiles.map { dembeddings.rows($0) }))
        return Gradients(
            answerLoss: mean(losses) ?? 0, replayLoss: mean(divergences),
            visualNorm: (compute.squaredNorm(visual) / Double(visual.rows)).squareRoot(),
            gradients: ParameterSet((dvision?.pairs ?? []) + dadapter.parameters))
    }

    /// The base model's logits after each of a text's tokens.
    private func baseLogits(of text: [Int32]) -> Tensor {
        var rows = PackedRows()
        let node = rows.append(text)
        let pass = TrainableDecoder(base, adapter: reference)
            .forward(base.embeddings(of: text), rows: rows, outputs: Array(node.rows))
        return base.logits(pass.hidden)
    }

    private func mean(_ values: [Float]) -> Double? {
        values.isEmpty ? nil : values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
    }

    // MARK: Validation

    /// The shares of held-out questions whose tokens are all the most likely ones, given the right tokens before them,
    /// which is what greedy decoding answers exactly: over all questions, and for each group. With own data also the
    /// mean loss of the held-out answers' tokens, for each group.
    public mutating func validate() throws -> [(name: String, value: Double)] {
        let batches = try heldOut ?? heldOutBatches()
        heldOut = batches
        var sums: [String: (sum: Double, count: Int)] = [:]
        func add(_ name: String, _ value: Double, count: Int) {
            let old = sums[name, default: (0, 0)]
            sums[name] = (old.sum + value, old.count + count)
        }
        for batch in batches {
            for (group, result) in zip(batch.groups, results(of: batch)) {
                add("accuracy", result.isRight ? 1 : 0, count: 1)
                add("accuracy_" + group, result.isRight ? 1 : 0, count: 1)
                if settings.ownData != nil { add("loss_" + group, result.loss, count: result.tokens) }
            }
        }
        return sums.sorted { $0.key < $1.key }.map { ($0.key, $0.value.sum / Double($0.value.count)) }
    }

    /// How well a held-out answer is predicted.
    private struct HeldOutResult {
        let isRight: Bool
        /// The sum over its tokens.
        let loss: Double
        let tokens: Int
    }

    private func heldOutBatches() throws(ChatTemplateError) -> [DemonstrationBatch] {
        let images = demonstrations.heldOut
        var batches: [DemonstrationBatch] = []
        for start in stride(from: 0, to: images.count, by: settings.imagesPerStep) {
            batches.append(try batch(of: images[start...].prefix(settings.imagesPerStep)))
        }
        return batches
    }

    private func results(of batch: DemonstrationBatch) -> [HeldOutResult] {
        let decoder = TrainableDecoder(base, adapter: adapter)
        let visual = vision.map { TrainedVision(batch.tiles, weights: $0, on: base.compute).tokens }
        let pass = decoder.forward(
            batch.trees.embeddings(in: base, visual: visual), rows: batch.trees.rows, outputs: batch.trees.predictors)
        let logits = base.logits(pass.hidden)
        let losses = base.compute.crossEntropy(logits, targets: batch.trees.targets).losses
        return batch.trees.answers.map { tokens in
            let isRight = tokens.allSatisfy { row in
                let scores = logits.rows(row..<row + 1).elements
                return scores[Int(batch.trees.targets[row])] >= (scores.max() ?? .infinity)
            }
            return HeldOutResult(
                isRight: isRight, loss: losses[tokens].reduce(0) { $0 + Double($1) }, tokens: tokens.count)
        }
    }
}

/// A batch's tiles through an encoder and connector that learn.
private struct TrainedVision {
    /// The rows that the decoder reads, `[visual tokens, hidden]`.
    let tokens: Tensor
    private let pass: VisionPass
    private let shuffled: Tensor
    private let ends: RowEnds?
    private let weights: VisionWeights
    private let compute: Compute

    init(_ pixels: Tensor, weights: VisionWeights, on compute: Compute) {
        self.weights = weights
        self.compute = compute
        pass = VisionPass(pixels, weights: weights, on: compute)
        let sizes = weights.configuration
        let connected = pass.connect(weights: weights)
        ends = sizes.endsRows ? RowEnds(tokens: connected.tokens.rows, side: sizes.tokensPerSide) : nil
        shuffled = connected.shuffled
        tokens =
            ends?.added(to: connected.tokens, end: weights.parameters[VisionWeights.rowEnd], on: compute)
            ?? connected.tokens
    }

    /// The gradients of all weights from those of `tokens`.
    func gradients(_ dtokens: Tensor) -> ParameterSet {
        var gradients = weights.parameters.zeros(on: compute)
        var dtokens = dtokens
        let isFrozen = weights.configuration.readsText
        if let gradient = ends?.backward(dtokens, on: compute) {
            // What does not learn must not count in the norm at which gradients are clipped.
            if !isFrozen { compute.add(&gradients[VisionWeights.rowEnd], gradient.end) }
            dtokens = gradient.tokens
        }
        let dfeatures = pass.connectBackward(dtokens, shuffled: shuffled, weights: weights, gradients: &gradients)
        guard !isFrozen else { return gradients }
        pass.backward(dfeatures, weights: weights, gradients: &gradients)
        return gradients
    }
}

extension ParameterSet {
    /// The names with their tensors.
    fileprivate var pairs: [(name: String, tensor: Tensor)] { zip(names, tensors).map { ($0, $1) } }
}
