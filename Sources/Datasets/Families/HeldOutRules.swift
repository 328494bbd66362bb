/// What only the test split shows: one pair of colour and form, one layout, one font and a ninth of the numbers.
/// Neither images nor questions of the other splits have them.
package struct HeldOutRules: Sendable {
    /// A colour and a form.
    package struct Pair: Sendable, Hashable {
        package let colour: SceneColour
        package let shape: SceneShape

        package init(_ colour: SceneColour, _ shape: SceneShape) {
            self.colour = colour
            self.shape = shape
        }
    }

    /// The pair that only tests show.
    package static let pair = Pair(.purple, .triangle)

    /// Whether these centres, in pixels, make the layout that only tests show: three things or more, all in squares of
    /// the falling diagonal of the 4x4 grid.
    package static func isDiagonal(_ centres: [(x: Int, y: Int)]) -> Bool {
        centres.count >= 3 && centres.allSatisfy { $0.x / SceneGrid.pitch == $0.y / SceneGrid.pitch }
    }

    /// Whether tests alone show this number, and show no other.
    package static func isTestNumber(_ number: Int) -> Bool { number % 9 == 4 }

    /// The split that is drawn for.
    package let split: SeedSplit
    /// The pairs that it may show, all alike likely.
    package let pairs: [Pair]

    /// The rules for `split`.
    package init(_ split: SeedSplit) {
        self.split = split
        pairs = split == .test ? Self.allPairs : Self.allPairs.filter { $0 != Self.pair }
    }

    /// The fonts that it may show.
    package var fonts: [BitmapFont] { split == .test ? [.serif] : [.plain, .segments, .wide] }

    /// Whether half of its digits are drawn with a pen. Tests show one font, which nobody has seen.
    package var showsStrokes: Bool { split != .test }

    /// Whether it may show things at these centres, in pixels.
    package func allows(centres: [(x: Int, y: Int)]) -> Bool { split == .test || !Self.isDiagonal(centres) }

    /// Whether it may show this number.
    package func allows(number: Int) -> Bool { Self.isTestNumber(number) == (split == .test) }

    /// The colours that `shape` may have.
    func colours(of shape: SceneShape) -> [SceneColour] { pairs.filter { $0.shape == shape }.map(\.colour) }

    /// The forms that things of `colour` may have.
    func shapes(of colour: SceneColour) -> [SceneShape] { pairs.filter { $0.colour == colour }.map(\.shape) }

    /// Colours and forms about which it can be asked whether there are any. Without the pair its colour and form are
    /// rarer than others, so that the question alone would tell a little.
    static let askedColours = SceneColour.allCases.filter { $0 != pair.colour }
    static let askedShapes = SceneShape.allCases.filter { $0 != pair.shape }

    private static let allPairs = SceneColour.allCases.flatMap { colour in
        SceneShape.allCases.map { Pair(colour, $0) }
    }
}
