/// The value model's loss over tokens of a minibatch, and its gradient with respect to their values.
///
/// (1/2N) Σ max((V - G)², (clip(V, V_old - c, V_old + c) - G)²): a value gains nothing by moving further than c in one
/// iteration (openai/lm-human-preferences; TRL).
package struct ValueLoss: Sendable {
    /// The share of these tokens in the minibatch's loss.
    package let loss: Double
    /// The gradient with respect to each value.
    package let gradients: [Double]
    /// The number of tokens whose clipped term was the loss.
    package let clipped: Int

    /// - Parameters:
    ///   - values: V.
    ///   - old: V_old, from before the iteration's updates.
    ///   - returns: G.
    ///   - tokens: N, the number of tokens of the whole minibatch.
    ///   - range: c.
    package init(values: [Double], old: [Double], returns: [Double], tokens: Int, range: Double) {
        precondition(values.count == old.count && old.count == returns.count && tokens >= old.count)
        var loss = 0.0
        var gradients: [Double] = []
        gradients.reserveCapacity(values.count)
        var clipped = 0
        for index in values.indices {
            let free = values[index] - returns[index]
            let held = min(max(values[index], old[index] - range), old[index] + range) - returns[index]
            let isClipped = held * held > free * free
            clipped += isClipped ? 1 : 0
            loss += max(free * free, held * held) / Double(2 * tokens)
            gradients.append(isClipped ? 0 : free / Double(tokens))
        }
        self.loss = loss
        self.gradients = gradients
        self.clipped = clipped
    }
}
