import Foundation
import Testing
import Typography

@Suite struct FontCollectionTests {
    @Test func designsAreOnOneSideOnly() {
        let trained = FontFamily.table.filter { $0.split == .training }
        let heldOut = FontFamily.table.filter { $0.split == .heldOut }
        #expect(Set(trained.map(\.design)).isDisjoint(with: heldOut.map(\.design)))
        #expect(trained.flatMap(\.faces).count >= 80 && heldOut.count >= 8)
        #expect(Set(heldOut.map(\.maker)).count >= 4)
    }

    @Test func theTableAndTheFetchedListNameTheSameFiles() throws {
        let root = URL(filePath: #filePath).appending(path: "../../..").standardized
        let list = try String(contentsOf: root.appending(path: "scripts/fonts.sha256"), encoding: .utf8)
        var packages: [String: String] = [:]
        for line in list.split(separator: "\n") {
            let fields = line.split(separator: " ", maxSplits: 2).map { $0.trimmingCharacters(in: .whitespaces) }
            let name = fields[2].split(separator: "/").last.map { String($0).replacing(" ", with: "-") }
            packages[try #require(name)] = fields[1]
        }
        // The files of pictograms are no faces.
        packages = packages.filter {
            $0.value != "ruby-gemojione" && !["NotoColorEmoji.ttf", "Symbola_hint.ttf"].contains($0.key)
        }
        packages["american-english"] = nil
        let files = FontFamily.table.flatMap { family in family.faces.map { (family, $0) } }
        #expect(Set(files.map(\.1.file)) == Set(packages.keys) && files.count == packages.count)
        for (family, face) in files { #expect(packages[face.file] == family.package, "\(face.file)") }
    }

    /// Needs `make fonts`.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: fetched + "/complete")))
    func artistsDrawInTheirOwnColours() throws {
        let library = try FontLibrary()
        let pictograms = try OpenPictograms(folder: Self.fetched + "/pictograms", library: library)
        let apple = try #require(Unicode.Scalar(0x1F34E as UInt32))
        for artist in PictogramArtist.allCases {
            let sticker = try pictograms.sticker(apple, by: artist, side: 60, ink: RGB(0, 0, 200))
            #expect(max(sticker.width, sticker.height) == 60)
            var canvas = Canvas(width: 60, height: 60, colour: .white)
            canvas.draw(sticker, x: 0, y: 0)
            // An apple is red, or blue as the ink.
            let middle = 3 * (32 * 60 + 24)
            let (red, blue) = (canvas.pixels[middle], canvas.pixels[middle + 2])
            if artist != .symbola { #expect(red > 150 && blue < 120, "\(artist): \(red), \(blue)") }
            #expect(canvas.pixels[0] == 255 || artist == .symbola)
            #expect(sticker == (try pictograms.sticker(apple, by: artist, side: 60, ink: RGB(0, 0, 200))))
        }
        let nothing = try #require(Unicode.Scalar(0xE123 as UInt32))
        for artist in [PictogramArtist.noto, .emojiOne] {
            #expect(throws: FontError.self) { try pictograms.sticker(nothing, by: artist, side: 20, ink: .black) }
        }
    }

    /// Needs `make fonts`.
    @Test(.enabled(if: FileManager.default.fileExists(atPath: fetched + "/complete")))
    func everyFaceDrawsAllOfASCII() throws {
        let fonts = try OpenFonts(FontCollection(folder: Self.fetched))
        for face in fonts.collection.families.flatMap(\.faces) {
            let opened = try fonts.face(face)
            var drawn: [String: [UInt8]] = [:]
            for value in UInt8(33)...126 {
                let scalar = Unicode.Scalar(value)
                let glyph = try #require(opened.glyph(scalar, size: 48), "\(face.file) \(scalar)")
                #expect(glyph.width > 0, "\(face.file) \(scalar)")
                drawn["\(scalar)"] = glyph.coverage
            }
            for letter in "abdeghnqrt" {
                #expect(drawn[String(letter)] != drawn[letter.uppercased()], "\(face.file) \(letter)")
            }
        }
    }

    private static let fetched: String = {
        let cache = ProcessInfo.processInfo.environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
        return cache + "/apus/fonts"
    }()

    @Test func aMissingFileIsNamedWithTheCommandThatFetchesIt() {
        let family = FontFamily(
            "Test", .sans, maker: "", licence: "", package: "", faces: [.init("Regular", "none.ttf")])
        #expect(throws: FontError.missing(path: "/nowhere/none.ttf")) {
            try FontCollection(folder: "/nowhere", families: [family])
        }
        #expect("\(FontError.missing(path: "/x/none.ttf"))".contains("make fonts"))
    }
}
