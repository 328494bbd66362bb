public import Images
public import Tensors
public import Tokenizers

/// Turns an image into tiles for the vision encoder: chooses their number and positions, resizes them, and normalises
/// them to [-1, 1] (mean and deviation 0.5 of samples in [0, 1]).
///
/// With Apus's own tiling, an image that fits in one tile becomes one tile. A larger image becomes a grid of crops, row
/// by row, followed by the whole image. An image of exactly the size of a tile, or of its grid, is not resampled.
/// Checkpoints have tilings of their own, which are followed byte for byte.
public struct ImageProcessor: Sendable, Hashable {
    /// The treatment of an image whose aspect ratio differs from that of its tiles. `pad` fills with 0, the middle of
    /// the range, equally on both sides.
    public enum Fit: String, Codable, Sendable, CaseIterable {
        /// Each side is scaled separately.
        case stretch
        /// Both sides are scaled by the same factor, and the rest is padded.
        case pad
    }

    /// The detail level of an image.
    public enum Detail: String, Sendable, CaseIterable, Codable {
        /// One tile.
        case low
        /// The number of tiles that the image fills, up to the limit.
        case high
        /// `low` if the image fits in one tile, otherwise `high`.
        case auto
    }

    /// The number of tiles of an image, and their rows and columns.
    public struct Grid: Sendable, Equatable {
        /// Rows of tiles.
        public let rows: Int
        /// Columns of tiles.
        public let columns: Int

        /// All tiles; more than one are followed by the whole image.
        public var tileCount: Int { rows * columns == 1 ? 1 : rows * columns + 1 }
    }

    /// The side of a tile in pixels.
    public let tileSize: Int
    /// Maximum number of tiles per image; 1 for a model that was not trained on crops.
    public let maximumTiles: Int
    /// The treatment of other aspect ratios.
    public let fit: Fit
    /// The filter for resizing.
    public let filter: ResampleFilter
    /// The checkpoint's tiling; nil for Apus's own.
    public let idefics3: Idefics3Tiling?

    /// A processor for tiles of `tileSize` pixels per side.
    public init(
        tileSize: Int, maximumTiles: Int = 1, fit: Fit = .stretch, filter: ResampleFilter = .lanczos
    ) {
        precondition(tileSize > 0 && maximumTiles > 0, "\(maximumTiles) views of \(tileSize) pixels")
        self.tileSize = tileSize
        self.maximumTiles = maximumTiles
        self.fit = fit
        self.filter = filter
        self.idefics3 = nil
    }

    /// A processor with the tiling of an Idefics3 or SmolVLM checkpoint.
    public init(_ tiling: Idefics3Tiling, filter: ResampleFilter = .lanczos) {
        self.tileSize = tiling.tileSize
        self.maximumTiles = tiling.maximumTiles
        self.fit = .stretch
        self.filter = filter
        self.idefics3 = tiling
    }

    /// The tiles for an image of this size; the image's header is enough to know them.
    public func grid(width: Int, height: Int, detail: Detail) -> Grid {
        if let plan = idefics3?.plan(width: width, height: height, detail: detail) {
            return Grid(rows: plan.rows, columns: plan.columns)
        }
        let (rows, columns) = ownGrid(width: width, height: height, detail: detail)
        return Grid(rows: rows, columns: columns)
    }

    /// The number of tiles for an image of this size; the image's header is enough to know it.
    public func tileCount(width: Int, height: Int, detail: Detail) -> Int {
        grid(width: width, height: height, detail: detail).tileCount
    }

    /// How an image of this size stands in a prompt.
    ///
    /// - Parameters:
    ///   - text: what an encoder that reads has read in the image; nil for other encoders.
    ///   - positionsPerTile: the encoder's embeddings of a tile.
    public func layout(
        width: Int, height: Int, detail: Detail, text: String?, positionsPerTile: Int
    ) -> ImageLayout {
        let grid = grid(width: width, height: height, detail: detail)
        guard idefics3 == nil else {
            return .idefics3(rows: grid.rows, columns: grid.columns, tokens: positionsPerTile)
        }
        return .bare(tiles: grid.tileCount, tokens: positionsPerTile, text: text)
    }

    /// The tiles of `image`, `[tileCount, 3, tileSize, tileSize]`.
    public func tiles(of image: RGBImage, detail: Detail) -> Tensor { tiles(of: DecodedImage(image), detail: detail) }

