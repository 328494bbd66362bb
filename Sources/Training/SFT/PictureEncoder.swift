import Images
import Models
import Tensors

/// The frozen vision encoder, up to what the connector reads.
struct PictureEncoder: Sendable {
    private let vision: VisionWeights
    private let processor: ImageProcessor
    private let compute: Compute

    init(vision: VisionWeights, compute: Compute) {
        self.vision = vision
        self.processor = ImageProcessor(viewSize: vision.configuration.imageSize)
        self.compute = compute
    }

    /// What the connector reads of each picture, `[visual tokens, connector inputs]`.
    func features(of pictures: [RGBImage]) -> [Tensor] {
        let views = pictures.map { processor.views(of: $0, detail: .low) }
        guard let first = views.first else { return [] }
        let pixels = Tensor.stacking(views).reshaped([views.count] + Array(first.shape.dropFirst()))
        let features = VisionPass(pixels, weights: vision, on: compute).connect(weights: vision).shuffled
        let tokens = vision.configuration.tokensPerView
        return views.indices.map { features.rows($0 * tokens..<($0 + 1) * tokens) }
    }
}
