import Datasets
public import Models
import Tensors

/// The policy in training: log-probabilities of given tokens under an adapter on the frozen decoder.
struct PolicyModel: Sendable {
    /// Metrics of each predicted token.
    struct Prediction: Sendable {
        /// The log-probabilities of the sampled tokens, in nats.
        let logProbs: [Float]
        /// The entropies of the whole distributions, in nats.
        let entropies: [Float]
    }

    private let decoder: TrainableDecoder
    private var base: FrozenDecoder { decoder.base }

    init(_ base: FrozenDecoder, adapter: LowRankAdapter) {
        decoder = TrainableDecoder(base, adapter: adapter)
    }

    /// The predictions of the answers' tokens.
    func prediction(of trees: AnswerTrees) -> Prediction {
        let pass = decoder.forward(trees.embeddings(in: base), rows: trees.rows, outputs: trees.predictors)
        let loss = base.compute.crossEntropy(base.logits(pass.hidden), targets: trees.targets)
        return Prediction(logProbs: loss.losses.map { -$0 }, entropies: loss.entropies)
    }

    /// The gradient of a loss; `loss` returns its derivatives with respect to the log-probabilities.
    func gradients(of trees: AnswerTrees, loss: (_ logProbs: [Float]) -> [Double]) -> ParameterSet {
        let pass = decoder.forward(trees.embeddings(in: base), rows: trees.rows, outputs: trees.predictors)
        return gradients(of: pass, targets: trees.targets, loss: loss)
    }

    /// The weighted mean of -log π over an excerpt's reply, and its gradient; nil if the excerpt contains no reply.
    func replay(_ excerpt: ReplayExcerpt) -> (loss: Double, gradients: ParameterSet)? {
        // The first token has no row before it that predicts it.
        let start = max(1, excerpt.replyStart)
        let targets = Array(excerpt.tokens.dropFirst(start))
        if targets.isEmpty { return nil }
        let weights = excerpt.weights.dropFirst(start)
        let total = weights.reduce(0.0) { $0 + Double($1) }
        let shares = weights.map { Double($0) / total }
        var rows = PackedRows()
        let node = rows.append(excerpt.tokens.dropLast())
        let pass = decoder.forward(
            base.embeddings(of: rows.tokens), rows: rows, outputs: Array(node.rows.suffix(targets.count)))
        var mean = 0.0
        let gradients = gradients(of: pass, targets: targets) { logProbs in
            mean = -zip(logProbs, shares).reduce(0.0) { $0 + Double($1.0) * $1.1 }
            return shares.map { -$0 }
        }
        return (mean, gradients)
    }

    private func gradients(
        of pass: consuming TrainableDecoder.Pass, targets: [Int32], loss: ([Float]) -> [Double]
    ) -> ParameterSet {
        var logits = base.logits(pass.hidden)
        let entropy = base.compute.crossEntropy(logits, targets: targets)
        let slopes = loss(entropy.losses.map { -$0 })
        base.compute.crossEntropyBackward(
            &logits, targets: targets, loss: entropy, coefficients: slopes.map { Float(-$0) })
        return ParameterSet(decoder.backward(pass, dhidden: base.logitsBackward(logits)).adapter.parameters)
    }
}

/// Predicts returns: the head's score at the position that predicts a token is the value of the rest of the answer. The
/// return includes the answer's score relative to other answers to the same question.
public struct ValueModel: Sendable {
    /// The adapter on the frozen decoder.
    public let adapter: LowRankAdapter
    /// Reads the values from the hidden states.
    public let head: ScalarHead

    /// A model of the given adapter and head.
    public init(adapter: LowRankAdapter, head: ScalarHead) {
        self.adapter = adapter
        self.head = head
    }

    /// The initial model: the adapter of the reward model, which knows right answers from wrong ones, and a head that
    /// predicts zero.
    public init(startingFrom reward: RewardModel) {
        self.init(adapter: reward.adapter, head: reward.head.score.normalized(shift: 0, gain: 0))
    }

    /// The head's weight and bias, and the adapter's factors.
    var parameters: ParameterSet { ParameterSet(head.parameters + adapter.parameters) }

    /// The model with the given parameters, in the shapes of `other`.
    init(_ parameters: ParameterSet, like other: ValueModel, configuration: DecoderConfiguration) {
        self.init(
            adapter: LowRankAdapter(
                parameters, like: configuration, rank: other.adapter.rank, alpha: other.adapter.alpha),
            head: ScalarHead(parameters))
    }

    /// The value of each predicted token of `trees`.
    func values(of trees: AnswerTrees, in base: FrozenDecoder) -> [Float] {
        let pass = TrainableDecoder(base, adapter: adapter)
            .forward(trees.embeddings(in: base), rows: trees.rows, outputs: trees.predictors)
        return head.scores(pass.hidden, on: base.compute)
    }

    /// The values, and the gradients of `parameters` for given gradients of the values.
    func gradients(
        of trees: AnswerTrees, in base: FrozenDecoder, loss: (_ values: [Float]) -> [Float]
    ) -> ParameterSet {
        let decoder = TrainableDecoder(base, adapter: adapter)
        let pass = decoder.forward(trees.embeddings(in: base), rows: trees.rows, outputs: trees.predictors)
        let dvalues = loss(head.scores(pass.hidden, on: base.compute))
        let (dhidden, dhead) = head.backward(dvalues, hidden: pass.hidden, on: base.compute)
        return ParameterSet(dhead.parameters + decoder.backward(pass, dhidden: dhidden).adapter.parameters)
    }
}
