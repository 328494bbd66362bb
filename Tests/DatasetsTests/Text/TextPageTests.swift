import Datasets
import Foundation
import Images
import Support
import Testing
import Typography

@Suite struct TextPageTests {
    /// 4,000 made-up words of two to four syllables.
    static let words: [String] = {
        var generator = SplitMix64(seed: 3)
        return (0..<4_000).map { _ in
            (0..<generator.draw(2...4)).map { _ in
                "\(generator.draw(from: Array("bcdfghjklmnpqrstvwxz")))\(generator.draw(from: Array("aeiouy")))"
            }.joined()
        }
    }()

    /// Two small fonts in the public domain, one on each side.
    static func fonts() throws -> OpenFonts {
        let folder = URL(filePath: #filePath).appending(path: "../../../TypographyTests/Fixtures").standardized.path
        let families = [
            FontFamily(
                "Tuffy", .sans, maker: "Thatcher Ulrich", licence: "public domain", package: "fonts-tuffy",
                faces: [.init("Regular", "Tuffy-ASCII.ttf")]),
            FontFamily(
                "OCR-B", .mono, maker: "Norbert Schwarz", licence: "public domain", package: "fonts-ocr-b",
                split: .heldOut, faces: [.init("Regular", "OCRB.otf")]),
        ]
        return try OpenFonts(FontCollection(folder: folder, families: families))
    }

    private let list = WordList(words: TextPageTests.words)

    @Test func pagesFollowFromTheirSeed() throws {
        let (first, second) = (try Self.fonts(), try Self.fonts())
        for seed in 0..<60 as Range<UInt64> {
            // The second set of fonts has drawn other pages before.
            let page = try TextPage(seed: seed, fonts: first, words: list)
            let other = try TextPage(seed: 59 - seed, fonts: second, words: list)
            let again = try TextPage(seed: 59 - seed, fonts: first, words: list)
            #expect(other.image == again.image && other.characters == again.characters)
            #expect(page.image.width == 256 && page.image.height == 256)
        }
        let small = try TextPage(seed: 1, width: 64, height: 48, fonts: first, words: list)
        #expect(small.image.width == 64 && small.image.height == 48)
    }

    @Test(arguments: SeedSplit.allCases)
    func charactersStandWhereTheInkIs(split: SeedSplit) throws {
        let fonts = try Self.fonts()
        var (count, inked, pages) = (0, 0, 0)
        for index in 0..<40 as Range<UInt64> {
            let page = try TextPage(seed: split.seed(at: index), fonts: fonts, words: list)
            pages += page.characters.count > 20 ? 1 : 0
            for character in page.characters where character.scalar != " " {
                #expect((0..<256).contains(character.centreX) && (0..<256).contains(character.centreY))
                count += 1
                inked += contrast(of: page.image, in: character.box) >= 30 ? 1 : 0
            }
        }
        #expect(pages >= 36)
        // Small punctuation on a blurred or noisy page may lose its contrast.
        #expect(Double(inked) / Double(count) > 0.99, "\(inked) of \(count)")
    }

    @Test func pagesShowOnlyTheAlphabet() throws {
        let fonts = try Self.fonts()
        for seed in 0..<20 as Range<UInt64> {
            let page = try TextPage(seed: seed, fonts: fonts, words: list)
            #expect(Set(page.characters.map(\.scalar)).isSubset(of: TextSamples.alphabet))
        }
    }

    @Test func sizesStayInTheirRange() throws {
        let fonts = try Self.fonts()
        for seed in 0..<30 as Range<UInt64> {
            let page = try TextPage(seed: seed, sizes: 30...36, fonts: fonts, words: list)
            // A capital of this font is 0.70 em high.
            let heights = page.characters.filter { "EHLT".unicodeScalars.contains($0.scalar) }
                .map { $0.box.bottom - $0.box.top }
            #expect(heights.allSatisfy { (18...32).contains($0) }, "\(heights)")
        }
    }

    /// The greatest difference of a channel between two pixels of the box and one pixel around it.
    private func contrast(of image: RGBImage, in box: InkBox) -> Int {
        var (least, most) = ([255, 255, 255], [0, 0, 0])
        for y in max(0, Int(box.top) - 1)..<min(image.height, Int(box.bottom) + 2) {
            for x in max(0, Int(box.left) - 1)..<min(image.width, Int(box.right) + 2) {
                for channel in 0..<3 {
                    let value = Int(image.pixels[(y * image.width + x) * 3 + channel])
                    least[channel] = min(least[channel], value)
                    most[channel] = max(most[channel], value)
                }
            }
        }
        return zip(most, least).map { $0 - $1 }.max() ?? 0
    }
}
