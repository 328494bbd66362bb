public import Datasets
public import Models
public import Tensors
public import Tokenizers

/// Stage 1: the adapter and the connector learn the demonstrated answers, the decoder and the vision encoder are frozen.
///
/// L = - mean over answer tokens, end token included, of log π(token | picture, question, tokens before)
/// (Ouyang et al. 2022, §3.5), plus a weighted mean over the tokens of replay texts. A picture and its questions are one
/// tree, so the picture is computed once.
public struct SupervisedFineTuning: TrainingStage {
    /// "sft".
    public let name = "sft"
    /// Rows of the decoder.
    public let unit = "tokens"
    /// The connector's weight and the adapter's factors.
    public var parameters: ParameterSet
    /// AdamW over them.
    public var optimizer: AdamWOptimizer
    /// Nothing: the order of the data follows from seed and step.
    public var state: [String: String] = [:]

    private let base: FrozenDecoder
    private let settings: FineTuningSettings
    private let training: [PictureTree]
    private let heldOut: [PictureTree]
    private let replay: [ReplayRecord]
    private let order: DemonstrationOrder
    private let schedule: CosineSchedule

    /// A run over `pictures`, of which some are held out.
    ///
    /// - Parameters:
    ///   - connector: `[hidden, connector inputs]`, to start from.
    ///   - replay: texts of the base model; may be empty.
    /// - Throws: `ChatTemplateError` if the tokenizer lacks the template's tokens.
    public init(
        base: FrozenDecoder, connector: Tensor, pictures: [PictureQuestions], replay: [ReplayRecord],
        template: ChatTemplate, tokenizer: Tokenizer, settings: FineTuningSettings
    ) throws(ChatTemplateError) {
        guard let endToken = tokenizer.id(ofSpecial: "<|im_end|>") else { throw .missingToken("<|im_end|>") }
        var trees: [PictureTree] = []
        for picture in pictures {
            trees.append(
                try PictureTree(picture, template: template, tokenizer: tokenizer, endToken: endToken))
        }
        var generator = Tensors.SeededGenerator(seed: settings.seed)
        trees.shuffle(using: &generator)
        precondition(trees.count > settings.heldOutPictures, "\(trees.count) pictures, all of them held out")
        let adapter = LowRankAdapter(
            starting: base.configuration, rank: settings.rank, alpha: settings.alpha, using: &generator)
        self.base = base
        self.settings = settings
        self.heldOut = Array(trees.prefix(settings.heldOutPictures))
        self.training = Array(trees.dropFirst(settings.heldOutPictures))
        self.replay = replay
        self.parameters = ParameterSet([("connector", connector)] + adapter.parameters)
        self.optimizer = AdamWOptimizer(
            parameters: parameters,
            groups: [
                .init(prefix: "connector", learningRate: settings.connectorRate),
                .init(prefix: "adapter.", learningRate: settings.adapterRate),
            ], settings: settings.optimizer)
        self.order = DemonstrationOrder(
            seed: settings.seed, counts: training.map(\.branches.count), picturesPerStep: settings.picturesPerStep,
            questionsPerPicture: settings.questionsPerPicture)
        self.schedule = CosineSchedule(steps: settings.steps, warmUp: settings.warmUp, floor: settings.floor)
    }

    /// Steps of the whole run.
    public var steps: Int { settings.steps }

    /// The adapter as trained so far.
    public var adapter: LowRankAdapter {
        LowRankAdapter(parameters, like: base.configuration, rank: settings.rank, alpha: settings.alpha)
    }

    /// The connector's weight as trained so far.
    public var connector: Tensor { parameters["connector"] }

    /// Forward, backward and update on the pictures and questions of `step`.
    public mutating func advance(step: Int) throws -> StepReport {
        let batch = batch(of: step)
        let result = gradients(of: batch)
        let norm = optimizer.update(
            &parameters, gradients: result.gradients, factor: schedule.factor(at: step), on: base.compute)
        var figures = [(name: "gradient_norm", value: norm), (name: "loss_answers", value: result.answerLoss)]
        if let loss = result.replayLoss { figures.append((name: "loss_replay", value: loss)) }
        return StepReport(loss: result.loss, units: batch.rows.count, figures: figures)
    }

    private func batch(of step: Int) -> DemonstrationBatch {
        var batch = DemonstrationBatch()
        for (picture, questions) in order.items(of: step) { batch.append(training[picture], branches: questions) }
        if settings.replayInterval > 0, step % settings.replayInterval == 0, !replay.isEmpty {
            let index = step / settings.replayInterval % replay.count
            batch.append(replay[index], limit: settings.replayRows)
        }
        return batch
    }

