public import Tensors

/// One number for each position: score = w · h + b, where h is the hidden state after the final norm.
///
/// At the end of an answer it is the answer's reward; at each of its positions it is the value of the continuation.
public struct ScalarHead: Sendable {
    /// w, `[1, hidden]`.
    public var weight: Tensor
    /// b, `[1]`.
    public var bias: Tensor

    /// A head of the given weight, `[1, hidden]`, and bias, `[1]`.
    public init(weight: Tensor, bias: Tensor) {
        precondition(weight.rows == 1 && bias.count == 1, "a head of \(weight.shape) and \(bias.shape)")
        self.weight = weight
        self.bias = bias
    }

    /// The initial head of training: w normal with deviation 1/√(hidden + 1), b zero (Stiennon et al. 2020, arXiv
    /// 2009.01325, appendix B.1).
    public init(starting hidden: Int, using generator: inout some RandomNumberGenerator) {
        self.init(
            weight: Tensor(normal: 1 / Float(hidden + 1).squareRoot(), [1, hidden], using: &generator),
            bias: Tensor(zeros: [1]))
    }

    /// The width of the hidden states that it reads.
    public var hidden: Int { weight.columns }

    /// The scores of `hidden`, `[rows, hidden]`. A row's score does not depend on the rows beside it.
    public func scores(_ hidden: Tensor, on compute: Compute) -> [Float] {
        var scores = compute.multiply(hidden, weight, transposeB: true)
        compute.addBias(&scores, bias)
        return scores.elements
    }

    /// The gradients of the hidden states and of the head, from the gradients of the scores.
    public func backward(
        _ dscores: [Float], hidden: Tensor, on compute: Compute
    ) -> (dhidden: Tensor, dhead: ScalarHead) {
        let dscores = Tensor(dscores, shape: [hidden.rows, 1])
        return (
            compute.multiply(dscores, weight),
            ScalarHead(
                weight: compute.multiply(dscores, hidden, transposeA: true), bias: compute.columnSums(dscores))
        )
    }

    /// The head whose score is `gain · (score - shift)`.
    ///
    /// A loss over differences of rewards determines neither; with a positive gain no comparison changes.
    public func normalized(shift: Float, gain: Float) -> ScalarHead {
        ScalarHead(
            weight: Tensor(weight.elements.map { gain * $0 }, shape: weight.shape),
            bias: Tensor(bias.elements.map { gain * ($0 - shift) }, shape: bias.shape))
    }
}

// The head's parameters for training: `head.weight` and `head.bias`.
extension ScalarHead {
    /// The weight and the bias.
    public var parameters: [(name: String, tensor: Tensor)] { [("head.weight", weight), ("head.bias", bias)] }

    /// The head with the weight and bias in `parameters`.
    public init(_ parameters: ParameterSet) {
        self.init(weight: parameters["head.weight"], bias: parameters["head.bias"])
    }
}