    /// The tiles of `image`, `[tileCount, 3, tileSize, tileSize]`.
    public func tiles(of image: DecodedImage, detail: Detail) -> Tensor {
        let grid = grid(width: image.width, height: image.height, detail: detail)
        let (cut, whole) = canvases(image, grid, detail: detail)
        var elements: [Float] = []
        elements.reserveCapacity(grid.tileCount * 3 * tileSize * tileSize)
        if grid.tileCount > 1 {
            for row in 0..<grid.rows {
                for column in 0..<grid.columns { cut.append(row: row, column: column, of: tileSize, to: &elements) }
            }
        }
        whole.append(row: 0, column: 0, of: tileSize, to: &elements)
        return Tensor(elements, shape: [grid.tileCount, 3, tileSize, tileSize])
    }

    /// The image at the size of the grid, and the whole image at the size of a tile.
    private func canvases(_ image: DecodedImage, _ grid: Grid, detail: Detail) -> (cut: Canvas, whole: Canvas) {
        guard let plan = idefics3?.plan(width: image.width, height: image.height, detail: detail) else {
            let whole = canvas(image, rows: 1, columns: 1)
            return (grid.tileCount == 1 ? whole : canvas(image, rows: grid.rows, columns: grid.columns), whole)
        }
        // The whole image is made from the enlarged one, which has been rounded twice already.
        let cut = image.resized(width: plan.first.width, height: plan.first.height, filter: filter)
            .resized(width: plan.grid.width, height: plan.grid.height, filter: filter)
        let whole = cut.resized(width: tileSize, height: tileSize, filter: filter)
        return (Canvas(image: cut, left: 0, top: 0), Canvas(image: whole, left: 0, top: 0))
    }

    /// The grid of crops; 1 × 1 means no crops. Candidates leave room for the whole image and do not enlarge it beyond
    /// the tiles that it fills. The best one has the highest resolution on its worse side; of equal ones, the smaller
    /// grid.
    private func ownGrid(width: Int, height: Int, detail: Detail) -> (rows: Int, columns: Int) {
        precondition(width > 0 && height > 0, "a picture of \(width) × \(height)")
        guard detail != .low else { return (1, 1) }
        let rows = (height - 1) / tileSize + 1
        let columns = (width - 1) / tileSize + 1
        var best = (rows: 1, columns: 1)
        func resolution(_ rows: Int, _ columns: Int) -> Double {
            min(Double(rows) / Double(height), Double(columns) / Double(width))
        }
        for r in 1...max(1, min(rows, maximumTiles - 1)) {
            let c = min(columns, max(1, (maximumTiles - 1) / r))
            for c in 1...c {
                let (new, old) = (resolution(r, c), resolution(best.rows, best.columns))
                if new > old || (new == old && r * c < best.rows * best.columns) { best = (r, c) }
            }
        }
        return best
    }

    /// The inputs of the encoder in `tiles`, one for each.
    public func inputs(of tiles: Tensor) -> [Tensor] {
        let rows = 3 * tileSize
        return (0..<tiles.shape[0]).map {
            tiles.rows($0 * rows..<($0 + 1) * rows).reshaped([1, 3, tileSize, tileSize])
        }
    }

    /// The image, resized to fill a grid of tiles or to fit into it.
    private func canvas(_ image: DecodedImage, rows: Int, columns: Int) -> Canvas {
        let (width, height) = (columns * tileSize, rows * tileSize)
        guard fit == .pad else {
            return Canvas(image: image.resized(width: width, height: height, filter: filter), left: 0, top: 0)
        }
        let scale = min(Double(width) / Double(image.width), Double(height) / Double(image.height))
        let inner = image.resized(
            width: min(width, max(1, Int((Double(image.width) * scale).rounded()))),
            height: min(height, max(1, Int((Double(image.height) * scale).rounded()))), filter: filter)
        return Canvas(image: inner, left: (width - inner.width) / 2, top: (height - inner.height) / 2)
    }
}

/// An image on a larger grid of tiles.
private struct Canvas {
    let image: DecodedImage
    let left: Int
    let top: Int

    private static let normalized = (0...255).map { (Float($0) / 255 - 0.5) / 0.5 }

    /// Appends one tile of the grid: channel, row, column.
    func append(row: Int, column: Int, of size: Int, to elements: inout [Float]) {
        let (samples, channels) = (image.samples, image.channels)
        let start = elements.count
        elements.append(contentsOf: repeatElement(0, count: 3 * size * size))
        let lines = max(0, top - row * size)..<min(size, top + image.height - row * size)
        let across = max(0, left - column * size)..<min(size, left + image.width - column * size)
        for y in lines {
            for x in across {
                let source = ((row * size + y - top) * image.width + column * size + x - left) * channels
                for channel in 0..<3 {
                    let sample = samples[source + (channels == 1 ? 0 : channel)]
                    elements[start + (channel * size + y) * size + x] = Self.normalized[Int(sample)]
                }
            }
        }
    }
}
