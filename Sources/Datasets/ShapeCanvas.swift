import Images

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Draws as easy-VQA's authors did, pixel for pixel: without antialiasing at 128x128, then halved with a bilinear
/// filter.
package struct ShapeCanvas {
    static let side = 128

    /// A shape's place on the canvas: it covers columns `x...(x + width)` and rows `y...(y + height)`.
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

    /// What covers each canvas pixel: 0 is the background, n the n-th shape drawn.
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

    /// Who owns most of the four canvas pixels under each image pixel, `[64, 64]`; a tie goes to the shape.
    var mask: [UInt8] {
        let half = Self.side / 2
        return (0..<(half * half)).map { index in
            let corner = index / half * 2 * Self.side + index % half * 2
            let (a, b) = (owners[corner], owners[corner + 1])
            let (c, d) = (owners[corner + Self.side], owners[corner + Self.side + 1])
            // Shapes lie apart, so no other shape covers any of the four.
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

    /// The polygon through one point a degree, as Pillow drew ellipses before version 8.
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

    /// The apex is above the middle of the base, to the left of it if that lies between two columns.
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
