import Checkpoints
import Images
import Models
import Tensors
import Testing

/// A picture in which every pixel is another colour.
private func picture(_ width: Int, _ height: Int) -> RGBImage {
    var pixels: [UInt8] = []
    for index in 0..<width * height {
        pixels.append(UInt8(index % 251))
        pixels.append(UInt8(index / 251 % 256))
        pixels.append(UInt8(7 * index % 256))
    }
    return RGBImage(width: width, height: height, pixels: pixels)
}

@Suite struct ImageProcessorTests {
    @Test func aPictureOfAViewsSizeIsOnlyNormalised() {
        let image = picture(16, 16)
        for fit in ImageProcessor.Fit.allCases {
            let view = ImageProcessor(viewSize: 16, maxViews: 5, fit: fit).views(of: image, detail: .high)
            #expect(view.shape == [1, 3, 16, 16])
            let elements = view.elements
            for (index, element) in elements.enumerated() {
                let sample = Float(image.pixels[index % 256 * 3 + index / 256])
                #expect(element == (sample / 255 - 0.5) / 0.5)
            }
            #expect(elements.min() == -1)
        }
    }

    @Test func cropsAreThePicturesPartsAndTheWholeComesLast() {
        let image = picture(32, 48)
        let processor = ImageProcessor(viewSize: 16, maxViews: 7)
        let views = processor.views(of: image, detail: .high)
        #expect(views.shape == [7, 3, 16, 16])
        for view in 0..<6 {
            let (row, column) = (view / 2, view % 2)
            for y in 0..<16 {
                for x in 0..<16 {
                    let pixel = (row * 16 + y) * 32 + column * 16 + x
                    let sample = Float(image.pixels[pixel * 3 + 1])
                    #expect(views[(view * 3 + 1) * 16 + y, x] == (sample / 255 - 0.5) / 0.5)
                }
            }
        }
        let whole = image.resized(width: 16, height: 16, filter: .lanczos)
        let last = ImageProcessor(viewSize: 16).views(of: whole, detail: .low)
        #expect(views.rows(6 * 48..<7 * 48).elements == last.elements)
    }

    @Test func paddingKeepsTheRatioAndIsTheMiddleOfTheRange() {
        let white = RGBImage(width: 40, height: 20, red: 255, green: 255, blue: 255)
        let view = ImageProcessor(viewSize: 16, fit: .pad).views(of: white, detail: .low)
        for y in 0..<16 {
            let expected: Float = y < 4 || y >= 12 ? 0 : 1
            #expect(view[y, 3] == expected)
        }
        let stretched = ImageProcessor(viewSize: 16).views(of: white, detail: .low)
        #expect(stretched.elements.allSatisfy { $0 == 1 })
    }

    @Test func theCountIsKnownFromTheSize() {
        let processor = ImageProcessor(viewSize: 16, maxViews: 5)
        #expect(processor.viewCount(width: 16, height: 16, detail: .auto) == 1)
        #expect(processor.viewCount(width: 17, height: 16, detail: .auto) == 3)
        #expect(processor.viewCount(width: 1_000, height: 1_000, detail: .high) == 5)
        #expect(processor.viewCount(width: 1_000, height: 1_000, detail: .low) == 1)
        #expect(processor.viewCount(width: 1_000, height: 10, detail: .high) == 5)
        #expect(processor.viewCount(width: .max, height: .max, detail: .high) == 5)
        for maxViews in 1...7 {
            for fit in ImageProcessor.Fit.allCases {
                let processor = ImageProcessor(viewSize: 8, maxViews: maxViews, fit: fit, filter: .bilinear)
                for (width, height) in [(1, 1), (8, 8), (9, 8), (3, 40), (100, 2), (33, 17), (24, 24)] {
                    for detail in ImageProcessor.Detail.allCases {
                        let count = processor.viewCount(width: width, height: height, detail: detail)
                        let views = processor.views(of: picture(width, height), detail: detail)
                        #expect(views.shape == [count, 3, 8, 8])
                        #expect(count <= maxViews && (detail != .low || count == 1))
                    }
                }
            }
        }
    }
}
