public import Datasets
public import Tensors

/// The settings of the vision encoder's training; together with the input files they decide the result.
public struct VisionPretrainingSettings: Codable, Sendable, Equatable {
    /// Decides the initial weights, the images and the order of the data.
    public var seed: UInt64 = 0
    /// The number of steps of the whole run.
    public var steps = 20_000
    /// Whether most images are pieces of pages of text; else all are scenes.
    public var readsText = true
    /// The side of a tile in pixels.
    public var tileSize = 128
    /// The side of the windows of tiles that the run begins with, in pixels.
    public var windowSize = 64
    /// The share of the steps, at the end, that train on whole tiles.
    public var wholeTiles = 0.15
    /// The share of the steps, at the beginning, that train on text alone: Muon gives every direction of a gradient the
    /// same length, and a few scenes would decide half of an update.
    public var textAlone = 0.5
    /// Windows per step; a step with tiles has as many as cover the same area. Of every eight scenes, one is official,
    /// one is in easy-VQA's style, and six are of `families`.
    public var imagesPerStep = 16
    /// The families of these images, in turn: families that are hard to see are listed more than once.
    public var families: [Family] = [
        .numbers, .counts, .digits, .comparisons, .numbers, .counts, .positions, .numbers, .counts, .attributes,
        .numbers, .digits, .counts, .descriptions, .numbers, .comparisons,
    ]
    /// Windows that go through the encoder at once: few, so that the state for the backward pass stays in the cache.
    public var imagesPerPass = 16
    /// The precision of the products of features and weights, where the processor has it.
    public var precision = Precision.bfloat16
    /// The peak learning rate of the matrices of the blocks, which Muon updates.
    public var matrixRate: Float = 0.02
    /// The peak learning rate of all other weights, which AdamW updates.
    public var learningRate: Float = 2e-3
    /// The share of a weight, times the learning rate, that each step subtracts.
    public var weightDecay: Float = 0.05
    /// Steps over which the learning rates rise.
    public var warmUp = 100
    /// The factor of the learning rates at the end.
    public var floor: Float = 0.03
    /// The moments and the clipping.
    public var optimizer = Optimizer.Settings()
    /// The weight of a column without a character at the start of the run, relative to 1 for one with a character; it
    /// rises to 1.
    public var noneWeight: Float = 0.15
    /// The weight of the loss of the head that names characters, relative to 1 for a head that classifies scenes.
    /// Characters take much longer to learn than scenes.
    public var characterWeight: Float = 10
    /// The weight of the loss of the head that names the characters that cover patches: large ones are learned faster
    /// with it.
    public var coverWeight: Float = 5
    /// The weight of the connector's regression onto words, relative to 1 for a head that classifies scenes.
    public var wordWeight: Float = 2
    /// The weight of the loss of a head that counts, relative to 1 for a head that classifies.
    public var countWeight: Float = 0.3
    /// The weight of a background token in the regression, relative to 1 for a token on something.
    public var backgroundWeight: Float = 0.3
    /// Official training images whose number is one less than a multiple of this are held out for validation.
    public var heldOutInterval = 10
    /// The number of held-out scenes of the validation split, and of held-out images of all families together.
    public var heldOutScenes = 400
    /// The number of held-out pages in fonts that training uses, and of held-out pages in fonts that it never sees.
    public var heldOutPages = 24
    /// The side of a patch in pixels.
    public var patchSize = 8
    /// Channels of the convolutions before the one that gives patches; empty for none.
    public var stem = [48, 96]
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

    /// The settings for an encoder that reads.
    public init() {}

    /// The heads that these images train.
    var visionHeads: [VisionHead] { readsText ? VisionHead.allCases : VisionHead.ofScenes }

    /// Whether step `step` trains on whole tiles.
    func isWhole(at step: Int) -> Bool {
        windowSize == tileSize || Double(step) >= (1 - wholeTiles) * Double(steps)
    }

    /// Whether step `step` trains on scenes too.
    func showsScenes(at step: Int) -> Bool { !readsText || Double(step) >= textAlone * Double(steps) }

    /// The weight of a head's loss.
    func weight(of head: VisionHead) -> Float {
        if head == .character { return characterWeight }
        if head == .cover { return coverWeight }
        return head.isOfCounts ? countWeight : 1
    }

    /// `noneWeight` at step `step`.
    func noneWeight(at step: Int) -> Float {
        noneWeight + (1 - noneWeight) * Float(step) / Float(max(1, steps))
    }

    private enum CodingKeys: String, CodingKey {
        case seed, steps, readsText, tileSize, windowSize, wholeTiles, textAlone, families, precision, matrixRate,
            learningRate
        case weightDecay, warmUp, floor, optimizer, noneWeight, characterWeight, coverWeight, wordWeight, countWeight
        case backgroundWeight
        case heldOutInterval, heldOutScenes, heldOutPages, patchSize, stem, hidden, layers, heads, feedForward, scale
        case imagesPerStep = "picturesPerStep"
        case imagesPerPass = "picturesPerPass"
    }
}
