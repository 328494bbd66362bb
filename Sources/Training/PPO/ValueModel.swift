public import Models
import Tensors

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
