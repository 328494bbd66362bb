/// Content that only the test split shows: one pair of colour and shape, one layout, one font and a ninth of the
/// numbers. Images and questions of the other splits never contain it.
package struct HeldOutRules: Sendable {
    /// A colour and a shape.
    package struct Pair: Sendable, Hashable {
        package let colour: SceneColour
        package let shape: SceneShape

        package init(_ colour: SceneColour, _ shape: SceneShape) {
            self.colour = colour
            self.shape = shape
        }
    }

    /// The pair that only the test split shows.
    package static let pair = Pair(.purple, .triangle)

    /// Whether these centres, in pixels, form the layout that only the test split shows: three objects or more, all in
    /// squares of the falling diagonal of the 4x4 grid.
    package static func isDiagonal(_ centres: [(x: Int, y: Int)]) -> Bool {
        centres.count >= 3 && centres.allSatisfy { $0.x / SceneGrid.pitch == $0.y / SceneGrid.pitch }
    }

    /// Whether only the test split shows this number. The test split shows no other numbers.
    package static func isTestNumber(_ number: Int) -> Bool { number % 9 == 4 }

    /// The split of the images.
    package let split: SeedSplit
    /// The pairs that the split may show, all equally likely.
    package let pairs: [Pair]

    /// The rules for `split`.
    package init(_ split: SeedSplit) {
        self.split = split
        pairs = split == .test ? Self.allPairs : Self.allPairs.filter { $0 != Self.pair }
    }

    /// The fonts that the split may show.
    package var fonts: [BitmapFont] { split == .test ? [.serif] : [.plain, .segments, .wide] }

    /// Whether half of the split's digits are drawn with a pen. The test split shows one font, which no other split
    /// contains.
    package var showsStrokes: Bool { split != .test }

    /// Whether the split may show objects at these centres, in pixels.
    package func allows(centres: [(x: Int, y: Int)]) -> Bool { split == .test || !Self.isDiagonal(centres) }

    /// Whether the split may show this number.
    package func allows(number: Int) -> Bool { Self.isTestNumber(number) == (split == .test) }

    /// The colours that `shape` may have.
    func colours(of shape: SceneShape) -> [SceneColour] { pairs.filter { $0.shape == shape }.map(\.colour) }

    /// The shapes that objects of `colour` may have.
    func shapes(of colour: SceneColour) -> [SceneShape] { pairs.filter { $0.colour == colour }.map(\.shape) }

    /// Colours and shapes for questions on whether there are any. Without the held-out pair, its colour and shape are
    /// rarer than others, so a question about them would hint at the answer.
    static let askedColours = SceneColour.allCases.filter { $0 != pair.colour }
    static let askedShapes = SceneShape.allCases.filter { $0 != pair.shape }

    private static let allPairs = SceneColour.allCases.flatMap { colour in
        SceneShape.allCases.map { Pair(colour, $0) }
    }
}
