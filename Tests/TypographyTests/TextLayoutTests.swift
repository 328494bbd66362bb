import Testing
import Typography

@Suite struct TextLayoutTests {
    @Test(arguments: ["Tuffy-ASCII.ttf", "OCRB.otf"])
    func everyBoxHoldsTheInkOfItsCharacter(file: String) throws {
        let face = try Fixture.face(file)
        for hinting in GlyphStyle.Hinting.allCases {
            for (size, fraction) in [(12.0, 0.0), (17.5, 0.25), (33.0, 0.75)] {
                let text = "Wy, 8@ l|j."
                let layout = try #require(
                    TextLayout(
                        text, face: face, size: size, style: GlyphStyle(hinting: hinting), letterSpacing: 6,
                        fraction: fraction))
                var canvas = Canvas(width: 500, height: 60, colour: .white)
                let characters = layout.draw(into: &canvas, x: 5, baseline: 42, colour: .black)
                #expect(characters.map(\.scalar) == Array(text.unicodeScalars))
                for character in characters where character.scalar != " " {
                    #expect(ink(of: canvas, in: character.box) > 0, "\(character.scalar) \(hinting) \(size)")
                    // Nothing is inked just outside of the box, because characters stand apart.
                    var wider = character.box
                    wider.left -= 2
                    wider.right += 2
                    wider.top -= 2
                    wider.bottom += 2
                    #expect(ink(of: canvas, in: wider) == ink(of: canvas, in: character.box))
                }
                #expect(layout.width > 0 && layout.inkAscent > 0 && layout.inkDescent > 0)
                let rows = characters.filter { $0.scalar != " " }.map { $0.box.top }
                #expect(rows.min() == Float(42 - layout.inkAscent))
            }
        }
    }

    @Test func aSpaceLiesInTheMiddleOfItsAdvance() throws {
        let face = try Fixture.face("Tuffy-ASCII.ttf")
        let layout = try #require(TextLayout("a b", face: face, size: 32))
        var canvas = Canvas(width: 100, height: 50, colour: .white)
        let characters = layout.draw(into: &canvas, x: 0, baseline: 40, colour: .black)
        let (a, space, b) = (characters[0], characters[1], characters[2])
        #expect(a.box.right <= space.centreX && space.centreX <= b.box.left)
        #expect(space.lineY == space.centreY && a.lineY == space.lineY)
        #expect(space.centreY < 40 && space.centreY > Float(40 - layout.xHeight) && space.box.top == space.box.bottom)
    }

    @Test func letterSpacingAndKerningMoveCharacters() throws {
        let face = try Fixture.face("Tuffy-ASCII.ttf")
        func width(_ text: String, _ spacing: Double = 0) throws -> Double {
            try #require(TextLayout(text, face: face, size: 20, letterSpacing: spacing)).width
        }
        #expect(try abs(width("abc", 2) - width("abc") - 6) < 1e-9)
        #expect(try abs(width("AV") - width("A") - width("V") - face.kerning("A", "V", size: 20)) < 1e-9)
    }

    private func ink(of canvas: Canvas, in box: InkBox) -> Int {
        var sum = 0
        for y in max(0, Int(box.top))..<min(canvas.height, Int(box.bottom)) {
            for x in max(0, Int(box.left))..<min(canvas.width, Int(box.right)) {
                sum += 255 - Int(canvas[x, y].green)
            }
        }
        return sum
    }
}
