package import Tensors

/// Puts a learned embedding behind each row of a tile's tokens, so that the language model sees where rows end
/// (`image_newline` of Liu et al., "LLaVA-NeXT", 2024).
package struct RowEnds: Sendable {
    /// For each position the index of its token; the number of tokens stands for a row's end.
    private let sources: [Int32]
    private let tokens: Int

    /// The ends of rows of `side` tokens, `tokens` in all.
    package init(tokens: Int, side: Int) {
        precondition(side > 0 && tokens % side == 0, "\(tokens) tokens in rows of \(side)")
        self.tokens = tokens
        sources = stride(from: 0, to: tokens, by: side).flatMap { first in
            (first..<first + side).map(Int32.init) + [Int32(tokens)]
        }
    }

    /// Adds the ends to the tokens' embeddings, `[tokens, hidden]`.
    package func added(to embeddings: Tensor, end: Tensor, on compute: Compute) -> Tensor {
        precondition(embeddings.rows == tokens, "\(embeddings.rows) tokens, expected \(tokens)")
        return compute.gather(sources, from: Tensor.stacking([embeddings, end.reshaped([1, end.count])]))
    }

    /// The gradients of the tokens and of the end.
    package func backward(_ gradient: Tensor, on compute: Compute) -> (tokens: Tensor, end: Tensor) {
        var sum = Tensor(zeros: [tokens + 1, gradient.columns])
        compute.scatterAdd(gradient, to: sources, in: &sum)
        return (sum.rows(0..<tokens), sum.rows(tokens..<tokens + 1).reshaped([gradient.columns]))
    }
}
