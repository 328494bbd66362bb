package import Models
import Support
import Tensors

extension VisionWeights {
    /// Random weights of an encoder for tiles of 32 pixels that sees the given letter in every patch of 8 pixels; nil
    /// for no letter anywhere.
    package static func reading(_ letter: Unicode.Scalar?, textHidden: Int = 64) throws -> VisionWeights {
        let sizes = try VisionConfiguration(
            imageSize: 32, patchSize: 8, hidden: 8, layers: 1, heads: 2, feedForward: 16, scale: 2,
            textHidden: textHidden)
        var generator = SplitMix64(seed: 6, stream: 0)
        let count = CharacterClass.count
        var bias = Array(repeating: Float(0), count: 2 * count)
        bias[Int(letter.flatMap { CharacterClass.number(of: $0) } ?? 0)] = 20
        bias[count] = 20
        return VisionWeights(configuration: sizes, using: &generator).with(
            rowEnd: Tensor(normal: 1, [textHidden], using: &generator),
            reader: .init(weight: Tensor(zeros: [2 * count, 8]), bias: Tensor(bias, shape: [2 * count])))
    }
}
