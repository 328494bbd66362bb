public import Tensors

/// The vision encoder and connector in training: a forward pass that keeps the values for the backward pass, and the
/// backward pass to all weights and to the pixels. `VisionEncoder` is for serving.
public struct VisionPass {
    /// Post-norm features, `[tiles * patches, hidden]`, patches row by row.
    public let features: Tensor
    /// The output of each block, `[tiles * patches, hidden]`.
    package let blockOutputs: [Tensor]
    /// The input of the first block: patches with their positions.
    package let embeddings: Tensor

    private let configuration: VisionConfiguration
    private let compute: Compute
    private let precision: Precision
    private let layout: VisionPatches
    private let stem: VisionStem.Activations
    private let spans: AttentionSpans
    private let blocks: [VisionBlock.Activations]

    /// Encodes `pixels`, `[tiles, 3, height, width]`, each side a multiple of the patch.
    public init(_ pixels: Tensor, weights: VisionWeights, on compute: Compute) {
        self.init(pixels, windows: nil, weights: weights, precision: .float32, on: compute)
    }

    /// Encodes `pixels`, `[tiles, 3, height, width]`, each side a multiple of the patch.
    ///
    /// - Parameters:
    ///   - windows: the place of each image in its tile, if the images are windows of tiles; nil for whole tiles.
    ///   - precision: the precision of the blocks' products, forward and backward; sums are in single precision.
    package init(
        _ pixels: Tensor, windows: [VisionWindow]?, weights: VisionWeights, precision: Precision, on compute: Compute
    ) {
        let configuration = weights.configuration
        let parameters = weights.parameters
        let layout = VisionPatches(configuration, pixels: pixels.shape, windows: windows)
        let spans = layout.spans
        var (x, stem) = VisionStem(layout: layout, compute: compute).forward(
            pixels, positions: parameters[VisionWeights.positions]
        ) { rows, name in
            let isFirst = name == VisionStem.first(of: configuration)
            var y = compute.multiply(
                rows, VisionStem.matrix(parameters[name + ".weight"]), transposeB: true,
                precision: isFirst ? .float32 : precision)
            compute.addBias(&y, parameters[name + ".bias"])
            return y
        }
        self.embeddings = x
        var blocks: [VisionBlock.Activations] = []
        var outputs: [Tensor] = []
        for layer in 0..<configuration.layers {
            let block = VisionBlock(configuration: configuration, layer: layer, compute: compute, precision: precision)
            let (y, activations) = block.forward(x, parameters, spans: spans)
            blocks.append(activations)
            outputs.append(y)
            x = y
        }
        self.features = compute.layerNorm(
            x, VisionWeights.postNorm, of: parameters, epsilon: configuration.normEpsilon)
        self.configuration = configuration
        self.compute = compute
        self.precision = precision
        self.layout = layout
        self.stem = stem
        self.spans = spans
        self.blocks = blocks
        self.blockOutputs = outputs
    }

    /// Adds the gradients that follow from `dfeatures`, the gradient of `features`, to `gradients`.
    ///
    /// - Returns: the gradient of the patches' embeddings, for `pixelGradient`.
    @discardableResult
    public func backward(_ dfeatures: Tensor, weights: VisionWeights, gradients: inout ParameterSet) -> Tensor {
        let parameters = weights.parameters
        var dx = compute.layerNormBackward(
            dfeatures, input: blockOutputs.last ?? embeddings, VisionWeights.postNorm, of: parameters,
            epsilon: configuration.normEpsilon, gradients: &gradients)
        for layer in (0..<configuration.layers).reversed() {
            let block = VisionBlock(configuration: configuration, layer: layer, compute: compute, precision: precision)
            dx = block.backward(dx, blocks[layer], parameters, spans: spans, gradients: &gradients)
        }
        VisionStem(layout: layout, compute: compute).backward(
            dx, stem, parameters: parameters, precision: precision, gradients: &gradients)
        return dx
    }

    /// The gradient of the pixels, `[tiles, 3, height, width]`, from the result of `backward`.
    package func pixelGradient(_ dembeddings: Tensor, weights: VisionWeights) -> Tensor {
        VisionStem(layout: layout, compute: compute).pixelGradient(dembeddings, stem, parameters: weights.parameters)
    }

    // MARK: Connector

    /// The tokens of the tiles, without the ends of rows, `[tiles * tokensPerTile, textHidden]`, and the shuffled
    /// features that `connectBackward` needs.
    public func connect(weights: VisionWeights) -> (tokens: Tensor, shuffled: Tensor) {
        let shuffled = layout.shuffled(features, on: compute)
        let tokens = compute.multiply(
            shuffled, weights.parameters[VisionWeights.connector], transposeB: true, precision: precision)
        return (tokens, shuffled)
    }

    /// Adds the connector's gradient to `gradients` and returns the gradient of `features`.
    public func connectBackward(
        _ dtokens: Tensor, shuffled: Tensor, weights: VisionWeights, gradients: inout ParameterSet
    ) -> Tensor {
        compute.multiply(
            dtokens, shuffled, transposeA: true, precision: precision, addingTo: &gradients[VisionWeights.connector])
        let dshuffled = compute.multiply(dtokens, weights.parameters[VisionWeights.connector], precision: precision)
        return layout.unshuffled(dshuffled, on: compute)
    }
}
