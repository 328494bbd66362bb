import Checkpoints
import Foundation
import Images
import Models
import Tensors
import TestSupport
import Testing

/// An image in which every pixel has a different colour.
private func image(_ width: Int, _ height: Int) -> RGBImage {
    var pixels: [UInt8] = []
    for index in 0..<width * height {
        pixels.append(UInt8(index % 251))
        pixels.append(UInt8(index / 251 % 256))
        pixels.append(UInt8(7 * index % 256))
    }
    return RGBImage(width: width, height: height, pixels: pixels)
}

/// The picture of `make_tiles.py`.
private func waves(_ width: Int, _ height: Int) -> RGBImage {
    var pixels: [UInt8] = []
    for y in 0..<height {
        for x in 0..<width {
            for c in 0..<3 {
                let value = x * (7 + c) + y * (13 - c) + x * y / (3 + c) + 90 * ((x / 5 + y / 7) % 2)
                pixels.append(UInt8(value % 256))
            }
        }
    }
    return RGBImage(width: width, height: height, pixels: pixels)
}

/// Tiles of a checkpoint's tiling against transformers (`make_tiles.py`).
@Suite struct Idefics3TilingTests {
    struct Cut: Decodable, Sendable {
        let rows: Int
        let columns: Int
        let sha256: [String]
    }

    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        let width: Int
        let height: Int
        let tile: Int
        let edge: Int
        let high: Cut
        let low: Cut

        var testDescription: String { "\(width) × \(height), tiles of \(tile), at most \(edge)" }
    }

    private struct Golden: Decodable {
        let cases: [Case]
    }

    static let cases =
        (try? JSONDecoder().decode(Golden.self, from: Data(contentsOf: fixtureURL("tiles.json"))).cases) ?? []

    @Test func manySizesAreCompared() {
        #expect(Self.cases.count == 64)
    }

    @Test(arguments: cases) func tilesEqualTransformersByteForByte(example: Case) {
        let processor = ImageProcessor(Idefics3Tiling(tileSize: example.tile, longestEdge: example.edge))
        for (detail, expected) in [(ImageProcessor.Detail.high, example.high), (.low, example.low)] {
            let grid = processor.grid(width: example.width, height: example.height, detail: detail)
            #expect(grid.tileCount == expected.sha256.count)
            if grid.tileCount > 1 { #expect((grid.rows, grid.columns) == (expected.rows, expected.columns)) }
            #expect(grid.tileCount <= processor.maximumTiles)
            let tiles = processor.tiles(of: waves(example.width, example.height), detail: detail)
            let size = example.tile * example.tile
            let elements = tiles.elements
            for (index, digest) in expected.sha256.enumerated() {
                var bytes: [UInt8] = []
                for pixel in 0..<size {
                    for channel in 0..<3 {
                        let element = elements[(index * 3 + channel) * size + pixel]
                        bytes.append(UInt8(((element * 0.5 + 0.5) * 255).rounded()))
                    }
                }
                #expect(FileDigest.sha256(of: bytes) == digest, "\(detail), tile \(index)")
            }
        }
    }

    @Test(arguments: [(20, 20, 1), (32, 32, 1), (32, 9, 1), (33, 20, 5), (64, 64, 5), (70, 40, 7), (1_000, 800, 17)])
    func autoDoesNotEnlargeBeforeItCuts(width: Int, height: Int, count: Int) {
        let processor = ImageProcessor(Idefics3Tiling(tileSize: 32, longestEdge: 128))
        #expect(processor.tileCount(width: width, height: height, detail: .auto) == count)
        if count == 1 {
            let image = waves(width, height)
            #expect(
                processor.tiles(of: image, detail: .auto).elements == processor.tiles(of: image, detail: .low).elements)
        }
    }
}

@Suite struct ImageProcessorTests {
    @Test func anImageOfAViewsSizeIsOnlyNormalised() {
        let image = image(16, 16)
        for fit in ImageProcessor.Fit.allCases {
            let tile = ImageProcessor(tileSize: 16, maximumTiles: 5, fit: fit).tiles(of: image, detail: .high)
            #expect(tile.shape == [1, 3, 16, 16])
            let elements = tile.elements
            for (index, element) in elements.enumerated() {
                let sample = Float(image.pixels[index % 256 * 3 + index / 256])
                #expect(element == (sample / 255 - 0.5) / 0.5)
            }
            #expect(elements.min() == -1)
        }
    }

    @Test func cropsAreTheImagesPartsAndTheWholeComesLast() {
        let image = image(32, 48)
        let processor = ImageProcessor(tileSize: 16, maximumTiles: 7)
        let tiles = processor.tiles(of: image, detail: .high)
        #expect(tiles.shape == [7, 3, 16, 16])
        for tile in 0..<6 {
            let (row, column) = (tile / 2, tile % 2)
            for y in 0..<16 {
                for x in 0..<16 {
                    let pixel = (row * 16 + y) * 32 + column * 16 + x
                    let sample = Float(image.pixels[pixel * 3 + 1])
                    #expect(tiles[(tile * 3 + 1) * 16 + y, x] == (sample / 255 - 0.5) / 0.5)
                }
            }
        }
        let whole = image.resized(width: 16, height: 16, filter: .lanczos)
        let last = ImageProcessor(tileSize: 16).tiles(of: whole, detail: .low)
        #expect(tiles.rows(6 * 48..<7 * 48).elements == last.elements)
    }

    @Test func paddingKeepsTheRatioAndIsTheMiddleOfTheRange() {
        let white = RGBImage(width: 40, height: 20, red: 255, green: 255, blue: 255)
        let tile = ImageProcessor(tileSize: 16, fit: .pad).tiles(of: white, detail: .low)
        for y in 0..<16 {
            let expected: Float = y < 4 || y >= 12 ? 0 : 1
            #expect(tile[y, 3] == expected)
        }
        let stretched = ImageProcessor(tileSize: 16).tiles(of: white, detail: .low)
        #expect(stretched.elements.allSatisfy { $0 == 1 })
    }

    @Test func theCountIsKnownFromTheSize() {
        let processor = ImageProcessor(tileSize: 16, maximumTiles: 5)
        #expect(processor.tileCount(width: 16, height: 16, detail: .auto) == 1)
        #expect(processor.tileCount(width: 17, height: 16, detail: .auto) == 3)
        #expect(processor.tileCount(width: 1_000, height: 1_000, detail: .high) == 5)
        #expect(processor.tileCount(width: 1_000, height: 1_000, detail: .low) == 1)
        #expect(processor.tileCount(width: 1_000, height: 10, detail: .high) == 5)
        #expect(processor.tileCount(width: .max, height: .max, detail: .high) == 5)
        for maximumTiles in 1...7 {
            for fit in ImageProcessor.Fit.allCases {
                let processor = ImageProcessor(tileSize: 8, maximumTiles: maximumTiles, fit: fit, filter: .bilinear)
                for (width, height) in [(1, 1), (8, 8), (9, 8), (3, 40), (100, 2), (33, 17), (24, 24)] {
                    for detail in ImageProcessor.Detail.allCases {
                        let count = processor.tileCount(width: width, height: height, detail: detail)
                        let tiles = processor.tiles(of: image(width, height), detail: detail)
                        #expect(tiles.shape == [count, 3, 8, 8])
                        #expect(count <= maximumTiles && (detail != .low || count == 1))
                    }
                }
            }
        }
    }
}