    // MARK: Loss and gradients

    private struct Gradients {
        let loss: Double
        let answerLoss: Double
        let replayLoss: Double?
        let gradients: ParameterSet
    }

    private func gradients(of batch: DemonstrationBatch) -> Gradients {
        let compute = base.compute
        let decoder = TrainableDecoder(base, adapter: adapter)
        let features = batch.features
        let pass = decoder.forward(embeddings(of: batch, features), rows: batch.rows, outputs: batch.outputs)
        var logits = base.logits(pass.hidden)
        let entropy = compute.crossEntropy(logits, targets: batch.targets)
        let answers = batch.answerPredictions
        let weights = weights(answers: answers, replay: batch.targets.count - answers)
        compute.crossEntropyBackward(&logits, targets: batch.targets, loss: entropy, coefficients: weights)
        let (dadapter, dembeddings) = decoder.backward(pass, dhidden: base.logitsBackward(logits))
        let dvisual = Tensor.stacking(
            batch.pictures.map { dembeddings.rows($0.row..<$0.row + $0.features.rows) })
        let dconnector = compute.multiply(dvisual, features, transposeA: true)
        return Gradients(
            loss: zip(entropy.losses, weights).reduce(0) { $0 + Double($1.0) * Double($1.1) },
            answerLoss: mean(entropy.losses[..<answers]) ?? 0, replayLoss: mean(entropy.losses[answers...]),
            gradients: ParameterSet([("connector", dconnector)] + dadapter.parameters))
    }

    /// The weight of each prediction's loss: answers share 1, the replay's tokens share `replayWeight`.
    private func weights(answers: Int, replay: Int) -> [Float] {
        Array(repeating: 1 / Float(max(1, answers)), count: answers)
            + Array(repeating: settings.replayWeight / Float(max(1, replay)), count: replay)
    }

    private func mean(_ values: ArraySlice<Float>) -> Double? {
        values.isEmpty ? nil : values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
    }

    /// What the decoder reads: tokens' embeddings, and the connector's output where pictures are.
    private func embeddings(of batch: DemonstrationBatch, _ features: Tensor) -> Tensor {
        var embeddings = base.embeddings(of: batch.rows.tokens)
        let visual = base.compute.multiply(features, connector, transposeB: true)
        var first = 0
        for picture in batch.pictures {
            embeddings.replaceRows(
                from: picture.row, with: visual.rows(first..<first + picture.features.rows))
            first += picture.features.rows
        }
        return embeddings
    }

    // MARK: Validation

    /// Shares of held-out questions whose tokens are all the likeliest ones, given the right tokens before: what greedy
    /// decoding answers exactly. Up to `questionsPerPicture` questions a picture.
    public mutating func validate() throws -> [(name: String, value: Double)] {
        var right = (open: 0, yesNo: 0)
        var asked = (open: 0, yesNo: 0)
        for start in stride(from: 0, to: heldOut.count, by: settings.picturesPerStep) {
            var batch = DemonstrationBatch()
            for tree in heldOut[start..<min(heldOut.count, start + settings.picturesPerStep)] {
                batch.append(tree, branches: Array(tree.branches.indices.prefix(settings.questionsPerPicture)))
            }
            for (answer, isRight) in zip(batch.answers, correctness(of: batch)) {
                if answer.isYesNo { asked.yesNo += 1 } else { asked.open += 1 }
                if isRight { if answer.isYesNo { right.yesNo += 1 } else { right.open += 1 } }
            }
        }
        func share(_ part: Int, _ whole: Int) -> Double { Double(part) / Double(max(1, whole)) }
        return [
            ("accuracy", share(right.open + right.yesNo, asked.open + asked.yesNo)),
            ("accuracy_open", share(right.open, asked.open)), ("accuracy_yes_no", share(right.yesNo, asked.yesNo)),
        ]
    }

    private func correctness(of batch: DemonstrationBatch) -> [Bool] {
        let decoder = TrainableDecoder(base, adapter: adapter)
        let pass = decoder.forward(embeddings(of: batch, batch.features), rows: batch.rows, outputs: batch.outputs)
        let logits = base.logits(pass.hidden)
        return batch.answers.map { answer in
            answer.predictions.allSatisfy { row in
                let scores = logits.rows(row..<row + 1).elements
                return scores[Int(batch.targets[row])] >= (scores.max() ?? .infinity)
            }
        }
    }
}
