public import Images
import Support

/// An image in easy-VQA's style with all facts about it, drawn from a seed: for training a vision encoder.
///
/// Background, sizes, colours and edges follow the distributions of the official images, which always show one shape; a
/// scene may have several, apart from each other.
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

        /// The given box.
        public init(x: Int, y: Int, width: Int, height: Int) {
            self.x = x
            self.y = y
            self.width = width
            self.height = height
        }

        /// The smallest box around the pixels of `mask`, with rows of `width`, that equal `owner`; there must be at
        /// least one.
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

    /// The side of the image in pixels.
    public static let side = ShapeCanvas.side / 2

    /// The image, 64x64.
    public let image: RGBImage
    /// The shapes, in the order of their numbers in `mask`.
    public let objects: [Object]
    /// `[64, 64]`: 0 for the background, n + 1 for `objects[n]`. Half-covered edge pixels belong to the shape.
    public let mask: [UInt8]

    /// Draws the scene of `seed`. The number of shapes is drawn from `count`, up to 3. If one of them finds no space in
    /// 32 tries, it and the remaining ones are left out, but there is always one.
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

    /// Whether two image pixels or more separate the boxes, so that no pixel mixes two shapes.
    private static func isApart(_ a: ShapeCanvas.Outline, _ b: ShapeCanvas.Outline) -> Bool {
        let gap = 4
        return a.x + a.width + gap < b.x || b.x + b.width + gap < a.x
            || a.y + a.height + gap < b.y || b.y + b.height + gap < a.y
    }
}

/// The shapes of easy-VQA; raw values are its words.
public enum Shape: String, Sendable, CaseIterable {
    /// Of equal width and height.
    case circle
    /// With sides parallel to the image's.
    case rectangle
    /// Equilateral, on its base.
    case triangle
}

/// The colours of easy-VQA; raw values are its words.
public enum Colour: String, Sendable, CaseIterable {
    /// #000000
    case black
    /// #808080
    case gray
    /// #FF0000
    case red
    /// #00FF00
    case green
    /// #0000FF
    case blue
    /// #FFFF00
    case yellow
    /// #008080
    case teal
    /// #A52A2A
    case brown

    /// Red, green and blue, as measured in the official images.
    public var rgb: [UInt8] {
        switch self {
        case .black: [0, 0, 0]
        case .gray: [128, 128, 128]
        case .red: [255, 0, 0]
        case .green: [0, 255, 0]
        case .blue: [0, 0, 255]
        case .yellow: [255, 255, 0]
        case .teal: [0, 128, 128]
        case .brown: [165, 42, 42]
        }
    }
}

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Draws like easy-VQA's authors, pixel for pixel: without antialiasing at 128x128, then halved with a bilinear filter.
package struct ShapeCanvas {
    static let side = 128

    /// A shape's position on the canvas: it covers columns `x...(x + width)` and rows `y...(y + height)`.
    package struct Outline: Equatable {
        package var shape: Shape
        package var x: Int
        package var y: Int
        package var width: Int
        package var height: Int

        package init(shape: Shape, x: Int, y: Int, width: Int, height: Int) {
            self.shape = shape
            self.x = x
            self.y = y
            self.width = width
            self.height = height
        }
    }

    /// The owner of each canvas pixel: 0 is the background, n the n-th shape drawn.
    private(set) var owners = [UInt8](repeating: 0, count: side * side)

    /// Fills an outline, which must lie within the canvas, with `owner`.
    mutating func fill(_ outline: Outline, owner: UInt8) {
        for (row, columns) in Self.rows(of: outline) {
            for column in columns { owners[row * Self.side + column] = owner }
        }
    }

    /// The image, 64x64: `colours[n]` for the pixels of owner n.
    func image(colours: [[UInt8]]) -> RGBImage {
        var pixels = [UInt8](repeating: 0, count: owners.count * 3)
        let table = colours.flatMap { $0 }
        for (index, owner) in owners.enumerated() {
            for channel in 0..<3 { pixels[index * 3 + channel] = table[Int(owner) * 3 + channel] }
        }
        return RGBImage(width: Self.side, height: Self.side, pixels: pixels)
            .resized(width: Self.side / 2, height: Self.side / 2, filter: .bilinear)
    }

    /// The owner of most of the four canvas pixels under each image pixel, `[64, 64]`; in a tie, the shape.
    var mask: [UInt8] {
        let half = Self.side / 2
        return (0..<(half * half)).map { index in
            let corner = index / half * 2 * Self.side + index % half * 2
            let (a, b) = (owners[corner], owners[corner + 1])
            let (c, d) = (owners[corner + Self.side], owners[corner + Self.side + 1])
            // Shapes do not touch, so at most one shape covers any of the four.
            let owner = max(max(a, b), max(c, d))
            let covered = (a == owner ? 1 : 0) + (b == owner ? 1 : 0) + (c == owner ? 1 : 0) + (d == owner ? 1 : 0)
            return covered >= 2 ? owner : 0
        }
    }

    private static func rows(of outline: Outline) -> [(row: Int, columns: ClosedRange<Int>)] {
        switch outline.shape {
        case .circle: circleRows(outline)
        case .rectangle:
            (0...outline.height).map { (outline.y + $0, outline.x...(outline.x + outline.width)) }
        case .triangle: triangleRows(outline)
        }
    }

    /// The polygon through one point per degree, as Pillow drew ellipses before version 8.
    private static func circleRows(_ outline: Outline) -> [(row: Int, columns: ClosedRange<Int>)] {
        func place(_ part: Float, _ size: Int, _ start: Int) -> Int {
            let value = part * Float(size) / 2 + Float((2 * start + size) / 2)
            let isHalf = value - value.rounded(.down) == 0.5
            return Int(isHalf && part <= 0 ? value.rounded(.up) : (isHalf ? value : value + 0.5).rounded(.down))
        }
        var rows: [Int: ClosedRange<Int>] = [:]
        for degree in 0..<360 {
            let angle = Double(degree) * .pi / 180
            let x = place(Float(cos(angle)), outline.width, outline.x)
            let y = place(Float(sin(angle)), outline.height, outline.y)
            let known = rows[y, default: x...x]
            rows[y] = min(known.lowerBound, x)...max(known.upperBound, x)
        }
        return rows.map { ($0.key, $0.value) }
    }

    /// The apex is above the middle of the base; if the middle lies between two columns, it is in the left one.
    private static func triangleRows(_ outline: Outline) -> [(row: Int, columns: ClosedRange<Int>)] {
        let middle = outline.width / 2
        return (0...outline.height).map { row in
            let down = Double(row) / Double(outline.height)
            let left = Double(outline.x + middle) - Double(middle) * down
            let right = Double(outline.x + middle) + Double(outline.width - middle) * down
            return (outline.y + row, Int((left + 0.5).rounded(.down))...Int((right - 0.5).rounded(.up)))
        }
    }
}
