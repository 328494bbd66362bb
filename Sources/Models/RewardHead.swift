public import Checkpoints
public import Tensors

/// The reward of an answer y: r = w · h + b + c Σ log π(y_t), where h is the hidden state at its last token and π the
/// language model that reads it, with the reward model's own adapter.
///
/// From some thousand rankings, a head learns little about which of two likely answers an image supports. The language
/// model was trained on exactly this, and its log-probability is a reward too (Rafailov et al. 2023, arXiv 2305.18290,
/// eq. 5).
public struct RewardHead: Sendable {
    /// w and b.
    public var score: ScalarHead
    /// c, in units of reward per nat; 0 for a head that reads hidden states only.
    public var logProbWeight: Float

    /// A head with the given score and c.
    public init(score: ScalarHead, logProbWeight: Float = 0) {
        self.score = score
        self.logProbWeight = logProbWeight
    }

    /// Whether all of its numbers are finite.
    public var isFinite: Bool {
        logProbWeight.isFinite && (score.weight.elements + score.bias.elements).allSatisfy(\.isFinite)
    }

    /// The head whose rewards are `gain · (reward - shift)`.
    ///
    /// A loss over differences of rewards determines neither; with a positive gain no comparison changes.
    public func normalized(shift: Float, gain: Float) -> RewardHead {
        RewardHead(score: score.normalized(shift: shift, gain: gain), logProbWeight: gain * logProbWeight)
    }
}

// `head.safetensors`: the tensors `score.weight`, `[1, hidden]`, under the name that transformers gives the head of a
// sequence classifier, `score.bias`, `[1]`, and unless c is 0 `score.logProbWeight`, `[1]`.
extension RewardHead {
    private static let weightName = "score.weight"
    private static let biasName = "score.bias"
    private static let logProbWeightName = "score.likelihood"

    /// Reads the head in the file at `path`, which must fit hidden states of width `hidden`.
    ///
    /// - Throws: `SafetensorsError`, or `ModelError.unknownTensor` for a tensor that does not belong to a head.
    public init(path: String, hidden: Int) throws {
        let file = try SafetensorsFile(path: path)
        let known: Set = [Self.weightName, Self.biasName, Self.logProbWeightName]
        if let unknown = file.entries.keys.filter({ !known.contains($0) }).min() {
            throw ModelError.unknownTensor(unknown)
        }
        let score = ScalarHead(
            weight: try file.tensor(Self.weightName, shape: [1, hidden]),
            bias: try file.tensor(Self.biasName, shape: [1]))
        let hasLikelihood = file.entries[Self.logProbWeightName] != nil
        self.init(
            score: score,
            logProbWeight: hasLikelihood ? try file.tensor(Self.logProbWeightName, shape: [1]).elements[0] : 0)
    }

    /// Writes the head to `path`, with notes about its origin in the file's metadata.
    public func write(
        to path: String, as format: FloatFormat = .float32, metadata: [String: String] = [:]
    ) throws(SafetensorsError) {
        var tensors = [Self.weightName: score.weight, Self.biasName: score.bias]
        if logProbWeight != 0 { tensors[Self.logProbWeightName] = Tensor([logProbWeight], shape: [1]) }
        try SafetensorsFile.write(tensors, as: format, metadata: metadata, to: path)
    }
}

// The head's parameters for training, without the bias, which cancels out in differences of rewards.
extension RewardHead {
    /// The weight and c.
    public var parameters: [(name: String, tensor: Tensor)] {
        [("head.weight", score.weight), ("head.likelihood", Tensor([logProbWeight], shape: [1]))]
    }

    /// The head with the weight and c in `parameters`.
    public init(_ parameters: ParameterSet) {
        self.init(
            score: ScalarHead(weight: parameters["head.weight"], bias: Tensor(zeros: [1])),
            logProbWeight: parameters["head.likelihood"].elements[0])
    }
}

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
