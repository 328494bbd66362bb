import Checkpoints
public import Images
import Synchronization
public import Tensors

/// Reads the text in an image with a vision encoder's own head for characters.
///
/// The image is read at its own size, in tiles that overlap, so that each character is whole in one of them. The head
/// names the character whose middle lies in each column of 4 pixels of each patch (`CharacterGrid`), and characters are
/// put together to lines (`TextLines`). Large text is read a second time at half the size. The decoder reads the lines
/// as text behind the image: repeating text is far easier for it than spelling visual tokens.
///
/// The texts of the latest images are kept: each turn of a conversation shows its images again.
public final class TextReader: Sendable {
    private let encoder: VisionEncoder
    private let side: Int
    private let patch: Int
    private let texts = Mutex(TextMemory())

    /// A reader with the given encoder's weights; nil if they have no head for characters.
    ///
    /// - Parameter arithmetic: how it computes. Integers are several times as fast, and read as well.
    public init?(
        _ weights: VisionWeights, arithmetic: VisionEncoder.Arithmetic = .integers, on compute: Compute
    ) {
        guard weights.configuration.readsText else { return nil }
        encoder = VisionEncoder(weights, arithmetic: arithmetic, on: compute)
        side = weights.configuration.imageSize
        patch = weights.configuration.patchSize
    }

    /// Upper bound on the characters of a text; the rest of the image is not read.
    public static let maximumCharacters = 6_000
    /// Upper bound on the tiles of an image; a larger image is reduced.
    static let maximumTiles = 256
    /// Tiles that are read at once.
    private static let tilesAtOnce = 8
    /// Samples that differ by no more are alike: noise is not content.
    private static let tolerance = 8

    /// The part of a tile that it shares with the next one, in pixels.
    private var overlap: Int { side / 4 }
    private var stride: Int { side - overlap }

    /// The lines of text in `image`, from top to bottom, joined by line ends; empty if there are none.
    ///
    /// - Parameter detail: `low` reads the image at the size of a tile, as is done with smaller images anyway.
    public func text(in image: DecodedImage, detail: ImageProcessor.Detail) -> String {
        text(in: image, detail: detail, check: {})
    }

    /// The lines of text in `image`, from top to bottom, joined by line ends; empty if there are none.
    ///
    /// - Parameters:
    ///   - detail: `low` reads the image at the size of a tile, as is done with smaller images anyway.
    ///   - check: called before every eight tiles; an error that it throws ends the reading.
    public func text<Stop: Error>(
        in image: DecodedImage, detail: ImageProcessor.Detail, check: () throws(Stop) -> Void
    ) throws(Stop) -> String {
        let key = TextMemory.Key(
            width: image.width, height: image.height, isLow: detail == .low,
            samples: FileDigest.sha256(of: image.samples))
        if let known = texts.withLock({ $0[key] }) { return known }
        let text = try lines(in: image, detail: detail, check: check).text
        texts.withLock { $0[key] = text }
        return text
    }

    private func lines<Stop: Error>(
        in image: DecodedImage, detail: ImageProcessor.Detail, check: () throws(Stop) -> Void
    ) throws(Stop) -> TextLines {
        let image = sized(image, detail: detail)
        var lines = TextLines(try characters(in: image, check: check))
        guard max(image.width, image.height) > side else { return lines }
        let half = Self.resized(image, by: 0.5)
        lines.replaceLargeText(by: TextLines(try characters(in: half, check: check)), scale: 2)
        return lines
    }

    /// The characters in an image of at most `maximumTiles`.
    package func characters<Stop: Error>(
        in image: DecodedImage, check: () throws(Stop) -> Void
    ) throws(Stop) -> [ReadCharacter] {
        var grid = CharacterGrid(
            rows: (image.height + patch - 1) / patch, columns: (image.width + patch - 1) / patch, patch: patch)
        let tiles = self.tiles(of: image)
        for first in Swift.stride(from: 0, to: tiles.count, by: Self.tilesAtOnce) {
            try check()
            let some = tiles[first..<min(tiles.count, first + Self.tilesAtOnce)]
            let samples = some.flatMap { self.pixels(of: $0, in: image) }
            let pixels = Tensor(samples, shape: [some.count, 3, side, side])
            let logits = encoder.characters(in: pixels)
            let rows = logits.rows / some.count
            for (index, tile) in some.enumerated() {
                grid.fill(
                    rows: tile.ownRows, columns: tile.ownColumns, row: tile.y / patch, column: tile.x / patch,
                    across: side / patch, logits: logits.rows(index * rows..<(index + 1) * rows).elements)
            }
        }
        return grid.characters()
    }

