package import Tensors

/// The order in which the language model reads the tokens of tiles side by side: row by row across all tiles, each row
/// followed by its end (Liu et al., "LLaVA-NeXT", 2024). A line of text is so in one piece, however many tiles it
/// crosses.
///
/// Most of a screenshot is empty. In a strip of several tiles, cells of one colour that follow each other in a row are
/// read once, and so are rows that are empty in the same colour. A single tile is read whole: it keeps the places of
/// things.
package struct TileRows: Sendable {
    /// The number of positions of each strip.
    package let counts: [Int]
    /// For each position the row of `[tiles * tokensPerTile]`, or the number of these rows for a row's end.
    private let sources: [Int32]
    private let tokens: Int

    /// The order for `pixels`, `[tiles, 3, height, height]`, in strips of as many tiles as `strips` has numbers. A tile
    /// has `side` × `side` tokens.
    package init(_ pixels: Tensor, strips: [Int], side: Int) {
        precondition(pixels.shape[0] == strips.reduce(0, +), "strips of \(strips) for \(pixels.shape)")
        tokens = pixels.shape[0] * side * side
        var (sources, counts): ([Int32], [Int]) = ([], [])
        var first = 0
        for tiles in strips {
            let before = sources.count
            let cells = tiles > 1 ? StripColours(pixels, tiles: first..<first + tiles, side: side) : nil
            var rowBefore: SIMD3<Float>?
            for row in 0..<side {
                let colours = cells?.row(row)
                let even = colours.flatMap(Self.onlyColour)
                defer { rowBefore = even }
                if let even, let rowBefore, StripColours.areAlike(even, rowBefore) { continue }
                for column in 0..<tiles * side where !Self.repeats(column, colours) {
                    let tile = first + column / side
                    sources.append(Int32((tile * side + row) * side + column % side))
                }
                sources.append(Int32(tokens))
            }
            counts.append(sources.count - before)
            first += tiles
        }
        self.sources = sources
        self.counts = counts
    }

    /// The least number of positions of strips of these tiles, whatever they show.
    static func leastCount(strips: [Int], side: Int) -> Int {
        strips.reduce(0) { $0 + ($1 > 1 ? 2 : side * (side + 1)) }
    }

    /// The colour of a row without content.
    private static func onlyColour(_ colours: [SIMD3<Float>?]) -> SIMD3<Float>? {
        guard let first = colours.first ?? nil else { return nil }
        return colours.allSatisfy { $0.map { StripColours.areAlike($0, first) } ?? false } ? first : nil
    }

    /// Whether a cell is of the same colour as the one before it.
    private static func repeats(_ column: Int, _ colours: [SIMD3<Float>?]?) -> Bool {
        guard let colours, column > 0, let own = colours[column], let before = colours[column - 1] else { return false }
        return StripColours.areAlike(own, before)
    }

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

/// The colours of a strip's cells; a cell is the square of pixels that one token stands for.
private struct StripColours {
    /// The darkest and the brightest sample of each cell and channel, cells row by row across the strip.
    private var darkest: [SIMD3<Float>]
    private var brightest: [SIMD3<Float>]
    private let columns: Int

    /// Samples from -1 to 1 that differ by no more than eight of 255 levels are alike: noise is not content.
    private static let tolerance: Float = 8 * 2 / 255

    static func areAlike(_ one: SIMD3<Float>, _ other: SIMD3<Float>) -> Bool {
        let difference = one - other
        return max(difference.max(), -difference.min()) <= tolerance
    }

    init(_ pixels: Tensor, tiles: Range<Int>, side: Int) {
        let height = pixels.shape[2]
        let cell = height / side
        columns = tiles.count * side
        darkest = Array(repeating: SIMD3(repeating: .infinity), count: side * columns)
        brightest = Array(repeating: SIMD3(repeating: -.infinity), count: side * columns)
        for (index, tile) in tiles.enumerated() {
            for channel in 0..<3 {
                let plane = pixels.rows((tile * 3 + channel) * height..<(tile * 3 + channel + 1) * height).elements
                for y in 0..<cell * side {
                    for x in 0..<cell * side {
                        let at = y / cell * columns + index * side + x / cell
                        let sample = plane[y * height + x]
                        if sample < darkest[at][channel] { darkest[at][channel] = sample }
                        if sample > brightest[at][channel] { brightest[at][channel] = sample }
                    }
                }
            }
        }
    }

    /// The colour of each cell of a row; nil for a cell with content.
    func row(_ row: Int) -> [SIMD3<Float>?] {
        (row * columns..<(row + 1) * columns).map {
            Self.areAlike(darkest[$0], brightest[$0]) ? (darkest[$0] + brightest[$0]) / 2 : nil
        }
    }
}
