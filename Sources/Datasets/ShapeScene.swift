public import Images
import Support

/// An image in easy-VQA's style with everything known about it, drawn from a seed: for training a vision encoder.
///
/// Background, sizes, colours and edges follow the same distributions as the official images, which always show one
/// shape; here there may be several, apart from each other.
public struct ShapeScene: Sendable, Equatable {
    /// A rectangle of pixels; `x` and `y` are its first column and row.
    public struct Box: Codable, Sendable, Equatable {
        /// First column.
        public let x: Int
        /// First row.
        public let y: Int
        /// Columns.
        public let width: Int
        /// Rows.
        public let height: Int

        /// A box.
        public init(x: Int, y: Int, width: Int, height: Int) {
            self.x = x
            self.y = y
            self.width = width
            self.height = height
        }

        /// The smallest box around the pixels of `mask`, rows of `width`, that are `owner`, of which there must be one.
        public init(around owner: UInt8, in mask: [UInt8], width: Int) {
            var (left, right, top, bottom) = (width, 0, mask.count, 0)
            for (index, found) in mask.enumerated() where found == owner {
                left = min(left, index % width)
                right = max(right, index % width)
                top = min(top, index / width)
                bottom = max(bottom, index / width)
            }
            self.init(x: left, y: top, width: right - left + 1, height: bottom - top + 1)
        }
    }

    /// One shape of the image.
    public struct Object: Sendable, Equatable {
        /// Its form.
        public let shape: Shape
        /// Its colour.
        public let colour: Colour
        /// The smallest box around its pixels in `mask`.
        public let box: Box
    }

    /// Pixels a side.
    public static let side = ShapeCanvas.side / 2

    /// The image, 64x64.
    public let image: RGBImage
    /// The shapes, in the order of their numbers in `mask`.
    public let objects: [Object]
    /// `[64, 64]`: 0 where the background is, n + 1 where `objects[n]` is. Half-covered edge pixels belong to it.
    public let mask: [UInt8]

    /// Draws the scene of `seed`. The number of shapes is drawn from `count`, at most 3; if one finds no room after 32
    /// tries, the rest is left out, but there is always one.
    public init(seed: UInt64, count: ClosedRange<Int> = 1...3) {
        precondition(count.lowerBound >= 1 && count.upperBound <= 3, "a scene has 1 to 3 shapes")
        var generator = SplitMix64(seed: seed)
        let background = (0..<3).map { _ in UInt8(generator.draw(230...255)) }
        let wanted = generator.draw(count)
        var outlines: [ShapeCanvas.Outline] = []
        var colours: [Colour] = []
        while outlines.count < wanted, let outline = Self.place(among: outlines, &generator) {
            outlines.append(outline)
            colours.append(generator.draw(from: Colour.allCases))
        }
        self.init(outlines: outlines, colours: colours, background: background)
    }

    package init(outlines: [ShapeCanvas.Outline], colours: [Colour], background: [UInt8]) {
        var canvas = ShapeCanvas()
        for (index, outline) in outlines.enumerated() {
            canvas.fill(outline, owner: UInt8(index + 1))
        }
        let mask = canvas.mask
        self.mask = mask
        image = canvas.image(colours: [background] + colours.map(\.rgb))
        objects = zip(outlines, colours).enumerated().map { index, pair in
            Object(shape: pair.0.shape, colour: pair.1, box: Box(around: UInt8(index + 1), in: mask, width: Self.side))
        }
    }

    private static func place(
        among others: [ShapeCanvas.Outline], _ generator: inout SplitMix64
    ) -> ShapeCanvas.Outline? {
        for _ in 0..<32 {
            let outline = randomOutline(&generator)
            if others.allSatisfy({ isApart(outline, $0) }) { return outline }
        }
        return nil
    }

    private static func randomOutline(_ generator: inout SplitMix64) -> ShapeCanvas.Outline {
        let shape = generator.draw(from: Shape.allCases)
        let width = generator.draw(16...64)
        let height =
            switch shape {
            case .circle: width
            case .rectangle: generator.draw(16...64)
            case .triangle: Int((Double(width) * 3.0.squareRoot() / 2).rounded(.up))
            }
        let x = generator.draw(0...(ShapeCanvas.side - 1 - width))
        let y = generator.draw(0...(ShapeCanvas.side - 1 - height))
        return .init(shape: shape, x: x, y: y, width: width, height: height)
    }

    /// Two image pixels between boxes, so that no pixel mixes two shapes.
    private static func isApart(_ a: ShapeCanvas.Outline, _ b: ShapeCanvas.Outline) -> Bool {
        let gap = 4
        return a.x + a.width + gap < b.x || b.x + b.width + gap < a.x
            || a.y + a.height + gap < b.y || b.y + b.height + gap < a.y
    }
}
