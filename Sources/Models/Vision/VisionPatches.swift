import Tensors

/// The encoder's index arithmetic: the rows of each patch of a tile, the patches of each token, and the patches'
/// positions.
///
/// Both the flattening of patches and the pixel shuffle only move whole rows, so each is one gather. Its backward pass
/// is the gather with the inverse permutation.
package struct VisionPatches {
    let configuration: VisionConfiguration
    let tiles: Int
    /// Patches along each side of these tiles.
    let rows: Int
    let columns: Int
    /// For windows of tiles, where in its tile each one lies; nil for whole tiles.
    let windows: [VisionWindow]?

    /// The layout of pixels `[tiles, 3, height, width]`. Pixels beyond the last whole patch of a row or column are not
    /// read.
    init(_ configuration: VisionConfiguration, pixels shape: [Int], windows: [VisionWindow]? = nil) {
        let patch = configuration.patchSize
        precondition(
            shape.count == 4 && shape[1] == 3 && shape[2] >= patch && shape[3] >= patch,
            "tiles of shape \(shape) have no patch of \(patch) pixels a side")
        self.configuration = configuration
        self.tiles = shape[0]
        self.rows = shape[2] / configuration.patchSize
        self.columns = shape[3] / configuration.patchSize
        self.windows = windows
        let (side, rows, columns) = (configuration.patchesPerSide, self.rows, self.columns)
        precondition(
            windows?.allSatisfy { $0.row + rows <= side && $0.column + columns <= side } ?? true,
            "windows of \(rows) × \(columns) patches reach out of their tiles")
        precondition(windows.map { $0.count == shape[0] } ?? true, "windows for \(shape[0]) tiles")
    }

    var patchesPerTile: Int { rows * columns }

    /// Tokens in a row of a tile.
    var tokensPerRow: Int { columns / configuration.scale }

    /// All patches of a tile attend to each other.
    var spans: AttentionSpans {
        .full(lengths: Array(repeating: patchesPerTile, count: tiles))
    }

    /// For each patch, its `3 × patch` pixel rows, in rows of `patch` pixels: channel, then row.
    private var pixelRows: [Int32] {
        let size = configuration.patchSize
        var result: [Int32] = []
        result.reserveCapacity(tiles * patchesPerTile * 3 * size)
        for patch in 0..<tiles * patchesPerTile {
            let (tile, position) = patch.quotientAndRemainder(dividingBy: patchesPerTile)
            let (row, column) = position.quotientAndRemainder(dividingBy: columns)
            for line in 0..<3 * size {
                let (channel, y) = line.quotientAndRemainder(dividingBy: size)
                let pixelRow = ((tile * 3 + channel) * rows + row) * size + y
                result.append(Int32(pixelRow * columns + column))
            }
        }
        return result
    }

    /// For each token, its `scale × scale` patches, row by row.
    private var shuffledPatches: [Int32] {
        let scale = configuration.scale
        precondition(rows % scale == 0 && columns % scale == 0, "\(rows) × \(columns) patches by \(scale)")
        var result: [Int32] = []
        result.reserveCapacity(tiles * patchesPerTile)
        for tile in 0..<tiles {
            for row in stride(from: 0, to: rows, by: scale) {
                for column in stride(from: 0, to: columns, by: scale) {
                    for y in row..<row + scale {
                        for x in column..<column + scale { result.append(Int32((tile * rows + y) * columns + x)) }
                    }
                }
            }
        }
        return result
    }

    /// Pixels `[tiles, 3, height, width]` as one row per patch, `[tiles * patches, 3 * patch * patch]`.
    func flattened(_ pixels: Tensor, on compute: Compute) -> Tensor {
        let patch = configuration.patchSize
        let whole = wholePatches(of: pixels)
        let lines = whole.reshaped([whole.count / patch, patch])
        return compute.gather(pixelRows, from: lines).reshaped([tiles * patchesPerTile, configuration.patchElements])
    }

    /// The pixels that belong to whole patches, `[tiles, 3, rows * patch, columns * patch]`.
    func wholePatches(of pixels: Tensor) -> Tensor {
        let (height, width) = (rows * configuration.patchSize, columns * configuration.patchSize)
        let shape = pixels.shape
        guard shape[2] != height || shape[3] != width else { return pixels }
        var elements: [Float] = []
        elements.reserveCapacity(tiles * 3 * height * width)
        let source = pixels.elements
        for channel in 0..<tiles * 3 {
            for y in 0..<height {
                let start = (channel * shape[2] + y) * shape[3]
                elements += source[start..<start + width]
            }
        }
        return Tensor(elements, shape: [tiles, 3, height, width])
    }

    /// The inverse of `flattened`, for pixels of whole patches.
    func unflattened(_ patches: Tensor, on compute: Compute) -> Tensor {
        let patch = configuration.patchSize
        let lines = patches.reshaped([patches.count / patch, patch])
        return compute.gather(Self.inverse(pixelRows), from: lines)
            .reshaped([tiles, 3, rows * patch, columns * patch])
    }

    /// The pixel shuffle: `[tiles * patches, hidden]` as one row per token, `[tiles * tokens, hidden * scale * scale]`.
    func shuffled(_ features: Tensor, on compute: Compute) -> Tensor {
        let tokens = features.rows / (configuration.scale * configuration.scale)
        return compute.gather(shuffledPatches, from: features).reshaped([tokens, configuration.shuffledWidth])
    }

    /// The inverse of `shuffled`.
    func unshuffled(_ tokens: Tensor, on compute: Compute) -> Tensor {
        let patches = tokens.reshaped([tiles * patchesPerTile, configuration.hidden])
        return compute.gather(Self.inverse(shuffledPatches), from: patches)
    }

    /// For each patch, its row in the position table: its fractional coordinates in buckets, as in Idefics3, so that
    /// smaller tiles spread over the whole table. Tiles of `imageSize` use the table in order, and windows of them the
    /// rows of their place.
    var positions: [Int32] {
        let side = configuration.patchesPerSide
        if let windows {
            return windows.flatMap { window in
                (window.row..<window.row + rows).flatMap { row in
                    (window.column..<window.column + columns).map { Int32(row * side + $0) }
                }
            }
        }
        let (y, x) = (Self.buckets(rows, of: side), Self.buckets(columns, of: side))
        let tile = y.flatMap { row in x.map { Int32(row * side + $0) } }
        return (0..<tiles).flatMap { _ in tile }
    }

    /// The bucket of each of `count` patches along a side of `buckets`, rounded like the reference: for some sides, a
    /// patch falls just below its own boundary, and checkpoints were trained this way.
    package static func buckets(_ count: Int, of buckets: Int) -> [Int] {
        let width = 1 / Double(buckets)
        let boundaries = (0..<buckets - 1).map { Float(width + Double($0) * width) }
        let step = 1 / Float(count)
        return (0..<count).map { index in
            let coordinate = min(Float(index) * step, 1 - 1e-6)
            return boundaries.prefix { $0 <= coordinate }.count
        }
    }

    /// The permutation that undoes `permutation`.
    private static func inverse(_ permutation: [Int32]) -> [Int32] {
        var result = permutation
        for (position, source) in permutation.enumerated() { result[Int(source)] = Int32(position) }
        return result
    }
}

/// Where a smaller image lies in a tile: training on windows costs less than on tiles, and attention among the patches
/// of a window is a part of the tile's.
package struct VisionWindow: Sendable, Equatable {
    /// The first row of patches.
    package let row: Int
    /// The first column of patches.
    package let column: Int

    /// A window that begins at the given patch.
    package init(row: Int, column: Int) {
        self.row = row
        self.column = column
    }
}
