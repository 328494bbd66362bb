import Tensors

/// The way from pixels to the input of the first block, `[tiles * patches, hidden]`: patches, embedded by a linear
/// layer or by convolutions, plus their positions.
struct VisionStem {
    let layout: VisionPatches
    let compute: Compute

    /// The values of the forward pass that the backward pass needs.
    struct Activations {
        /// The rows that each layer multiplied: flattened patches, or the squares of a convolution.
        var inputs: [Tensor] = []
        /// The result of each layer but the last, before the GELU.
        var expanded: [Tensor] = []
    }

    private var configuration: VisionConfiguration { layout.configuration }

    /// The layers in order.
    private var names: [String] { configuration.stem.indices.map(VisionWeights.stem) + [VisionWeights.patchEmbedding] }

    /// The sides of the images that layer `index` reads, in pixels.
    private func sides(of index: Int) -> (height: Int, width: Int) {
        let side = configuration.patchSize >> index
        return (layout.rows * side, layout.columns * side)
    }

    /// - Parameters:
    ///   - pixels: `[tiles, 3, height, width]`.
    ///   - linear: applies the layer of a name to rows.
    func forward(
        _ pixels: Tensor, positions: Tensor, linear: (Tensor, String) -> Tensor
    ) -> (embeddings: Tensor, activations: Activations) {
        var activations = Activations()
        var x = input(pixels)
        for (index, name) in names.enumerated() {
            if index > 0 {
                activations.expanded.append(x)
                let (height, width) = sides(of: index)
                x = compute.im2col(compute.gelu(x), height: height, width: width)
            }
            activations.inputs.append(x)
            x = linear(x, name)
        }
        compute.add(&x, compute.gather(layout.positions, from: positions))
        return (x, activations)
    }

    /// The rows that the first layer multiplies.
    private func input(_ pixels: Tensor) -> Tensor {
        guard !configuration.stem.isEmpty else { return layout.flattened(pixels, on: compute) }
        let (height, width) = sides(of: 0)
        return compute.im2col(
            compute.channelsLast(layout.wholePatches(of: pixels)), height: height, width: width)
    }

    /// Adds the gradients of all weights that follow from `dx`, the gradient of the embeddings.
    func backward(
        _ dx: Tensor, _ activations: Activations, parameters: ParameterSet, precision: Precision,
        gradients: inout ParameterSet
    ) {
        let outputs = outputGradients(dx, activations, parameters: parameters, precision: precision)
        for (index, name) in names.enumerated() {
            let weight = name + ".weight"
            let dweight = compute.multiply(
                outputs[index], activations.inputs[index], transposeA: true,
                precision: name == Self.first(of: configuration) ? .float32 : precision)
            compute.add(&gradients[weight], dweight.reshaped(gradients[weight].shape))
            compute.add(&gradients[name + ".bias"], compute.columnSums(outputs[index]))
        }
        compute.scatterAdd(dx, to: layout.positions, in: &gradients[VisionWeights.positions])
    }

    /// The gradient of the pixels, `[tiles, 3, height, width]`, from `dx`, the gradient of the embeddings.
    func pixelGradient(_ dx: Tensor, _ activations: Activations, parameters: ParameterSet) -> Tensor {
        let first = outputGradients(dx, activations, parameters: parameters, precision: .float32)[0]
        let dinput = compute.multiply(first, Self.matrix(parameters[names[0] + ".weight"]))
        guard !configuration.stem.isEmpty else { return layout.unflattened(dinput, on: compute) }
        let (height, width) = sides(of: 0)
        return compute.channelsFirst(
            compute.im2colBackward(dinput, height: height, width: width), height: height, width: width)
    }

    /// The gradient of each layer's result, in order.
    private func outputGradients(
        _ dx: Tensor, _ activations: Activations, parameters: ParameterSet, precision: Precision
    ) -> [Tensor] {
        var gradients = [dx]
        for (index, name) in names.enumerated().dropFirst().reversed() {
            let dinput = compute.multiply(gradients[0], parameters[name + ".weight"], precision: precision)
            let (height, width) = sides(of: index)
            let dactivated = compute.im2colBackward(dinput, height: height, width: width)
            gradients.insert(compute.geluBackward(dactivated, x: activations.expanded[index - 1]), at: 0)
        }
        return gradients
    }

    /// The weight as a matrix of `[outputs, inputs]`: the embedding of whole patches has a convolution's shape.
    static func matrix(_ weight: Tensor) -> Tensor {
        weight.reshaped([weight.shape[0], weight.count / weight.shape[0]])
    }

    /// The layer that reads pixels. Its products stay in single precision: they are small.
    static func first(of configuration: VisionConfiguration) -> String {
        configuration.stem.isEmpty ? VisionWeights.patchEmbedding : VisionWeights.stem(0)
    }
}
