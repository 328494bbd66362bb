import Datasets
import Models
import Tensors

/// The training objective of the vision encoder: the mean cross-entropy of each head, times `countWeight` for heads
/// that count, plus `wordWeight` times the connector's squared distance from word embeddings, relative to the mean
/// square of these embeddings.
package struct VisionObjective: Sendable {
    private let settings: VisionPretrainingSettings
    private let compute: Compute
    /// `[words, width]`.
    private let table: Tensor
    /// The embeddings of each form with each colour, `[forms * colours, width]`.
    private let forms: Tensor
    /// The mean square of the embeddings of each kind with each colour.
    private let meanSquare: Float

    init(words: WordEmbeddings, settings: VisionPretrainingSettings, on compute: Compute) {
        self.settings = settings
        self.compute = compute
        self.table = words.table
        let pairs = WordEmbeddings.Word.kinds.flatMap { kind in
            SceneColour.allCases.map { [(word: WordEmbeddings.Word.kind(kind), share: Float(1)), (.colour($0), 1)] }
        }
        let all = compute.multiply(Self.shares(pairs, rows: words.table.rows), words.table)
        // Forms are the first of the kinds.
        self.forms = all.rows(0..<SceneShape.allCases.count * SceneColour.allCases.count)
        self.meanSquare = Float(compute.squaredNorm(all) / Double(all.count))
    }

    /// `[tokens, words]`: multiplied with the word table, it gives each token's target.
    private static func shares(_ tokens: [[(word: WordEmbeddings.Word, share: Float)]], rows: Int) -> Tensor {
        var shares = Tensor(zeros: [tokens.count, rows])
        for (token, parts) in tokens.enumerated() {
            for part in parts {
                if let row = WordEmbeddings.row(of: part.word) { shares[token, row] += part.share }
            }
        }
        return shares
    }

    /// The embedding of a line's end, `[1, width]`.
    var lineEnd: Tensor {
        let row = WordEmbeddings.row(of: .lineEnd) ?? 0
        return table.rows(row..<row + 1)
    }

    /// The targets of the given images.
    func targets(_ images: some Sequence<VisionExample>) -> VisionTargets {
        VisionTargets(Array(images), settings: settings)
    }

    /// The initial parameters of the heads.
    ///
    /// - Parameter reader: the head for characters of the encoder to go on from; nil for a random one.
    func headParameters(
        starting reader: VisionWeights.Reader?, using generator: inout some RandomNumberGenerator
    ) -> [(name: String, tensor: Tensor)] {
        let deviation = (1 / Float(3 * settings.hidden)).squareRoot()
        return settings.visionHeads.flatMap { head in
            let outputs = head.targets * head.classes
            let weight = Tensor(normal: deviation, [outputs, settings.hidden], using: &generator)
            let start = head == .character ? reader : nil
            return [
                (head.rawValue + ".weight", start?.weight ?? weight),
                (head.rawValue + ".bias", start?.bias ?? Tensor(zeros: [outputs])),
            ]
        }
    }

    /// The denominators of a batch's means, over all of its passes.
    struct Totals {
        private let weights: [VisionHead: Float]
        fileprivate let wordWeight: Float
        /// The weight of a column or patch without a character, relative to 1 for one with a character.
        fileprivate let noneWeight: Float

        init(_ parts: [VisionTargets], noneWeight: Float = 1) {
            self.noneWeight = noneWeight
            weights = Dictionary(
                uniqueKeysWithValues: VisionHead.allCases.map { head in
                    (head, parts.reduce(0) { $0 + $1.weight(head, noneWeight: noneWeight) })
                })
            wordWeight = parts.reduce(0) { $1.words.reduce($0) { $0 + $1.weight } }
        }

        /// The coefficients of the losses of a head's targets.
        fileprivate func coefficients(_ head: VisionHead, _ classes: [Int32]) -> [Float] {
            let mean = 1 / max(1, weights[head] ?? 0)
            guard head.isOfText else { return Array(repeating: mean, count: classes.count) }
            return classes.map { $0 == 0 ? mean * noneWeight : mean }
        }
    }

    /// One pass's share of the losses of its batch.
    package struct Losses {
        package var heads = 0.0
        /// The share of `heads` that is the characters'.
        package var characters = 0.0
        package var words = 0.0
    }

    /// Adds the gradients of the encoder, the connector and the heads to `gradients`.
    func backward(
        _ pass: VisionPass, _ targets: VisionTargets, totals: Totals, weights: VisionWeights,
        parameters: ParameterSet, gradients: inout ParameterSet
    ) -> Losses {
        var losses = Losses()
        let (tokens, shuffled) = pass.connect(weights: weights)
        let words = wordLoss(tokens, targets.words, totals: totals)
        losses.words = words.loss
        var dfeatures = pass.connectBackward(
            words.dtokens, shuffled: shuffled, weights: weights, gradients: &gradients)
        let averages = averages(tiles: targets.classes[.imageKind, default: []].count, rows: pass.features.rows)
        let means = compute.multiply(averages, pass.features)
        for head in settings.visionHeads where targets.count(head) > 0 {
            let input = head.isOfImage ? means : pass.features
            let (loss, dinput) = headLoss(
                head, input, targets.classes[head, default: []], totals: totals, parameters: parameters,
                gradients: &gradients)
            losses.heads += loss
            if head == .character { losses.characters += loss }
            compute.add(
                &dfeatures, head.isOfImage ? compute.multiply(averages, dinput, transposeA: true) : dinput)
        }
        pass.backward(dfeatures, weights: weights, gradients: &gradients)
        return losses
    }

    /// A head's loss on `input`, and its gradient.
    private func headLoss(
        _ head: VisionHead, _ input: Tensor, _ classes: [Int32], totals: Totals, parameters: ParameterSet,
        gradients: inout ParameterSet
    ) -> (loss: Double, dinput: Tensor) {
        let all = compute.linear(input, head.rawValue, of: parameters, precision: settings.precision)
        var logits = all.reshaped([classes.count, head.classes])
        let entropy = compute.crossEntropy(logits, targets: classes)
        let weight = settings.weight(of: head)
        let coefficients = totals.coefficients(head, classes).map { $0 * weight }
        let loss = zip(coefficients, entropy.losses).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        compute.crossEntropyBackward(&logits, targets: classes, loss: entropy, coefficients: coefficients)
        let dinput = compute.linearBackward(
            logits.reshaped(all.shape), input: input, head.rawValue, of: parameters, precision: settings.precision,
            gradients: &gradients)
        return (loss, dinput)
    }

    /// A head's predicted classes for all targets of a pass.
    ///
    /// - Parameter first: the first class that may be predicted.
    func predictions(
        of head: VisionHead, _ pass: VisionPass, tiles: Int, _ parameters: ParameterSet, from first: Int = 0
    ) -> [Int32] {
        let averages = averages(tiles: tiles, rows: pass.features.rows)
        let input = head.isOfImage ? compute.multiply(averages, pass.features) : pass.features
        let logits = compute.linear(input, head.rawValue, of: parameters)
        return largest(logits.reshaped([logits.rows * head.targets, head.classes]), from: first)
    }

    /// The form and colour whose embeddings together are nearest in direction to each row of `tokens`. The rows must
    /// show forms: among digits, the counting numerals would match too.
    func nearestWords(_ tokens: Tensor) -> [(kind: SceneObject.Kind, colour: SceneColour)] {
        var scores = compute.multiply(tokens, forms, transposeB: true)
        let lengths = (0..<forms.rows).map { Float(compute.squaredNorm(forms.rows($0..<$0 + 1)).squareRoot()) }
        for row in 0..<scores.rows { for pair in lengths.indices { scores[row, pair] /= lengths[pair] } }
        return largest(scores).map { pair in
            let (kind, colour) = Int(pair).quotientAndRemainder(dividingBy: SceneColour.allCases.count)
            return (WordEmbeddings.Word.kinds[kind], SceneColour.allCases[colour])
        }
    }

    private func largest(_ scores: Tensor, from first: Int = 0) -> [Int32] {
        (0..<scores.rows).map { row in
            (first + 1..<scores.columns).reduce(Int32(first)) {
                scores[row, $1] > scores[row, Int($0)] ? Int32($1) : $0
            }
        }
    }

    /// `[tiles, rows]`: multiplied with features, it gives each tile's mean.
    private func averages(tiles: Int, rows: Int) -> Tensor {
        let patches = rows / tiles
        let mean = Tensor(repeating: 1 / Float(patches), [1, patches])
        return Tensor.blockDiagonal(Array(repeating: mean, count: tiles))
    }

    private func wordLoss(
        _ tokens: Tensor, _ words: [VisionTargets.Words], totals: Totals
    ) -> (loss: Double, dtokens: Tensor) {
        var difference = tokens
        compute.add(&difference, compute.multiply(Self.shares(words.map(\.parts), rows: table.rows), table), scale: -1)
        let unit = settings.wordWeight / (totals.wordWeight * Float(tokens.columns) * meanSquare)
        var loss = 0.0
        var elements = difference.elements
        for (row, word) in words.enumerated() {
            for index in row * tokens.columns..<(row + 1) * tokens.columns {
                let scaled = unit * word.weight * elements[index]
                loss += Double(scaled * elements[index])
                elements[index] = 2 * scaled
            }
        }
        return (loss, Tensor(elements, shape: tokens.shape))
    }
}
