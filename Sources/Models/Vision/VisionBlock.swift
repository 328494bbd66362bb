package import Tensors

/// A pre-norm block of the vision encoder: x + attention(norm(x)), then x + MLP(norm(x)). All patches of a tile attend
/// to each other (`Idefics3EncoderLayer`). `x` is `[tiles * patches, hidden]`.
struct VisionBlock {
    let configuration: VisionConfiguration
    let layer: Int
    let compute: Compute
    let precision: Precision

    private var prefix: String { VisionWeights.block(layer) }

    /// The values of the forward pass that the backward pass needs.
    struct Activations {
        var attention: AttentionActivations
        var feedForward: FeedForwardActivations
    }

    func forward(_ x: Tensor, _ parameters: ParameterSet, spans: AttentionSpans) -> (Tensor, Activations) {
        let (middle, attention) = attend(x, parameters, spans: spans)
        let (output, feedForward) = feedForward(middle, parameters)
        return (output, Activations(attention: attention, feedForward: feedForward))
    }

    func backward(
        _ dy: Tensor, _ activations: Activations, _ parameters: ParameterSet, spans: AttentionSpans,
        gradients: inout ParameterSet
    ) -> Tensor {
        let dmiddle = feedForwardBackward(dy, activations.feedForward, parameters, gradients: &gradients)
        return attendBackward(dmiddle, activations.attention, parameters, spans: spans, gradients: &gradients)
    }

    // MARK: Attention

    struct AttentionActivations {
        var input: Tensor
        var normed: Tensor
        var queries: Tensor
        var keys: Tensor
        var values: Tensor
        var attended: Tensor
        var state: AttentionState
    }

    private func attend(
        _ x: Tensor, _ parameters: ParameterSet, spans: AttentionSpans
    ) -> (Tensor, AttentionActivations) {
        let normed = compute.layerNorm(x, prefix + "layer_norm1", of: parameters, epsilon: configuration.normEpsilon)
        let queries = compute.linear(normed, prefix + "self_attn.q_proj", of: parameters, precision: precision)
        let keys = compute.linear(normed, prefix + "self_attn.k_proj", of: parameters, precision: precision)
        let values = compute.linear(normed, prefix + "self_attn.v_proj", of: parameters, precision: precision)
        let heads = configuration.heads
        let attention = compute.attention(queries, keys, values, heads: heads, kvHeads: heads, spans: spans)
        var y = compute.linear(attention.output, prefix + "self_attn.out_proj", of: parameters, precision: precision)
        compute.add(&y, x)
        let activations = AttentionActivations(
            input: x, normed: normed, queries: queries, keys: keys, values: values, attended: attention.output,
            state: attention.state)
        return (y, activations)
    }

    private func attendBackward(
        _ dy: Tensor, _ activations: AttentionActivations, _ parameters: ParameterSet, spans: AttentionSpans,
        gradients: inout ParameterSet
    ) -> Tensor {
        let dattended = compute.linearBackward(
            dy, input: activations.attended, prefix + "self_attn.out_proj", of: parameters,
            precision: precision, gradients: &gradients)
        let (dqueries, dkeys, dvalues) = compute.attentionBackward(
            dattended, q: activations.queries, k: activations.keys, v: activations.values, state: activations.state,
            heads: configuration.heads, kvHeads: configuration.heads, spans: spans)
        var dnormed = compute.linearBackward(
            dqueries, input: activations.normed, prefix + "self_attn.q_proj", of: parameters,
            precision: precision, gradients: &gradients)
        for (name, gradient) in [("k_proj", dkeys), ("v_proj", dvalues)] {
            compute.add(
                &dnormed,
                compute.linearBackward(
                    gradient, input: activations.normed, prefix + "self_attn." + name, of: parameters,
                    precision: precision, gradients: &gradients))
        }
        var dx = compute.layerNormBackward(
            dnormed, input: activations.input, prefix + "layer_norm1", of: parameters,
            epsilon: configuration.normEpsilon, gradients: &gradients)
        compute.add(&dx, dy)
        return dx
    }

    // MARK: Feed-forward layer

    struct FeedForwardActivations {
        var input: Tensor
        var normed: Tensor
        var expanded: Tensor
        var activated: Tensor
    }

    private func feedForward(_ x: Tensor, _ parameters: ParameterSet) -> (Tensor, FeedForwardActivations) {
        let normed = compute.layerNorm(x, prefix + "layer_norm2", of: parameters, epsilon: configuration.normEpsilon)
        let expanded = compute.linear(normed, prefix + "mlp.fc1", of: parameters, precision: precision)
        let activated = compute.gelu(expanded)
        var y = compute.linear(activated, prefix + "mlp.fc2", of: parameters, precision: precision)
        compute.add(&y, x)
        return (y, FeedForwardActivations(input: x, normed: normed, expanded: expanded, activated: activated))
    }

    private func feedForwardBackward(
        _ dy: Tensor, _ activations: FeedForwardActivations, _ parameters: ParameterSet,
        gradients: inout ParameterSet
    ) -> Tensor {
        let dactivated = compute.linearBackward(
            dy, input: activations.activated, prefix + "mlp.fc2", of: parameters,
            precision: precision, gradients: &gradients)
        let dexpanded = compute.geluBackward(dactivated, x: activations.expanded)
        let dnormed = compute.linearBackward(
            dexpanded, input: activations.normed, prefix + "mlp.fc1", of: parameters,
            precision: precision, gradients: &gradients)
        var dx = compute.layerNormBackward(
            dnormed, input: activations.input, prefix + "layer_norm2", of: parameters,
            epsilon: configuration.normEpsilon, gradients: &gradients)
        compute.add(&dx, dy)
        return dx
    }
}

// Layers whose parameters are found by name, each directly followed by its backward pass. Backward passes add to the
// gradients and return the gradient of the layer's input.

extension Compute {
    /// y = x Wᵀ + b with `name.weight` as `[outputs, inputs]` and `name.bias`; `[rows, inputs]` -> `[rows, outputs]`.
    package func linear(
        _ x: Tensor, _ name: String, of parameters: ParameterSet, precision: Precision = .float32
    ) -> Tensor {
        var y = multiply(x, parameters[name + ".weight"], transposeB: true, precision: precision)
        addBias(&y, parameters[name + ".bias"])
        return y
    }

    package func linearBackward(
        _ dy: Tensor, input x: Tensor, _ name: String, of parameters: ParameterSet, precision: Precision = .float32,
        gradients: inout ParameterSet
    ) -> Tensor {
        multiply(dy, x, transposeA: true, precision: precision, addingTo: &gradients[name + ".weight"])
        add(&gradients[name + ".bias"], columnSums(dy))
        return multiply(dy, parameters[name + ".weight"], precision: precision)
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
