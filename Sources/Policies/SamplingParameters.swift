/// How the next token is drawn from the logits. The defaults change nothing: temperature 1 over the whole vocabulary.
public struct SamplingParameters: Sendable, Equatable {
    /// Divides the logits; 0 takes the most likely token, and of equally likely ones the lowest id.
    public var temperature: Float = 1
    /// Keeps the k most likely tokens; nil keeps all.
    public var topK: Int?
    /// Keeps the smallest set of most likely tokens whose probabilities add up to this (Holtzman et al. 2020).
    public var topP: Float = 1
    /// Drops tokens whose probability is below this share of the most likely token's.
    public var minP: Float = 0
    /// Divides positive and multiplies negative logits of tokens in the prompt or answer (Keskar et al. 2019).
    public var repetitionPenalty: Float = 1
    /// Subtracted from the logits of tokens that the answer contains.
    public var presencePenalty: Float = 0
    /// Subtracted from a token's logit once for each time that the answer contains it.
    public var frequencyPenalty: Float = 0
    /// Added to the logits of these ids.
    public var logitBias: [Int32: Float] = [:]
    /// Decides every draw: the same seed and request give the same answer, whatever else runs.
    public var seed: UInt64 = 0

    /// The neutral parameters.
    public init() {}

    /// Parameters for answer `index` of several: each has a random stream of its own, and the first one has the seed's.
    public func choice(_ index: Int) -> SamplingParameters {
        var parameters = self
        parameters.seed &+= UInt64(index) &* 0xD1B5_4A32_D192_ED03
        return parameters
    }
}
