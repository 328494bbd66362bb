package import Tensors

/// The order in which the language model reads the tokens of tiles side by side: row by row across all tiles, each row
/// followed by its end (Liu et al., "LLaVA-NeXT", 2024). A line of text is so in one piece, however many tiles it
/// crosses.
package struct TileRows: Sendable {
    /// For each position the row of `[tiles * tokensPerTile]`, or the number of these rows for a row's end.
    private let sources: [Int32]
    private let tokens: Int

    /// The order for strips of as many tiles side by side as `strips` has numbers, each with `side` × `side` tokens.
    package init(strips: [Int], side: Int) {
        var sources: [Int32] = []
        let perTile = side * side
        tokens = strips.reduce(0, +) * perTile
        var first = 0
        for tiles in strips {
            for row in 0..<side {
                for tile in first..<first + tiles {
                    let start = tile * perTile + row * side
                    sources += (start..<start + side).map(Int32.init)
                }
                sources.append(Int32(tokens))
            }
            first += tiles
        }
        self.sources = sources
    }

    /// The positions of a strip of `tiles` tiles.
    package static func count(tiles: Int, side: Int) -> Int { side * (side * tiles + 1) }

    /// The embeddings in reading order, from those of the tiles one after the other, `[tokens, hidden]`.
    package func arranged(_ tiles: Tensor, rowEnd: Tensor, on compute: Compute) -> Tensor {
        precondition(tiles.rows == tokens, "\(tiles.rows) tokens, expected \(tokens)")
        return compute.gather(sources, from: Tensor.stacking([tiles, rowEnd.reshaped([1, rowEnd.count])]))
    }

    /// The gradients of the tiles' tokens and of the row's end.
    package func backward(_ darranged: Tensor, on compute: Compute) -> (dtiles: Tensor, drowEnd: Tensor) {
        var gradient = Tensor(zeros: [tokens + 1, darranged.columns])
        compute.scatterAdd(darranged, to: sources, in: &gradient)
        return (gradient.rows(0..<tokens), gradient.rows(tokens..<tokens + 1).reshaped([darranged.columns]))
    }
}
