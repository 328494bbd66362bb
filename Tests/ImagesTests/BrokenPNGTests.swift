import Images
import Testing

@Suite struct BrokenPNGTests {
    private typealias B = PNGBuilder

    /// A whole 2x2 RGB image.
    private static let pixels = B.stored([0, 1, 2, 3, 4, 5, 6, 0, 7, 8, 9, 10, 11, 12])
    private static let data = B.chunk("IDAT", pixels)
    private static let end = B.chunk("IEND")
    private static let good = B.file(B.header(2, 2), data, end)

    private static func error(_ file: [UInt8], limits: ImageLimits = .standard) -> ImageError? {
        do throws(ImageError) {
            _ = try ImageFile.decode(file, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    private static func isCorrupt(_ file: [UInt8]) -> Bool {
        if case .corrupt = error(file) { true } else { false }
    }

    @Test func theUnbrokenFileDecodes() throws {
        #expect(try ImageFile.decode(Self.good).samples == Array(1...12))
    }

    @Test func otherFilesAreNoImages() {
        let others: [[UInt8]] = [
            [], Array(B.signature.prefix(7)), Array("hello".utf8), [UInt8](repeating: 0, count: 100),
        ]
        for other in others {
            #expect(Self.error(other) == .unsupported(nil))
        }
    }

    @Test func everyPrefixIsAnError() throws {
        let cases = try Fixture.read("png.json", as: Fixture.PNGFile.self).cases
        let small = cases.filter { $0.width == 3 }.map { [UInt8]($0.png) }
        for file in [Self.good] + small.prefix(12) {
            for count in 0..<file.count {
                let error = Self.error(Array(file.prefix(count)))
                if count < 8 {
                    #expect(error == .unsupported(nil))
                } else if case .corrupt = error {
                } else {
                    Issue.record("prefix of \(count) bytes gave \(String(describing: error))")
                }
            }
        }
    }

    @Test func everyFlippedByteIsAnError() {
        for index in Self.good.indices {
            for mask in [1, 0x20, 0x80, 0xFF] as [UInt8] {
                var file = Self.good
                file[index] ^= mask
                #expect(Self.error(file) != nil, "byte \(index) ^ \(mask)")
            }
        }
    }

    /// With the CRC put right, a changed byte reaches the parsers behind it: an error or an image, never a trap.
    @Test func changedChunksWithRightCRCNeverTrap() throws {
        let header = Array(B.header(2, 2)[8..<21])
        for index in header.indices {
            for value in UInt8.min...UInt8.max {
                var changed = header
                changed[index] = value
                let file = B.file(B.chunk("IHDR", changed), Self.data, Self.end)
                if let image = try? ImageFile.decode(file) {
                    #expect(image.samples.count == 3 * image.width * image.height)
                    #expect(changed == header)
                }
            }
        }
        for index in Self.pixels.indices {
            for value in UInt8.min...UInt8.max {
                var changed = Self.pixels
                changed[index] = value
                let file = B.file(B.header(2, 2), B.chunk("IDAT", changed), Self.end)
                if let image = try? ImageFile.decode(file) { #expect(image.width == 2 && image.height == 2) }
            }
        }
    }

    /// The same for changes anywhere in files of every kind.
    @Test func changedFilesOfEveryKindNeverTrap() throws {
        let limits = ImageLimits(maximumSide: 1_024, maximumPixels: 1 << 18)
        var state: UInt64 = 9
        func random(below bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var decoded = 0
        for item in try Fixture.read("png.json", as: Fixture.PNGFile.self).cases {
            for _ in 0..<100 {
                var file = [UInt8](item.png)
                for _ in 0...random(below: 2) { file[8 + random(below: file.count - 8)] = UInt8(random(below: 256)) }
                file = B.withRightCRCs(file)
                guard let image = try? ImageFile.decode(file, limits: limits) else { continue }
                let header = try ImageFile.header(of: file)
                #expect(image.width == header.width && image.height == header.height)
                decoded += 1
            }
        }
        #expect(decoded > 100)
    }

    @Test func sizesOutsideTheLimitsAreNamed() {
        let tail = Self.data + Self.end
        #expect(Self.error(B.file(B.header(60_000, 60_000), tail)) == .tooLarge(.side, found: 60_000, limit: 8_192))
        #expect(Self.error(B.file(B.header(1, 8_193), tail)) == .tooLarge(.side, found: 8_193, limit: 8_192))
        #expect(
            Self.error(B.file(B.header(8_192, 2_049), tail))
                == .tooLarge(.pixels, found: 16_785_408, limit: 16_777_216))
        let short = ImageLimits(maximumBytes: Self.good.count - 1)
        #expect(
            Self.error(Self.good, limits: short)
                == .tooLarge(.bytes, found: Self.good.count, limit: Self.good.count - 1))
        #expect(Self.isCorrupt(B.file(B.header(0, 2), tail)))
        #expect(Self.isCorrupt(B.file(B.header(2, 0), tail)))
        #expect(Self.isCorrupt(B.file(B.header(1 << 31, 1), tail)))
    }

    @Test func chunksAreCounted() {
        let texts = (0..<5_000).flatMap { _ in B.chunk("tEXt", [65, 0, 66]) }
        #expect(Self.error(B.file(B.header(2, 2), texts, Self.data, Self.end)) == .tooManyChunks(limit: 4_096))
        #expect(Self.error(Self.good, limits: ImageLimits(maximumChunks: 3)) == nil)
        #expect(Self.error(Self.good, limits: ImageLimits(maximumChunks: 2)) == .tooManyChunks(limit: 2))
    }

    @Test func pixelDataMustInflateToTheExactSize() {
        func image(_ chunks: [UInt8]...) -> [UInt8] { B.file(B.header(2, 2), chunks.flatMap { $0 }, Self.end) }
        let rows = [UInt8](repeating: 0, count: 14)
        #expect(Self.error(image(B.chunk("IDAT", B.stored(rows)))) == nil)
        #expect(Self.isCorrupt(image(B.chunk("IDAT", B.stored(rows + [0])))))
        #expect(Self.isCorrupt(image(B.chunk("IDAT", B.stored(Array(rows.dropLast()))))))
        #expect(Self.isCorrupt(image(B.chunk("IDAT", B.stored([UInt8](repeating: 0, count: 1 << 22))))))
        #expect(Self.isCorrupt(image(B.chunk("IDAT", B.stored(rows) + [0]))))
        #expect(Self.isCorrupt(image(B.chunk("IDAT", B.stored(rows)), B.chunk("IDAT", [0]))))
        #expect(Self.isCorrupt(image(B.chunk("IDAT", B.stored(rows).dropLast(4)))))
        #expect(Self.isCorrupt(image(B.chunk("IDAT"))))
        #expect(Self.error(image(B.chunk("IDAT"), B.chunk("IDAT", B.stored(rows)), B.chunk("IDAT"))) == nil)
        #expect(Self.isCorrupt(image(B.chunk("IDAT", B.stored([5] + rows.dropFirst())))))
        #expect(Self.isCorrupt(image(B.chunk("IDAT", [UInt8](repeating: 0xA5, count: 40)))))
    }

    /// 10 MB of text that would inflate to 10 GB.
    @Test func compressedTextIsNeverInflated() throws {
        let bomb = [UInt8](repeating: 0, count: 9 << 20)
        let text = B.chunk("iTXt", Array("x\0\u{1}\0\0\0".utf8) + [0x78, 0xDA] + bomb)
        #expect(try ImageFile.decode(B.file(B.header(2, 2), text, Self.data, Self.end)).width == 2)
    }

    @Test func chunkOrderIsChecked() {
        let header = B.header(2, 2)
        let text = B.chunk("tEXt", [65, 0, 66])
        let half = Self.pixels.count / 2
        let first = B.chunk("IDAT", Array(Self.pixels.prefix(half)))
        let second = B.chunk("IDAT", Array(Self.pixels.dropFirst(half)))
        #expect(Self.error(B.file(header, first, second, Self.end)) == nil)
        let broken = [
            B.file(header, first, text, second, Self.end),
            B.file(Self.data, header, Self.end), B.file(text, header, Self.data, Self.end),
            B.file(header, header, Self.data, Self.end), B.file(header, Self.end), B.file(header, Self.data),
            B.file(header), B.file(), B.file(header, Self.data, B.chunk("IEND", [0])),
            B.file(header, B.chunk("ABCD"), Self.data, Self.end), B.file(header, B.chunk("a1cD"), Self.data, Self.end),
            B.file(header, B.chunk("tEXt", [65, 0, 66], crc: 0), Self.data, Self.end),
            B.file(header, Self.data, B.chunk("PLTE", [1, 2, 3]), Self.end),
            B.file(header, B.chunk("PLTE", [1, 2, 3]), B.chunk("PLTE", [1, 2, 3]), Self.data, Self.end),
            B.file(header, B.chunk("PLTE", [1, 2]), Self.data, Self.end),
            B.file(header, B.chunk("tRNS", [0, 1]), Self.data, Self.end),
            B.file(header, Self.data, B.chunk("tRNS", [0, 1, 0, 2, 0, 3]), Self.end),
        ]
        for (index, file) in broken.enumerated() {
            #expect(Self.isCorrupt(file), "file \(index)")
        }
    }

    @Test func palettesAreChecked() {
        func image(_ chunks: [UInt8]..., index: UInt8 = 0) -> [UInt8] {
            let data = B.chunk("IDAT", B.stored([0, index << 4 | index]))
            return B.file(B.header(2, 1, depth: 4, type: 3), chunks.flatMap { $0 }, data, Self.end)
        }
        let three = B.chunk("PLTE", Array(1...9))
        #expect(Self.error(image(three, index: 2)) == nil)
        #expect(Self.isCorrupt(image(three, index: 3)))
        #expect(Self.isCorrupt(image()))
        #expect(Self.isCorrupt(image(B.chunk("PLTE"))))
        #expect(Self.isCorrupt(image(B.chunk("PLTE", [UInt8](repeating: 0, count: 17 * 3)))))
        #expect(Self.isCorrupt(image(B.chunk("tRNS", [0]), three)))
        #expect(Self.isCorrupt(image(three, B.chunk("tRNS", [0, 0, 0, 0]))))
        #expect(Self.isCorrupt(image(three, B.chunk("tRNS"))))
        #expect(Self.isCorrupt(image(three, B.chunk("tRNS", [0]), B.chunk("tRNS", [0]))))
        let grey = B.chunk("IDAT", B.stored([0, 0]))
        #expect(Self.isCorrupt(B.file(B.header(1, 1, type: 0), three, grey, Self.end)))
    }

    @Test func headerFieldsAreChecked() {
        let depths: [UInt8: [UInt8]] = [0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16]]
        for type in UInt8(0)...8 {
            for depth in UInt8(0)...33 {
                let isRight = (try? ImageFile.header(of: B.file(B.header(2, 2, depth: depth, type: type)))) != nil
                #expect(isRight == depths[type, default: []].contains(depth), "type \(type), depth \(depth)")
            }
        }
        let tail = Self.data + Self.end
        #expect(Self.isCorrupt(B.file(B.header(2, 2, compression: 1), tail)))
        #expect(Self.isCorrupt(B.file(B.header(2, 2, filter: 1), tail)))
        #expect(Self.isCorrupt(B.file(B.header(2, 2, interlace: 2), tail)))
        #expect(Self.isCorrupt(B.file(B.chunk("IHDR", [0, 0, 0, 1]), tail)))
    }
}
