/// How one image stands in a prompt: marker text and tiles in order. Each tile is a run of positions that the vision
/// encoder fills.
public struct ImageLayout: Sendable, Equatable {
    /// A component of an image in a prompt.
    public enum Piece: Sendable, Equatable {
        /// Trusted text around tiles. It joins the text beside it before both become tokens.
        case markers(String)
        /// A tile of the given number of positions.
        case tile(tokens: Int)
        /// Text that was read in the image. It has no control tokens, and its tokens join no text beside it.
        case text(String)
    }

    /// The text that the chat template writes where an image stands; the pieces replace it.
    public var placeholder: String
    /// Markers and tiles, in the prompt's order.
    public var pieces: [Piece]

    /// The given pieces.
    public init(_ pieces: [Piece], placeholder: String = "<image>") {
        self.pieces = pieces
        self.placeholder = placeholder
    }

    /// A run of `tiles` tiles without markers, and behind it the text that was read in the image.
    ///
    /// - Parameter text: lines of text, empty if there are none; nil for an encoder that does not read.
    public static func bare(tiles: Int, tokens: Int, text: String? = nil) -> ImageLayout {
        let read = text.map { Piece.text($0.isEmpty ? "\n" : "\nText in the image:\n\($0)\n\n") }
        return ImageLayout(Array(repeating: .tile(tokens: tokens), count: tiles) + (read.map { [$0] } ?? []))
    }

    /// The layout of Idefics3, SmolVLM and Docling models (transformers, `processing_idefics3.py`): the grid's tiles
    /// row by row, each with its place, and then the whole image. An image of one tile is the whole image alone.
    ///
    /// - Parameters:
    ///   - rows: The grid's rows; 0 or 1 with as many columns for an image that is not split.
    ///   - columns: The grid's columns.
    ///   - tokens: Positions of a tile.
    ///   - names: The texts of the control tokens.
    public static func idefics3(
        rows: Int, columns: Int, tokens: Int, names: Idefics3Names = Idefics3Names()
    ) -> ImageLayout {
        var pieces: [Piece] = []
        if rows * columns > 1 {
            for row in 1...rows {
                for column in 1...columns {
                    // The line end of the row before belongs to this row's first marker.
                    let lineEnd = row > 1 && column == 1 ? "\n" : ""
                    pieces.append(.markers("\(lineEnd)\(names.fake)<row_\(row)_col_\(column)>"))
                    pieces.append(.tile(tokens: tokens))
                }
            }
            pieces.append(.markers("\n\n"))
        }
        pieces += [.markers(names.fake + names.global), .tile(tokens: tokens), .markers(names.fake)]
        return ImageLayout(pieces, placeholder: names.image)
    }

    /// The positions of each tile.
    public var tiles: [Int] {
        pieces.compactMap { if case .tile(let tokens) = $0 { tokens } else { nil } }
    }

    /// The texts of the control tokens that Idefics3 writes around tiles.
    public struct Idefics3Names: Sendable, Equatable {
        /// Stands where the template puts an image.
        public var image = "<image>"
        /// Stands before each tile, and after the last one.
        public var fake = "<fake_token_around_image>"
        /// Stands before the whole image.
        public var global = "<global-img>"

        /// The names that all published models have.
        public init() {}
    }
}
