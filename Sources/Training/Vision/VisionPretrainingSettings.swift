public import Datasets

/// The settings of the vision encoder's training; together with the input files they decide the result.
public struct VisionPretrainingSettings: Codable, Sendable, Equatable {
    /// Decides the initial weights, the scenes and the order of the data.
    public var seed: UInt64 = 0
    /// The number of steps of the whole run.
    public var steps = 6_000
    /// Images per step: of every eight, one is official, one is a scene in easy-VQA's style, and six are of `families`.
    public var imagesPerStep = 48
    /// The families of these images, in turn: families that are hard to see are listed more than once.
    public var families: [Family] = [
        .numbers, .counts, .digits, .comparisons, .numbers, .counts, .positions, .numbers, .counts, .attributes,
        .numbers, .digits, .counts, .descriptions, .numbers, .comparisons,
    ]
    /// Images that go through the encoder at once: few, so that the state for the backward pass stays in the cache.
    public var imagesPerPass = 8
    /// The peak learning rate.
    public var learningRate: Float = 1.5e-3
    /// The share of a weight, times the learning rate, that each step subtracts.
    public var weightDecay: Float = 0.05
    /// Steps over which the learning rate rises.
    public var warmUp = 40
    /// AdamW's moments and clipping.
    public var optimizer = AdamWOptimizer.Settings()
    /// The weight of the connector's regression onto words, relative to the heads' losses.
    public var wordWeight: Float = 2
    /// The weight of the loss of a head that counts, relative to 1 for a head that classifies.
    public var countWeight: Float = 0.3
    /// The weight of a background token in the regression, relative to 1 for a token on a shape.
    public var backgroundWeight: Float = 0.3
    /// Official training images whose number is one less than a multiple of this are held out for validation.
    public var heldOutInterval = 10
    /// The number of held-out scenes of the validation split, and of held-out images of all families together.
    public var heldOutScenes = 400
    /// The side of a patch in pixels.
    public var patchSize = 8
    /// The width of the encoder.
    public var hidden = 192
    /// The number of transformer blocks.
    public var layers = 6
    /// The number of attention heads.
    public var heads = 3
    /// The width of the feed-forward layer.
    public var feedForward = 768
    /// The side, in patches, of the square that makes one token.
    public var scale = 2

    /// The settings of the shipped encoder.
    public init() {}

    private enum CodingKeys: String, CodingKey {
        case seed, steps, families, learningRate, weightDecay, warmUp, optimizer, wordWeight, countWeight
        case backgroundWeight, heldOutInterval, heldOutScenes, patchSize, hidden, layers, heads, feedForward, scale
        case imagesPerStep = "picturesPerStep"
        case imagesPerPass = "picturesPerPass"
    }
}
