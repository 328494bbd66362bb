import Images
import Testing

@Suite struct PNGDecodingTests {
    @Test func everyKindDecodesToItsRawSamples() throws {
        let cases = try Fixture.read("png.json", as: Fixture.PNGFile.self).cases
        #expect(cases.count > 120)
        for item in cases {
            let image = try ImageFile.decode([UInt8](item.png)).rgb
            #expect(image == item.image, "\(item.name)")
        }
    }

    @Test func headerTellsSizeAndWhatDecodingHolds() throws {
        func header(_ type: UInt8, interlace: UInt8 = 0) throws -> ImageHeader {
            try ImageFile.header(
                of: PNGBuilder.signature + PNGBuilder.header(300, 200, type: type, interlace: interlace))
        }
        let grey = try header(0)
        #expect(grey.format == .png && grey.width == 300 && grey.height == 200 && grey.orientation == .upright)
        #expect(grey.decodingBytes == 60_000)
        #expect(try header(2).decodingBytes == 180_000)
        // Interlaced, red, green, blue and alpha are held whole, with one more where tRNS may add it.
        #expect(try header(6, interlace: 1).decodingBytes == 180_000 + 5 * 60_000)
    }

    @Test func greyStaysGreyAtOneByteAPixel() throws {
        for type: UInt8 in [0, 4] {
            let file = PNGBuilder.file(
                PNGBuilder.header(1, 1, type: type),
                PNGBuilder.chunk("IDAT", PNGBuilder.stored([0, 7, 255].prefix(type == 0 ? 2 : 3).map { $0 })),
                PNGBuilder.chunk("IEND"))
            #expect(try ImageFile.decode(file) == DecodedImage(width: 1, height: 1, channels: 1, samples: [7]))
        }
    }

    @Test(arguments: [(1, 1), (1, 300), (300, 1), (97, 61)])
    func encodedImagesDecodeToThemselves(width: Int, height: Int) throws {
        var state = UInt64(width)
        let pixels = (0..<(width * height * 3)).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(state >> 56)
        }
        let image = RGBImage(width: width, height: height, pixels: pixels)
        #expect(try ImageFile.decode(ImageFile.encode(image)).rgb == image)
    }

    @Test func imagesAtTheLimitsDecode() throws {
        let wide = RGBImage(width: 8_192, height: 2_048, red: 1, green: 2, blue: 3)
        #expect(try ImageFile.decode(ImageFile.encode(wide)).rgb == wide)
        let tight = ImageLimits(maximumBytes: ImageFile.encode(wide).count, maximumSide: 8_192, maximumPixels: 1 << 24)
        #expect(try ImageFile.decode(ImageFile.encode(wide), limits: tight).rgb == wide)
    }

    @Test func greyLevelsAndAlphaRoundToNearest() throws {
        for (value, alpha) in [(0, 0), (0, 1), (0, 128), (10, 200), (254, 3), (128, 255)] {
            let data = PNGBuilder.stored([0, UInt8(value), UInt8(alpha)])
            let file = PNGBuilder.file(
                PNGBuilder.header(1, 1, type: 4), PNGBuilder.chunk("IDAT", data), PNGBuilder.chunk("IEND"))
            let exact = (Double(value * alpha + 255 * (255 - alpha)) / 255).rounded()
            #expect(try ImageFile.decode(file).samples == [UInt8(exact)])
        }
    }
}
