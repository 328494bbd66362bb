import Foundation
import Images
import Testing

@Suite struct JPEGDecodingTests {
    private typealias B = JPEGBuilder

    private static let progressive = B.file(
        B.frame(8, 8, marker: 0xC2), B.tables, B.scan(0, 0, 0), B.scan(1, 63, 0))
    private static let baseline = B.file(B.frame(8, 8), B.tables, B.scan(0, 63, 0))

    /// Adobe's and the reference decoder's rounding differ by one level where chroma is upsampled.
    private static func isNear(_ found: some Collection<UInt8>, _ expected: Data) -> Bool {
        found.count == expected.count && zip(found, expected).allSatisfy { abs(Int($0) - Int($1)) <= 1 }
    }

    @Test func everyKindIsWithinOneLevelOfPillow() throws {
        let cases = try Fixture.read("jpeg.json", as: Fixture.CaseFile.self).cases
        #expect(cases.count > 45)
        for item in cases {
            let image = try ImageFile.decode([UInt8](item.file))
            #expect(image.width == item.width && image.height == item.height, "\(item.name)")
            #expect(image.channels == item.channels && Self.isNear(image.samples, item.samples), "\(item.name)")
            let header = try ImageFile.header(of: [UInt8](item.file))
            #expect(header.format == .jpeg && header.width == item.width && header.height == item.height)
        }
    }

    @Test func imagesOfOthersAreWithinOneLevelOfPillow() throws {
        let cases = try Fixture.read("jpeg-foreign.json", as: Fixture.CaseFile.self).cases
        #expect(cases.count == 15)
        for item in cases {
            let image = try ImageFile.decode(Fixture.bytes("foreign/\(item.name)"))
            let row = item.width * item.channels
            #expect(image.width == item.width && image.height == item.height && image.channels == item.channels)
            let rows = stride(from: 0, to: item.height, by: 5).flatMap { image.samples[$0 * row..<($0 + 1) * row] }
            #expect(Self.isNear(rows, item.samples), "\(item.name)")
        }
    }

    @Test func theHeaderTellsWhatDecodingHolds() throws {
        #expect(try ImageFile.header(of: Self.baseline).decodingBytes == 64)
        // Coefficients are held until the last scan: 16 bits each, a block more in each direction than needed.
        #expect(try ImageFile.header(of: Self.progressive).decodingBytes == 64 + 4 * 128)
        let separate = try ImageFile.header(of: Fixture.bytes("foreign/video-001.separate.dc.progression.jpeg"))
        #expect(separate.decodingBytes > 2 * 3 * separate.width * separate.height)
    }

    @Test(arguments: 1...8) func orientationIsReadStrictly(value: UInt8) throws {
        func orientation(_ segments: [UInt8]...) throws -> Int {
            let file = B.file(segments.flatMap { $0 }, B.frame(8, 8), B.tables, B.scan(0, 63, 0))
            _ = try ImageFile.decode(file)
            return try ImageFile.header(of: file).orientation.rawValue
        }
        let other: [UInt8] = [0x01, 0x0F, 0, 3, 0, 0, 0, 1, 0, 5, 0, 0]
        #expect(try orientation(B.exif([other, B.orientation(value)])) == Int(value))
        // Only the first EXIF segment counts.
        #expect(try orientation(B.exif([B.orientation(value)]), B.exif([B.orientation(3)])) == Int(value))
        let silent: [[UInt8]] = [
            B.exif([]), B.exif([other]), B.exif([B.orientation(0)]), B.exif([B.orientation(9)]),
            B.exif([B.orientation(value, type: 4)]), B.exif([B.orientation(value, count: 2)]),
            B.exif([other], count: 200), B.segment(0xE1, Array("Exif\0\0".utf8)), B.segment(0xE1, []),
            B.segment(0xE1, Array("Exif\0\0MM\0*".utf8) + [0xFF, 0xFF, 0xFF, 0xFF]),
            B.segment(0xE1, Array("Exif\0\0MM\0*".utf8) + [0, 0, 0, 0]),
        ]
        for segment in silent { #expect(try orientation(segment) == 1) }
    }

    @Test func orientationOfAPNGIsApplied() throws {
        let exif = PNGBuilder.chunk("eXIf", Array(B.exif([B.orientation(6)])[10...]))
        let data = PNGBuilder.chunk("IDAT", PNGBuilder.stored([0, 1, 2, 0, 3, 4]))
        let (header, end) = (PNGBuilder.header(2, 2, type: 0), PNGBuilder.chunk("IEND"))
        for file in [PNGBuilder.file(header, exif, data, end), PNGBuilder.file(header, data, exif, end)] {
            #expect(try ImageFile.decode(file).samples == [3, 1, 4, 2])
            #expect(try ImageFile.header(of: file).orientation == .clockwise)
        }
        let behind = PNGBuilder.file(header, data, end, exif)
        #expect(try ImageFile.decode(behind).samples == [1, 2, 3, 4])
    }
}
