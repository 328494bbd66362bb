import Images
import Testing

@Suite struct BrokenJPEGTests {
    private typealias B = JPEGBuilder

    private static let rest = B.tables + B.scan(0, 63, 0)

    private static func error(_ file: [UInt8], limits: ImageLimits = .standard) -> ImageError? {
        do throws(ImageError) {
            _ = try ImageFile.decode(file, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    private static func isCorrupt(_ file: [UInt8]) -> Bool {
        if case .corrupt(.jpeg, _) = error(file) { true } else { false }
    }

    private static func samples() throws -> [[UInt8]] {
        let made = try Fixture.read("jpeg.json", as: Fixture.CaseFile.self).cases
        return made.filter { $0.width <= 24 || $0.name.contains("restart") }.map { [UInt8]($0.file) }
    }

    @Test func formatsThatAreNotReadAreNamed() {
        func box(_ brands: String) -> [UInt8] { [0, 0, 0, 24] + Array("ftyp\(brands)".utf8) }
        let files: [([UInt8], String?)] = [
            (box("heic\0\0\0\0mif1heic"), "HEIC"), (box("avif\0\0\0\0mif1avif"), "AVIF"),
            (box("mif1\0\0\0\0mif1avif"), "AVIF"), (box("mif1"), "HEIC"), (box("isom"), nil),
            (Array("RIFF\0\0\0\0WAVE".utf8), nil), (Array("GIF90a".utf8), nil), (Array("BM".utf8), "BMP"),
            (Array("II*\0".utf8), "TIFF"),
            (Array("MM\0*".utf8), "TIFF"), (Array("%PDF-1.7".utf8), "PDF"), (Array(" \n<svg xmlns=''>".utf8), "SVG"),
            (Array("<?xml version='1.0'?><svg>".utf8), "SVG"), (Array("<html>".utf8), nil), ([], nil),
            ([0xFF, 0xD8], nil), (Array("RIFF".utf8), nil), (Array("\0\0\0\u{18}ftyp".utf8), nil),
        ]
        for (file, name) in files { #expect(Self.error(file) == .unsupported(name)) }
    }

    @Test func kindsThatAreNotReadAreNamed() {
        func error(_ frame: [UInt8]) -> ImageError? { Self.error(B.file(frame, Self.rest)) }
        #expect(error(B.frame(8, 8, marker: 0xC3)) == .unsupported("lossless or hierarchical JPEG"))
        #expect(error(B.frame(8, 8, marker: 0xC9)) == .unsupported("arithmetic-coded JPEG"))
        #expect(error(B.frame(8, 8, precision: 12)) == .unsupported("12-bit JPEG"))
        #expect(error(B.frame(8, 8, components: 2)) == .unsupported("JPEG of 2 components"))
    }

    @Test func everyPrefixIsAnError() throws {
        for file in try Self.samples() {
            for count in 3..<file.count where !Self.isCorrupt(Array(file.prefix(count))) {
                Issue.record("\(count) of \(file.count) bytes gave \(String(describing: Self.error(file)))")
            }
        }
    }

    /// An error, or an image of the size that the header tells: never a trap.
    @Test func changedFilesOfEveryKindNeverTrap() throws {
        let limits = ImageLimits(maximumSide: 1_024, maximumPixels: 1 << 18)
        var decoded = 0
        func check(_ file: [UInt8]) throws {
            guard let image = try? ImageFile.decode(file, limits: limits) else { return }
            let header = try ImageFile.header(of: file)
            #expect(image.width == header.width && image.height == header.height)
            decoded += 1
        }
        var state: UInt64 = 9
        func random(below bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for file in try Self.samples() {
            for index in file.indices.dropFirst(3) {
                for mask: UInt8 in [1, 0x80, 0xFF] {
                    var changed = file
                    changed[index] ^= mask
                    try check(changed)
                }
            }
            for _ in 0..<100 {
                var changed = file
                for _ in 0...random(below: 4) { changed[3 + random(below: file.count - 3)] = UInt8(random(below: 256)) }
                try check(changed)
            }
        }
        #expect(decoded > 100)
    }

    @Test func sizesOutsideTheLimitsAreNamed() {
        func error(_ width: Int, _ height: Int) -> ImageError? { Self.error(B.file(B.frame(width, height), Self.rest)) }
        #expect(error(60_000, 60_000) == .tooLarge(.side, found: 60_000, limit: 8_192))
        #expect(error(8_192, 2_049) == .tooLarge(.pixels, found: 16_785_408, limit: 16_777_216))
        #expect(Self.isCorrupt(B.file(B.frame(0, 8), Self.rest)))
        #expect(Self.isCorrupt(B.file(B.frame(8, 0), Self.rest)))
        let file = B.file(B.frame(8, 8), Self.rest)
        #expect(Self.error(file) == nil)
        #expect(
            Self.error(file, limits: ImageLimits(maximumBytes: file.count - 1))
                == .tooLarge(.bytes, found: file.count, limit: file.count - 1))
    }

    @Test func segmentsAndScansAreCounted() {
        let comments = (0..<50).flatMap { _ in B.segment(0xFE, [65]) }
        let limits = ImageLimits(maximumChunks: 50)
        #expect(Self.error(B.file(comments, B.frame(8, 8), Self.rest), limits: limits) == .tooManyChunks(limit: 50))
        #expect(Self.error(B.progressive(rounds: 4)) == .tooManyScans(limit: 100))
        #expect(Self.error(B.progressive(rounds: 4), limits: ImageLimits(maximumScans: 300)) == nil)
        #expect(Self.error(B.progressive(rounds: 1)) == nil)
    }

    @Test func theOrderOfSegmentsIsChecked() {
        let frame = B.frame(8, 8)
        #expect(Self.error(B.file([0xFF, 0xFF], B.segment(0xFE, []).dropFirst() + frame, Self.rest)) == nil)
        let broken = [
            B.file(Self.rest, frame), B.file(frame, frame, Self.rest), B.file(B.tables), B.file(),
            B.file(B.segment(0xFE, []), [0], frame, Self.rest), B.file(frame, [0xFF, 0xD8], Self.rest),
            B.file(B.segment(0xC0, [8]), Self.rest),
            B.file(frame, B.tables, B.segment(0xDA, [])), B.file(frame, Self.rest.dropLast() + [0xFF, 0xD0]),
        ]
        for (index, file) in broken.enumerated() { #expect(Self.isCorrupt(file), "file \(index)") }
    }

    @Test func bytesBehindTheLastScanAreNoDamage() {
        #expect(Self.error(B.file(B.frame(8, 8), Self.rest, [1, 2, 3])) == nil)
        #expect(Self.error(B.file(B.frame(8, 8), Self.rest) + [1, 2, 3]) == nil)
    }
}
