import Foundation
import Models
import Support
import Tensors
import TestSupport
import Testing
import Tokenizers

/// The order of tokens of tiles side by side.
@Suite struct TileRowsTests {
    private let compute = Compute(threads: 2)

    private func tokens(_ count: Int) -> Tensor {
        Tensor((0..<count * 2).map(Float.init), shape: [count, 2])
    }

    /// Tiles of noise, in which no cell is empty.
    private func noise(_ tiles: Int, side: Int = 8, seed: UInt64 = 5) -> Tensor {
        var generator = SplitMix64(seed: seed)
        return Tensor(normal: 1, [tiles, 3, side, side], using: &generator)
    }

    private func numbers(_ rows: TileRows, tokens count: Int) -> [Int] {
        let arranged = rows.arranged(tokens(count), rowEnd: Tensor([-1, -1], shape: [2]), on: compute)
        return (0..<arranged.rows).map { arranged[$0, 0] < 0 ? -1 : Int(arranged[$0, 0]) / 2 }
    }

    @Test func rowsRunAcrossTilesAndEnd() {
        // A strip of two tiles and one tile, each of 2 x 2 tokens; the end is -1.
        let rows = TileRows(noise(3), strips: [2, 1], side: 2)
        #expect(numbers(rows, tokens: 12) == [0, 1, 4, 5, -1, 2, 3, 6, 7, -1, 8, 9, -1, 10, 11, -1])
        #expect(rows.counts == [10, 6])
    }

    @Test func emptyCellsOfAStripAreReadOnce() {
        // Tiles of 2 x 2 cells of 4 pixels.
        var pixels = Tensor(repeating: 0.5, [2, 3, 8, 8])
        func draw(tile: Int, y: Int, x: Int, _ value: Float) {
            for channel in 0..<3 { pixels[(tile * 3 + channel) * 8 + y, x] = value }
        }
        // Nothing at all: one cell and one end.
        #expect(numbers(TileRows(pixels, strips: [2], side: 2), tokens: 8) == [0, -1])
        // A single tile is read whole.
        #expect(numbers(TileRows(pixels, strips: [1, 1], side: 2), tokens: 8).count == 12)
        // Noise is empty, too.
        draw(tile: 0, y: 1, x: 1, 0.54)
        #expect(numbers(TileRows(pixels, strips: [2], side: 2), tokens: 8) == [0, -1])
        // Content in the second row of the second tile: three empty cells, one of which is read, then the content.
        draw(tile: 1, y: 6, x: 7, -1)
        #expect(numbers(TileRows(pixels, strips: [2], side: 2), tokens: 8) == [0, -1, 2, 7, -1])
        // An empty row of another colour is read.
        for y in 4..<8 { for x in 0..<8 { for tile in 0..<2 { draw(tile: tile, y: y, x: x, -0.5) } } }
        #expect(numbers(TileRows(pixels, strips: [2], side: 2), tokens: 8) == [0, -1, 2, -1])
    }

    @Test func theBackwardPassIsTheTransposeOfTheForwardPass() {
        var generator = SplitMix64(seed: 1)
        var pixels = noise(6)
        pixels.replaceRows(from: 0, with: Tensor(zeros: [24, 8]))
        let rows = TileRows(pixels, strips: [3, 2, 1], side: 4)
        #expect(rows.counts[0] < 52 && rows.counts[1...] == [36, 20])
        let x = Tensor(normal: 1, [96, 5], using: &generator)
        let end = Tensor(normal: 1, [5], using: &generator)
        let y = rows.arranged(x, rowEnd: end, on: compute)
        let dy = Tensor(normal: 1, y.shape, using: &generator)
        let (dx, dend) = rows.backward(dy, on: compute)
        func dot(_ a: Tensor, _ b: Tensor) -> Double {
            zip(a.elements, b.elements).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        #expect(abs(dot(y, dy) - dot(x, dx) - dot(end, dend)) < 1e-4)
    }

    @Test(arguments: [(40, 20), (32, 32), (33, 32), (100, 70), (500, 90), (30, 400)], [false, true])
    func aLayoutHasAPositionForEachEmbedding(size: (width: Int, height: Int), isEmpty: Bool) throws {
        let (width, height) = size
        let sizes = try VisionConfiguration(
            imageSize: 32, patchSize: 8, hidden: 8, layers: 1, heads: 2, feedForward: 16, scale: 2, textHidden: 6,
            endsRows: true)
        var generator = SplitMix64(seed: 2)
        let encoder = VisionEncoder(VisionWeights(configuration: sizes, using: &generator), on: compute)
        let processor = ImageProcessor(tileSize: 32, maximumTiles: 20, fit: .pad, joinsTiles: true)
        for detail in ImageProcessor.Detail.allCases {
            let grid = processor.grid(width: width, height: height, detail: detail)
            let strips = processor.strips(width: width, height: height, detail: detail)
            let pixels = isEmpty ? Tensor(zeros: [grid.tileCount, 3, 32, 32]) : noise(grid.tileCount, side: 32)
            let inputs = processor.inputs(of: pixels, width: width, height: height, detail: detail)
            #expect(inputs.map { $0.shape[0] } == strips)
            let layout = processor.layout(
                width: width, height: height, detail: detail, inputs: inputs, text: nil,
                tokensPerTile: sizes.tokensPerTile)
            // Strips that are encoded one by one give the same embeddings.
            let each = inputs.map { encoder.encode($0) }
            #expect(each.map(\.rows) == layout.tiles)
            #expect(Tensor.stacking(each).elements == encoder.encode(pixels, strips: strips).elements)
            let least = processor.leastTokens(
                width: width, height: height, detail: detail, tokensPerTile: sizes.tokensPerTile)
            #expect(isEmpty ? layout.tiles.reduce(0, +) == least : layout.tiles.reduce(0, +) >= least)
        }
    }

    @Test func weightsKeepTheirRowEnd() throws {
        let sizes = try VisionConfiguration(
            imageSize: 32, patchSize: 8, hidden: 8, layers: 1, heads: 2, feedForward: 16, scale: 2, textHidden: 6)
        var generator = SplitMix64(seed: 3)
        let end = Tensor(normal: 1, [1, 6], using: &generator)
        let weights = VisionWeights(configuration: sizes, using: &generator).with(rowEnd: end, reader: nil)
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("model.safetensors").path
            try weights.write(to: path)
            let read = try VisionWeights(path: path)
            #expect(read.configuration.endsRows && read.configuration == weights.configuration)
            #expect(read.digest == weights.digest)
        }
    }
}
