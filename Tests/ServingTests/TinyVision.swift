import Models
import Policies
import Support
import Tensors

extension Policy.Vision {
    /// An encoder with random weights, for tiles of 16 pixels, which take 4 positions.
    static func tiny() throws -> Policy.Vision {
        let sizes = try VisionConfiguration(
            imageSize: 16, patchSize: 4, hidden: 16, layers: 1, heads: 2, feedForward: 32, scale: 2, textHidden: 64)
        var random = SplitMix64(seed: 1, stream: 0)
        return Policy.Vision(
            generation: 1,
            encoder: VisionEncoder(
                VisionWeights(configuration: sizes, using: &random), on: Compute(threads: 1)),
            processor: ImageProcessor(tileSize: 16))
    }
}
