import Images
import Testing

@Suite struct PNGDecodingTests {
    @Test func everyKindDecodesToItsRawSamples() throws {
        let cases = try Fixture.read("png.json", as: Fixture.PNGFile.self).cases
        #expect(cases.count > 120)
        for item in cases {
            let image = try PNG.decode([UInt8](item.png))
            #expect(image == item.image, "\(item.name)")
        }
    }

    @Test func headerTellsSizeAndKind() throws {
        let file = PNGBuilder.signature + PNGBuilder.header(300, 200, depth: 16, type: 6, interlace: 1)
        let header = try PNG.header(of: file)
        #expect(header.width == 300 && header.height == 200 && header.bitDepth == 16)
        #expect(header.colourType == .rgba && header.isInterlaced)
    }

    @Test(arguments: [(1, 1), (1, 300), (300, 1), (97, 61)])
    func encodedPicturesDecodeToThemselves(width: Int, height: Int) throws {
        var state = UInt64(width)
        let pixels = (0..<(width * height * 3)).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(state >> 56)
        }
        let image = RGBImage(width: width, height: height, pixels: pixels)
        #expect(try PNG.decode(PNG.encode(image)) == image)
    }

    @Test func picturesAtTheLimitsDecode() throws {
        let wide = RGBImage(width: 8_192, height: 2_048, red: 1, green: 2, blue: 3)
        #expect(try PNG.decode(PNG.encode(wide)) == wide)
        let tight = ImageLimits(maximumBytes: PNG.encode(wide).count, maximumSide: 8_192, maximumPixels: 1 << 24)
        #expect(try PNG.decode(PNG.encode(wide), limits: tight) == wide)
    }

    @Test func greyLevelsAndAlphaRoundToNearest() throws {
        for (value, alpha) in [(0, 0), (0, 1), (0, 128), (10, 200), (254, 3), (128, 255)] {
            let data = PNGBuilder.stored([0, UInt8(value), UInt8(alpha)])
            let file = PNGBuilder.file(
                PNGBuilder.header(1, 1, type: 4), PNGBuilder.chunk("IDAT", data), PNGBuilder.chunk("IEND"))
            let exact = (Double(value * alpha + 255 * (255 - alpha)) / 255).rounded()
            #expect(try PNG.decode(file).pixels == [UInt8](repeating: UInt8(exact), count: 3))
        }
    }
}
