/// How Idefics3 and SmolVLM cut an image into tiles, as in transformers' `Idefics3ImageProcessorPil`.
///
/// The image's longer side is resized to `longestEdge`, also if that enlarges it. Then both sides are enlarged to
/// multiples of the tile, and the image is cut into tiles row by row. The whole image, resized to one tile, comes last.
/// An image of one tile is only that tile.
public struct Idefics3Tiling: Sendable, Hashable {
    /// The side of a tile in pixels (`max_image_size.longest_edge`).
    public let tileSize: Int
    /// The longer side of an image before it is cut, in pixels (`size.longest_edge`).
    public let longestEdge: Int
    /// Whether images are cut at all (`do_image_splitting`).
    public let splits: Bool

    /// The reference never makes a side longer than this.
    private static let maximumSide = 4096

    /// A tiling of the given sizes, which must be positive.
    public init(tileSize: Int, longestEdge: Int, splits: Bool = true) {
        precondition(tileSize > 0 && longestEdge > 0, "tiles of \(tileSize) pixels, images of \(longestEdge)")
        self.tileSize = tileSize
        self.longestEdge = longestEdge
        self.splits = splits
    }

    /// The sizes through which an image goes.
    struct Plan: Equatable {
        /// The size of the first resize, width and height.
        var first: Size
        /// The size of the second resize, which is cut into tiles.
        var grid: Size
        /// Rows and columns of tiles; 1 × 1 if the image is not cut.
        var rows: Int
        var columns: Int

        var tileCount: Int { rows * columns == 1 ? 1 : rows * columns + 1 }
    }

    /// Width and height in pixels.
    struct Size: Equatable {
        var width: Int
        var height: Int
    }

    /// The maximum number of tiles of an image, the whole image included.
    public var maximumTiles: Int {
        let side = (min(longestEdge, Self.maximumSide) + tileSize - 1) / tileSize
        return splits && side > 1 ? side * side + 1 : 1
    }

    /// The plan for an image of this size.
    ///
    /// `high` is the checkpoint's own processing, and `low` the same without cutting. `auto` does not enlarge an image
    /// before it is cut: one that fits in a tile is processed as `low`.
    func plan(width: Int, height: Int, detail: ImageProcessor.Detail) -> Plan {
        let longer = max(width, height)
        let edge = detail == .auto ? min(longestEdge, longer) : longestEdge
        guard splits, detail == .high || (detail == .auto && longer > tileSize) else {
            let first = resized(Size(width: width, height: height), to: longestEdge)
            return Plan(first: first, grid: Size(width: tileSize, height: tileSize), rows: 1, columns: 1)
        }
        let first = resized(Size(width: width, height: height), to: edge)
        let grid = enlarged(first)
        return Plan(first: first, grid: grid, rows: grid.height / tileSize, columns: grid.width / tileSize)
    }

    // Sizes are computed in double precision and truncated, as in the reference.

    /// The size with its longer side at `edge`; the shorter side is even.
    private func resized(_ size: Size, to edge: Int) -> Size {
        let aspect = Double(size.width) / Double(size.height)
        var result =
            size.width >= size.height
            ? Size(width: edge, height: Self.even(Double(edge) / aspect))
            : Size(width: Self.even(Double(edge) * aspect), height: edge)
        result = Size(width: max(result.width, 1), height: max(result.height, 1))
        guard max(result.width, result.height) > Self.maximumSide else { return result }
        let ratio = Double(result.width) / Double(result.height)
        let limit = Self.maximumSide
        return result.width >= result.height
            ? Size(width: limit, height: max(1, Int(Double(limit) / ratio)))
            : Size(width: max(1, Int(Double(limit) * ratio)), height: limit)
    }

    /// The next larger size whose sides are multiples of the tile.
    private func enlarged(_ size: Size) -> Size {
        let aspect = Double(size.width) / Double(size.height)
        if size.width >= size.height {
            let width = roundedUp(size.width)
            return Size(width: width, height: roundedUp(max(1, Int(Double(width) / aspect))))
        }
        let height = roundedUp(size.height)
        return Size(width: roundedUp(max(1, Int(Double(height) * aspect))), height: height)
    }

    private func roundedUp(_ side: Int) -> Int { (side + tileSize - 1) / tileSize * tileSize }

    private static func even(_ side: Double) -> Int {
        let truncated = Int(side)
        return truncated + truncated % 2
    }
}
