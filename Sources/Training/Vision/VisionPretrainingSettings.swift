public import Datasets

/// How the vision encoder is trained; together with the input files it decides the result.
public struct VisionPretrainingSettings: Codable, Sendable, Equatable {
    /// Decides the weights to start from, the scenes and the order of the data.
    public var seed: UInt64 = 0
    /// Steps of the whole run.
    public var steps = 6_000
    /// Images a step: of eight, one is official, one is a scene in easy-VQA's style, and six are of `families`.
    public var imagesPerStep = 48
    /// The families of those images, in turn: what is hard to see stands there more than once.
    public var families: [Family] = [
        .numbers, .counts, .digits, .comparisons, .numbers, .counts, .positions, .numbers, .counts, .attributes,
        .numbers, .digits, .counts, .descriptions, .numbers, .comparisons,
    ]
    /// Images that go through the encoder at once: few, so that what is kept for the backward pass stays in the cache.
    public var imagesPerPass = 8
    /// Learning rate at its peak.
    public var learningRate: Float = 1.5e-3
    /// Share of a weight, times the learning rate, that is taken away each step.
    public var weightDecay: Float = 0.05
    /// Steps over which the rate rises.
    public var warmUp = 40
    /// AdamW's moments and clipping.
    public var optimizer = AdamWOptimizer.Settings()
    /// Weight of the connector's regression onto words beside the heads' losses.
    public var wordWeight: Float = 2
    /// Weight of the loss of a head that counts, beside 1 for one that tells what is there.
    public var countWeight: Float = 0.3
    /// Weight of a token on the background in that regression, beside 1 for one on a shape.
    public var backgroundWeight: Float = 0.3
    /// Official training images whose number is one less than a multiple of this are held out for validation.
    public var heldOutInterval = 10
    /// Scenes of the validation split that are held out, and as many images of all families together.
    public var heldOutScenes = 400
    /// Patch side, in pixels.
    public var patchSize = 8
    /// Width of the encoder.
    public var hidden = 192
    /// Transformer blocks.
    public var layers = 6
    /// Attention heads.
    public var heads = 3
    /// Width of the feed-forward layer.
    public var feedForward = 768
    /// Side of the square of patches that makes one token.
    public var scale = 2

    /// The settings of the encoder that ships.
    public init() {}

    private enum CodingKeys: String, CodingKey {
        case seed, steps, families, learningRate, weightDecay, warmUp, optimizer, wordWeight, countWeight
        case backgroundWeight, heldOutInterval, heldOutScenes, patchSize, hidden, layers, heads, feedForward, scale
        case imagesPerStep = "picturesPerStep"
        case imagesPerPass = "picturesPerPass"
    }
}
