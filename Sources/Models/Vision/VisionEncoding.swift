public import Tensors

/// The encoding of tiles, a layer at a time, so that other work can run in between. The result is bitwise equal to that
/// of `VisionEncoder.encode`.
public struct VisionEncoding: Sendable {
    private let encoder: VisionEncoder
    private let layout: VisionPatches
    private var x: Tensor
    /// Layers still to compute.
    public private(set) var remainingLayers: Int

    /// Begins with `pixels` in the form of `VisionEncoder.encode`.
    public init(_ pixels: Tensor, by encoder: VisionEncoder) {
        self.encoder = encoder
        layout = VisionPatches(encoder.configuration, pixels: pixels.shape)
        x = encoder.embed(pixels, layout)
        remainingLayers = encoder.configuration.layers
    }

    /// Computes `layers` more layers, or the remaining ones if they are fewer.
    public mutating func advance(layers: Int) {
        for _ in 0..<min(layers, remainingLayers) {
            encoder.apply(layer: encoder.configuration.layers - remainingLayers, to: &x, layout)
            remainingLayers -= 1
        }
    }

    /// The rows that the language model reads; all layers must be computed.
    public var embeddings: Tensor {
        precondition(remainingLayers == 0, "\(remainingLayers) layers are to come")
        return encoder.connect(x, layout)
    }
}
