import Foundation
import Images
import Testing

@Suite struct WebPAndGIFTests {
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

    private static func isNear(_ found: some Collection<UInt8>, _ expected: Data) -> Bool {
        found.count == expected.count && zip(found, expected).allSatisfy { abs(Int($0) - Int($1)) <= 1 }
    }

    private static func made() throws -> [Fixture.Case] {
        try Fixture.read("webp-gif.json", as: Fixture.CaseFile.self).cases
    }

    private static func file(_ name: String) throws -> [UInt8] {
        [UInt8](try #require(try made().first { $0.name == name }).file)
    }

    // MARK: Right answers

    @Test func everyKindIsWithinOneLevelOfPillow() throws {
        let cases = try Self.made()
        #expect(cases.count > 40)
        for item in cases {
            let image = try ImageFile.decode([UInt8](item.file))
            #expect(image.width == item.width && image.height == item.height, "\(item.name)")
            #expect(image.channels == 3 && Self.isNear(image.samples, item.samples), "\(item.name)")
            let header = try ImageFile.header(of: [UInt8](item.file))
            #expect(header.format == (item.name.hasPrefix("GIF") ? .gif : .webp))
            #expect(header.width == item.width && header.height == item.height, "\(item.name)")
            #expect(header.decodingBytes > item.samples.count, "\(item.name)")
        }
    }

    @Test func imagesOfOthersAreWithinOneLevelOfPillow() throws {
        let cases = try Fixture.read("webp-gif-foreign.json", as: Fixture.CaseFile.self).cases
        #expect(cases.count > 25)
        for item in cases {
            let image = try ImageFile.decode(Fixture.bytes("foreign/\(item.name)"))
            let row = item.width * 3
            #expect(image.width == item.width && image.height == item.height && image.channels == 3, "\(item.name)")
            let rows = stride(from: 0, to: item.height, by: 5).flatMap { image.samples[$0 * row..<($0 + 1) * row] }
            #expect(Self.isNear(rows, item.samples), "\(item.name)")
        }
    }

    // MARK: Damage

    @Test func everyPrefixIsAnError() throws {
        for item in try Self.made() where item.width <= 24 {
            let file = [UInt8](item.file)
            // A GIF is read to the end of its first image; what follows may be missing.
            let needed = item.name.hasPrefix("GIF") ? min(file.count - 2, 60) : file.count
            for count in 12..<max(12, needed) where !Self.isCorrupt(Array(file.prefix(count))) {
                Issue.record("\(item.name): \(count) of \(file.count) bytes")
            }
        }
    }

    /// An error, or an image of the size that the header tells: never a trap.
    @Test func changedFilesOfEveryKindNeverTrap() throws {
        let limits = ImageLimits(maximumSide: 1_024, maximumPixels: 1 << 18)
        var decoded = 0
        var state: UInt64 = 11
        func random(below bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        func check(_ file: [UInt8]) throws {
            guard let image = try? ImageFile.decode(file, limits: limits) else { return }
            let header = try ImageFile.header(of: file)
            #expect(image.width == header.width && image.height == header.height)
            decoded += 1
        }
        for item in try Self.made() where item.width <= 24 {
            let file = [UInt8](item.file)
            for _ in 0..<300 {
                var changed = file
                for _ in 0...random(below: 4) { changed[random(below: file.count)] = UInt8(random(below: 256)) }
                try check(changed)
            }
        }
        #expect(decoded > 100)
    }

    @Test func sizesAreCheckedBeforeMemoryIsTaken() throws {
        // A lossless image announces up to 16,384 pixels a side in its first bytes.
        let lossless =
            Array("RIFF".utf8) + [20, 0, 0, 0] + Array("WEBPVP8L".utf8) + [8, 0, 0, 0]
            + [0x2F, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0, 0]
        #expect(Self.error(lossless) == .tooLarge(.side, found: 16_384, limit: 8_192))
        // A canvas has up to 2^24 pixels a side, whatever lies on it.
        let still = try Self.file("WebP, RGB 16x16")
        let length = still.count - 8 + 18
        let canvas: [UInt8] = [10, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
        let extended = Array("RIFF".utf8) + (0..<4).map { UInt8(length >> (8 * $0) & 255) } + Array("WEBPVP8X".utf8)
        #expect(
            Self.error(extended + canvas + still[12...]) == .tooLarge(.side, found: 16_777_216, limit: 8_192))
        let screen = Array("GIF89a".utf8) + [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0]
        let image: [UInt8] = [0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0, 0x3B]
        #expect(Self.error(screen + image) == .tooLarge(.side, found: 65_535, limit: 8_192))
        let small = try Self.file("WebP, RGB 16x16")
        #expect(
            Self.error(small, limits: ImageLimits(maximumPixels: 255)) == .tooLarge(.pixels, found: 256, limit: 255))
    }

    @Test func blocksBeforeAnImageAreCounted() throws {
        let comments: [UInt8] = (0..<40).flatMap { _ in [0x21, 0xFE, 1, 65, 0] as [UInt8] }
        let screen = Array("GIF89a".utf8) + [1, 0, 1, 0, 0, 0, 0]
        let image: [UInt8] = [0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0, 0x3B]
        let file = screen + comments + image
        #expect(try ImageFile.decode(file).samples == [0, 0, 0])
        #expect(Self.error(file, limits: ImageLimits(maximumChunks: 39)) == .tooManyChunks(limit: 39))
        var chunks = try Self.file("WebP, RGB 16x16")
        for _ in 0..<40 { chunks += Array("ABCD".utf8) + [2, 0, 0, 0, 1, 2] }
        let size = chunks.count - 8
        chunks.replaceSubrange(4..<8, with: (0..<4).map { UInt8(size >> (8 * $0) & 255) })
        #expect(Self.error(chunks) == nil)
        #expect(Self.error(chunks, limits: ImageLimits(maximumChunks: 40)) == .tooManyChunks(limit: 40))
    }

    @Test func aFileWithoutAnImageIsAnError() {
        let empty = Array("RIFF".utf8) + [4, 0, 0, 0] + Array("WEBP".utf8)
        #expect(Self.error(empty) == .corrupt(.webp, "there is no image in it"))
        let screen = Array("GIF89a".utf8) + [1, 0, 1, 0, 0, 0, 0, 0x3B]
        #expect(Self.error(screen) == .corrupt(.gif, "there is no image in it"))
    }

    @Test func decodingStopsWhenTheCallerCancels() throws {
        for name in ["WebP, RGB 37x23", "GIF, 16 colours 37x23"] {
            let file = try Self.file(name)
            #expect(throws: ImageError.cancelled) { try ImageFile.decode(file, isCancelled: { true }) }
        }
    }
}
