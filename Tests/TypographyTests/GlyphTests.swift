import Foundation
import Testing
import Typography

/// The fonts and golden values beside the tests.
enum Fixture {
    struct GlyphCase: Decodable {
        let file: String
        let character: String
        let size: Double
        let hinting: String
        let quarter: Int
        let left: Int
        let top: Int
        let width: Int
        let height: Int
        let advance: Double
        let coverage: Data
    }

    struct Pair: Decodable {
        let file: String
        let left: String
        let right: String
        let size: Double
        let move: Double
    }

    struct Glyphs: Decodable {
        let cases: [GlyphCase]
        let pairs: [Pair]
    }

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures").path

    static func glyphs() throws -> Glyphs {
        try JSONDecoder().decode(Glyphs.self, from: Data(contentsOf: URL(filePath: "\(folder)/glyphs.json")))
    }

    static func face(_ file: String) throws -> FontFace {
        try FontFace(path: "\(folder)/\(file)", library: FontLibrary())
    }

    static func scalar(_ text: String) throws -> Unicode.Scalar { try #require(text.unicodeScalars.first) }
}

@Suite struct GlyphTests {
    private static let hintings: [String: GlyphStyle.Hinting] = ["none": .none, "light": .light, "mono": .mono]

    @Test func glyphsAreThoseThatFreeTypeDrawsElsewhere() throws {
        for golden in try Fixture.glyphs().cases {
            let face = try Fixture.face(golden.file)
            let style = GlyphStyle(hinting: try #require(Self.hintings[golden.hinting]))
            let name = "\(golden.character) of \(golden.file), \(golden.size) \(golden.hinting)"
            let glyph = try #require(
                face.glyph(
                    Fixture.scalar(golden.character), size: golden.size, quarter: golden.quarter, style: style))
            #expect(abs(glyph.advance - golden.advance) < 1.0 / 64, "\(name)")
            try #require(glyph.width == golden.width && glyph.height == golden.height, "\(name)")
            // An empty bitmap has no position.
            if glyph.width > 0 { #expect(glyph.left == golden.left && glyph.top == golden.top, "\(name)") }
            let differences = zip(glyph.coverage, golden.coverage).map { abs(Int($0) - Int($1)) }
            #expect(differences.max() ?? 0 <= 1, "\(name)")
        }
    }

    @Test func kerningIsTheFonts() throws {
        for pair in try Fixture.glyphs().pairs {
            let face = try Fixture.face(pair.file)
            let move = try face.kerning(Fixture.scalar(pair.left), Fixture.scalar(pair.right), size: pair.size)
            #expect(move == pair.move, "\(pair.left)\(pair.right)")
        }
    }

    @Test func glyphsStayTheSameWhenManyAreKept() throws {
        let face = try Fixture.face("Tuffy-ASCII.ttf")
        let first = try #require(face.glyph("g", size: 20))
        for size in stride(from: 40.0, to: 200, by: 2) {
            for scalar in "abcdefghijklm".unicodeScalars { _ = face.glyph(scalar, size: size) }
        }
        let again = try #require(face.glyph("g", size: 20))
        #expect(first.coverage == again.coverage && first.left == again.left && first.advance == again.advance)
    }

    @Test func stylesChangeTheInk() throws {
        let face = try Fixture.face("Tuffy-ASCII.ttf")
        func ink(_ style: GlyphStyle) throws -> Int {
            try #require(face.glyph("l", size: 40, style: style)).coverage.reduce(0) { $0 + Int($1) }
        }
        let plain = try ink(GlyphStyle(hinting: .none))
        let bold = try ink(GlyphStyle(hinting: .none, embolden: 2))
        #expect(bold > plain * 5 / 4)
        let upright = try #require(face.glyph("I", size: 40, style: GlyphStyle(hinting: .none)))
        let slanted = try #require(face.glyph("I", size: 40, style: GlyphStyle(hinting: .none, slant: 0.25)))
        #expect(slanted.width > upright.width + 5)
        let mono = try #require(face.glyph("o", size: 20, style: GlyphStyle(hinting: .mono)))
        #expect(mono.coverage.allSatisfy { $0 == 0 || $0 == 255 })
    }

    /// Together the stripes hold as much ink as the pixels do, and lie where the pixels lie.
    @Test(arguments: ["l", "W", "@", "."]) func stripesHoldTheInkOfThePixels(text: String) throws {
        let face = try Fixture.face("Tuffy-ASCII.ttf")
        for (size, quarter) in [(12.0, 0), (20.5, 1), (33.0, 3)] {
            let scalar = try Fixture.scalar(text)
            let plain = try #require(
                face.glyph(scalar, size: size, quarter: quarter, style: GlyphStyle(hinting: .none)))
            let striped = try #require(
                face.glyph(scalar, size: size, quarter: quarter, style: GlyphStyle(hinting: .none, hasStripes: true)))
            #expect(striped.coverage.count == striped.width * striped.height * 3 && striped.top == plain.top)
            let ink = Double(plain.coverage.reduce(0) { $0 + Int($1) })
            let stripes = Double(striped.coverage.reduce(0) { $0 + Int($1) }) / 3
            #expect(abs(stripes / ink - 1) < 0.05, "\(text) at \(size)")
            #expect(abs(middle(striped, channels: 3) - middle(plain, channels: 1)) < 0.05, "\(text) at \(size)")
        }
    }

