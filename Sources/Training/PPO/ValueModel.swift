public import Models
import Tensors

/// Foretells rewards: the head's score at the position that predicts a token is the value of what is still to come, the
/// answer's score relative to other answers to the same question among it.
public struct ValueModel: Sendable {
    /// What it changes of the frozen decoder.
    public let adapter: LowRankAdapter
    /// Reads the values.
    public let head: ScalarHead

    /// A model of the given parts.
    public init(adapter: LowRankAdapter, head: ScalarHead) {
        self.adapter = adapter
        self.head = head
    }

    /// What training starts from: the adapter of the reward model, which sees what is right, under a head that
    /// foretells nothing yet.
    public init(startingFrom reward: RewardModel) {
        self.init(adapter: reward.adapter, head: reward.head.score.normalized(shift: 0, gain: 0))
    }

    /// The head's weight and bias, and the adapter's factors.
    var parameters: ParameterSet { ParameterSet(head.parameters + adapter.parameters) }

    /// The model whose parameters are in `parameters`, of the shape of `other`.
    init(_ parameters: ParameterSet, like other: ValueModel, configuration: DecoderConfiguration) {
        self.init(
            adapter: LowRankAdapter(
                parameters, like: configuration, rank: other.adapter.rank, alpha: other.adapter.alpha),
            head: ScalarHead(parameters))
    }

    /// The value of each predicted token of `rows`.
    func values(of rows: AnswerRows, in base: FrozenDecoder) -> [Float] {
        let pass = TrainableDecoder(base, adapter: adapter)
            .forward(rows.embeddings(in: base), rows: rows.rows, outputs: rows.outputs)
        return head.scores(pass.hidden, on: base.compute)
    }

    /// Values again, and the gradients of `parameters` given those of the values.
    func gradients(
        of rows: AnswerRows, in base: FrozenDecoder, loss: (_ values: [Float]) -> [Float]
    ) -> ParameterSet {
        let decoder = TrainableDecoder(base, adapter: adapter)
        let pass = decoder.forward(rows.embeddings(in: base), rows: rows.rows, outputs: rows.outputs)
        let dvalues = loss(head.scores(pass.hidden, on: base.compute))
        let (dhidden, dhead) = head.backward(dvalues, hidden: pass.hidden, on: base.compute)
        return ParameterSet(dhead.parameters + decoder.backward(pass, dhidden: dhidden).adapter.parameters)
    }
}