    private static func resized(_ image: DecodedImage, by factor: Double) -> DecodedImage {
        image.resized(
            width: max(1, Int(Double(image.width) * factor)), height: max(1, Int(Double(image.height) * factor)),
            filter: .lanczos)
    }

    /// The image at the size at which it is read.
    package func sized(_ image: DecodedImage, detail: ImageProcessor.Detail) -> DecodedImage {
        let longest = max(image.width, image.height)
        if detail == .low || longest < side { return Self.resized(image, by: Double(side) / Double(longest)) }
        var factor = 1.0
        while starts(Int(Double(image.width) * factor)).count * starts(Int(Double(image.height) * factor)).count
            > Self.maximumTiles
        {
            factor *= 0.95
        }
        return factor < 1 ? Self.resized(image, by: factor) : image
    }

    private struct Tile {
        let x: Int
        let y: Int
        /// The rows and columns of patches in the image that no other tile sees better.
        let ownRows: Range<Int>
        let ownColumns: Range<Int>
    }

    private func starts(_ length: Int) -> [Int] {
        Array(Swift.stride(from: 0, to: max(1, length - overlap), by: stride))
    }

    /// The tiles with content, row by row.
    private func tiles(of image: DecodedImage) -> [Tile] {
        let (down, across) = (starts(image.height), starts(image.width))
        func own(_ index: Int, _ starts: [Int], _ length: Int) -> Range<Int> {
            let first = index == 0 ? 0 : (starts[index] + overlap / 2) / patch
            let isLast = index == starts.count - 1
            let end = isLast ? (length + patch - 1) / patch : (starts[index + 1] + overlap / 2) / patch
            return first..<max(first, end)
        }
        return down.indices.flatMap { row in
            across.indices.compactMap { column in
                let tile = Tile(
                    x: across[column], y: down[row], ownRows: own(row, down, image.height),
                    ownColumns: own(column, across, image.width))
                return isEven(tile, in: image) ? nil : tile
            }
        }
    }

    /// Whether a tile has one colour.
    private func isEven(_ tile: Tile, in image: DecodedImage) -> Bool {
        let channels = image.channels
        var (least, most) = (SIMD4<UInt8>(repeating: 255), SIMD4<UInt8>(repeating: 0))
        for y in tile.y..<min(image.height, tile.y + side) {
            for x in tile.x..<min(image.width, tile.x + side) {
                let start = (y * image.width + x) * channels
                for channel in 0..<channels {
                    let sample = image.samples[start + channel]
                    least[channel] = min(least[channel], sample)
                    most[channel] = max(most[channel], sample)
                }
            }
            if (0..<channels).contains(where: { Int(most[$0]) - Int(least[$0]) > Self.tolerance }) { return false }
        }
        return true
    }

    /// A tile's samples from -1 to 1: channel, row, column. Beyond the image its last pixels are repeated.
    private func pixels(of tile: Tile, in image: DecodedImage) -> [Float] {
        var pixels = [Float](repeating: 0, count: 3 * side * side)
        let channels = image.channels
        for y in 0..<side {
            let row = min(image.height - 1, tile.y + y) * image.width
            for x in 0..<side {
                let start = (row + min(image.width - 1, tile.x + x)) * channels
                for channel in 0..<3 {
                    let sample = image.samples[start + (channels == 1 ? 0 : channel)]
                    pixels[(channel * side + y) * side + x] = (Float(sample) / 255 - 0.5) / 0.5
                }
            }
        }
        return pixels
    }
}

/// The texts of images: at least of the latest `least` ones, and at most of twice as many.
private struct TextMemory {
    struct Key: Hashable {
        let width: Int
        let height: Int
        let isLow: Bool
        let samples: String
    }

    private static let least = 256
    private var latest: [Key: String] = [:]
    private var older: [Key: String] = [:]

    subscript(key: Key) -> String? {
        get { latest[key] ?? older[key] }
        set {
            if latest.count == Self.least { (latest, older) = ([:], latest) }
            latest[key] = newValue
        }
    }
}

/// A character that was read in an image.
package struct ReadCharacter: Sendable, Equatable {
    /// The character.
    package let scalar: Unicode.Scalar
    /// Its middle, in pixels from the left edge.
    package let x: Float
    /// The middle of its line here, in pixels from the upper edge.
    package let y: Float

    /// `scalar` at the given place.
    package init(scalar: Unicode.Scalar, x: Float, y: Float) {
        self.scalar = scalar
        self.x = x
        self.y = y
    }
}