    /// The column of the ink's middle, from the pen.
    private func middle(_ glyph: Glyph, channels: Int) -> Double {
        var (sum, moment) = (0.0, 0.0)
        for (index, value) in glyph.coverage.enumerated() {
            let column = index / channels % glyph.width
            let part = channels == 1 ? 0.5 : (Double(index % 3) + 0.5) / 3
            sum += Double(value)
            moment += Double(value) * (Double(glyph.left + column) + part)
        }
        return moment / sum
    }

    @Test func charactersThatAFaceLacksAreNotDrawn() throws {
        let face = try Fixture.face("Tuffy-ASCII.ttf")
        #expect(face.covers("a") && !face.covers("é") && face.covers("plain text") && !face.covers("caf\u{E9}"))
        #expect(face.glyph("é", size: 20) == nil)
        #expect(TextLayout("caf\u{E9}", face: face, size: 20) == nil)
    }

    @Test func filesThatAreNoFontsAreRefusedByName() throws {
        let folder = NSTemporaryDirectory() + "apus-fonts-\(UUID())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let library = try FontLibrary()
        func reason(_ path: String) -> String {
            do throws(FontError) {
                _ = try FontFace(path: path, library: library)
                return "no error"
            } catch { return "\(error)" }
        }
        #expect(reason("\(folder)/none.ttf") == "\(folder)/none.ttf is not a usable font: No such file or directory")
        #expect(reason(folder).hasSuffix("it is not a regular file"))
        let whole = try Data(contentsOf: URL(filePath: "\(Fixture.folder)/Tuffy-ASCII.ttf"))
        for count in [0, 1, 11, 12, 200, 1_000] {
            let path = "\(folder)/\(count).ttf"
            try whole.prefix(count).write(to: URL(filePath: path))
            #expect(reason(path).contains("is not a usable font"), "\(count) bytes")
        }
    }

    @Test func damagedFontsDrawOrAreRefusedButNeverTrap() throws {
        let folder = NSTemporaryDirectory() + "apus-fonts-\(UUID())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let library = try FontLibrary()
        let whole = try Data(contentsOf: URL(filePath: "\(Fixture.folder)/Tuffy-ASCII.ttf"))
        var refused = 0
        for step in 0..<120 {
            var damaged = whole
            damaged[step * whole.count / 120] ^= 0xFF
            let path = "\(folder)/font.ttf"
            try damaged.write(to: URL(filePath: path))
            guard let face = try? FontFace(path: path, library: library) else {
                refused += 1
                continue
            }
            for scalar in "Ag@".unicodeScalars { _ = face.glyph(scalar, size: 30) }
        }
        #expect(refused < 120)
    }
}
