package import Tensors

// Layers whose parameters are found by name, each directly followed by its backward pass. Backward passes add to the
// gradients and return the gradient of the layer's input.

extension Compute {
    /// y = x Wᵀ + b with `name.weight` as `[outputs, inputs]` and `name.bias`; `[rows, inputs]` -> `[rows, outputs]`.
    package func linear(_ x: Tensor, _ name: String, of parameters: ParameterSet) -> Tensor {
        var y = multiply(x, parameters[name + ".weight"], transposeB: true)
        addBias(&y, parameters[name + ".bias"])
        return y
    }

    package func linearBackward(
        _ dy: Tensor, input x: Tensor, _ name: String, of parameters: ParameterSet, gradients: inout ParameterSet
    ) -> Tensor {
        multiply(dy, x, transposeA: true, addingTo: &gradients[name + ".weight"])
        add(&gradients[name + ".bias"], columnSums(dy))
        return multiply(dy, parameters[name + ".weight"])
    }

    /// Layer norm with `name.weight` and `name.bias`.
    func layerNorm(_ x: Tensor, _ name: String, of parameters: ParameterSet, epsilon: Float) -> Tensor {
        layerNorm(x, weight: parameters[name + ".weight"], bias: parameters[name + ".bias"], epsilon: epsilon)
    }

    func layerNormBackward(
        _ dy: Tensor, input x: Tensor, _ name: String, of parameters: ParameterSet, epsilon: Float,
        gradients: inout ParameterSet
    ) -> Tensor {
        let (dx, dweight, dbias) = layerNormBackward(
            dy, x: x, weight: parameters[name + ".weight"], epsilon: epsilon)
        add(&gradients[name + ".weight"], dweight)
        add(&gradients[name + ".bias"], dbias)
        return dx
    }
}
