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
        let all = compute.multiply(Self.shares(pairs), words.table)
        // Forms are the first of the kinds.
        self.forms = all.rows(0..<SceneShape.allCases.count * SceneColour.allCases.count)
        self.meanSquare = Float(compute.squaredNorm(all) / Double(all.count))
    }

    /// `[tokens, words]`: multiplied with the word table, it gives each token's target.
    private static func shares(_ tokens: [[(word: WordEmbeddings.Word, share: Float)]]) -> Tensor {
        var shares = Tensor(zeros: [tokens.count, WordEmbeddings.count])
        for (token, parts) in tokens.enumerated() {
            for part in parts {
                if let row = WordEmbeddings.row(of: part.word) { shares[token, row] += part.share }
            }
        }
        return shares
    }

    /// The targets of the given images.
    func targets(_ images: some Sequence<LabelledScene>) -> VisionTargets {
        VisionTargets(Array(images), settings: settings)
    }

    /// The initial parameters of the heads.
    func headParameters(using generator: inout some RandomNumberGenerator) -> [(name: String, tensor: Tensor)] {
        let deviation = (1 / Float(3 * settings.hidden)).squareRoot()
        return VisionHead.allCases.flatMap { head in
            [
                (
                    head.rawValue + ".weight",
                    Tensor(normal: deviation, [head.classes, settings.hidden], using: &generator)
                ),
                (head.rawValue + ".bias", Tensor(zeros: [head.classes])),
            ]
        }
    }

    /// The denominators of a batch's means, over all of its passes.
    struct Totals {
        private let targets: [VisionHead: Int]
        fileprivate let wordWeight: Float

        init(_ parts: [VisionTargets]) {
            targets = Dictionary(
                uniqueKeysWithValues: VisionHead.allCases.map { head in (head, parts.reduce(0) { $0 + $1.count(head) })
                })
            wordWeight = parts.reduce(0) { $1.words.reduce($0) { $0 + $1.weight } }
        }

        fileprivate func coefficient(_ head: VisionHead) -> Float { 1 / Float(max(1, targets[head] ?? 0)) }
    }

    /// One pass's share of the losses of its batch.
    package struct Losses {
        package var heads = 0.0
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
        for head in VisionHead.allCases {
            let input = head.isOfImage ? means : pass.features
            let classes = targets.classes[head, default: []]
            var logits = compute.linear(input, head.rawValue, of: parameters)
            let entropy = compute.crossEntropy(logits, targets: classes)
            let coefficient = totals.coefficient(head) * (head.isOfCounts ? settings.countWeight : 1)
            losses.heads += Double(coefficient) * entropy.losses.reduce(0.0) { $0 + Double($1) }
            compute.crossEntropyBackward(
                &logits, targets: classes, loss: entropy,
                coefficients: Array(repeating: coefficient, count: classes.count))
            let dinput = compute.linearBackward(
                logits, input: input, head.rawValue, of: parameters, gradients: &gradients)
            compute.add(
                &dfeatures, head.isOfImage ? compute.multiply(averages, dinput, transposeA: true) : dinput)
        }
        pass.backward(dfeatures, weights: weights, gradients: &gradients)
        return losses
    }

    /// A head's predicted classes for all patches or images of a pass.
    func predictions(of head: VisionHead, _ pass: VisionPass, tiles: Int, _ parameters: ParameterSet) -> [Int32] {
        let averages = averages(tiles: tiles, rows: pass.features.rows)
        let input = head.isOfImage ? compute.multiply(averages, pass.features) : pass.features
        return largest(compute.linear(input, head.rawValue, of: parameters))
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

    private func largest(_ scores: Tensor) -> [Int32] {
        (0..<scores.rows).map { row in
            (1..<scores.columns).reduce(0) { scores[row, $1] > scores[row, Int($0)] ? Int32($1) : $0 }
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
        compute.add(&difference, compute.multiply(Self.shares(words.map(\.parts)), table), scale: -1)
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
