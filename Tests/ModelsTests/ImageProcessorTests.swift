import Checkpoints
import Images
import Models
import Tensors
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
