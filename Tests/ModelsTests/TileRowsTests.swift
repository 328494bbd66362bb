import Foundation
import Models
import Support
import Tensors
import Testing
import TestSupport
import Tokenizers

/// The order of tokens of tiles side by side.
@Suite struct TileRowsTests {
    private let compute = Compute(threads: 2)

    private func tokens(_ count: Int) -> Tensor {
        Tensor((0..<count * 2).map(Float.init), shape: [count, 2])
    }

    @Test func rowsRunAcrossTilesAndEnd() {
        // A strip of two tiles and one tile, each of 2 x 2 tokens; the end is -1.
        let rows = TileRows(strips: [2, 1], side: 2)
        let arranged = rows.arranged(tokens(12), rowEnd: Tensor([-1, -1], shape: [2]), on: compute)
        let numbers = (0..<arranged.rows).map { arranged[$0, 0] < 0 ? -1 : Int(arranged[$0, 0]) / 2 }
        #expect(numbers == [0, 1, 4, 5, -1, 2, 3, 6, 7, -1, 8, 9, -1, 10, 11, -1])
        #expect(TileRows.count(tiles: 2, side: 2) + TileRows.count(tiles: 1, side: 2) == arranged.rows)
    }

    @Test func theBackwardPassIsTheTransposeOfTheForwardPass() {
        var generator = SplitMix64(seed: 1)
        let rows = TileRows(strips: [3, 2, 1], side: 4)
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

    @Test(arguments: [(40, 20), (32, 32), (33, 32), (100, 70), (500, 90), (30, 400)])
    func aLayoutHasAPositionForEachEmbedding(width: Int, height: Int) throws {
        let sizes = try VisionConfiguration(
            imageSize: 32, patchSize: 8, hidden: 8, layers: 1, heads: 2, feedForward: 16, scale: 2, textHidden: 6,
            endsRows: true)
        var generator = SplitMix64(seed: 2)
        let encoder = VisionEncoder(VisionWeights(configuration: sizes, using: &generator), on: compute)
        let processor = ImageProcessor(tileSize: 32, maximumTiles: 20, fit: .pad, joinsTiles: true)
        for detail in ImageProcessor.Detail.allCases {
            let grid = processor.grid(width: width, height: height, detail: detail)
            let strips = processor.strips(width: width, height: height, detail: detail)
            let layout = processor.layout(
                width: width, height: height, detail: detail, tokensPerTile: sizes.tokensPerTile)
            let pixels = Tensor(normal: 1, [grid.tileCount, 3, 32, 32], using: &generator)
            let all = encoder.encode(pixels, strips: strips)
            #expect(all.rows == layout.tiles.reduce(0, +))
            // Strips that are encoded one by one give the same embeddings.
            var first = 0
            let each = strips.map { tiles in
                defer { first += tiles }
                return encoder.encode(
                    pixels.rows(first * 96..<(first + tiles) * 96).reshaped([tiles, 3, 32, 32]))
            }
            #expect(each.map(\.rows) == layout.tiles)
            #expect(Tensor.stacking(each).elements == all.elements)
        }
    }

    @Test func weightsKeepTheirRowEnd() throws {
        let sizes = try VisionConfiguration(
            imageSize: 32, patchSize: 8, hidden: 8, layers: 1, heads: 2, feedForward: 16, scale: 2, textHidden: 6)
        var generator = SplitMix64(seed: 3)
        let end = Tensor(normal: 1, [1, 6], using: &generator)
        let weights = VisionWeights(configuration: sizes, using: &generator).endingRows(with: end)
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("model.safetensors").path
            try weights.write(to: path)
            let read = try VisionWeights(path: path)
            #expect(read.configuration.endsRows && read.configuration == weights.configuration)
            #expect(read.digest == weights.digest)
        }
    }
}
