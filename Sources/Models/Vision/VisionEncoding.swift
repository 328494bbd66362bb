public import Tensors

/// Tiles on their way through a vision encoder, a layer at a time, so that other work can go between. What comes out is
/// bitwise what `VisionEncoder.encode` gives.
public struct VisionEncoding: Sendable {
    private let encoder: VisionEncoder
    private let layout: VisionPatches
    private var x: Tensor
    /// Layers that are to come.
    public private(set) var remainingLayers: Int

    /// Begins with `pixels`, as `VisionEncoder.encode` takes them.
    public init(_ pixels: Tensor, by encoder: VisionEncoder) {
        self.encoder = encoder
        layout = VisionPatches(encoder.configuration, pixels: pixels.shape)
        x = encoder.embed(pixels, layout)
        remainingLayers = encoder.configuration.layers
    }

    /// Computes `layers` more layers, or all that are left if those are fewer.
    public mutating func advance(layers: Int) {
        for _ in 0..<min(layers, remainingLayers) {
            encoder.apply(layer: encoder.configuration.layers - remainingLayers, to: &x, layout)
            remainingLayers -= 1
        }
    }

    /// The rows that the language model reads; all layers must be done.
    public var embeddings: Tensor {
        precondition(remainingLayers == 0, "\(remainingLayers) layers are to come")
        return encoder.connect(x, layout)
    }
}
