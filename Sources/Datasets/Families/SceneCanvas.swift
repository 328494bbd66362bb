import Images
import Support

/// Draws scenes with antialiasing: sixteen samples per pixel, in integer arithmetic only.
struct SceneCanvas {
    private static let side = ShapeScene.side
    private var pixels: [UInt8]
    private var mask: [UInt8]
    private var objects: [SceneObject] = []

    /// A canvas with a light background.
    init(_ generator: inout SplitMix64) {
        let background = (0..<3).map { _ in UInt8(generator.draw(216...255)) }
        mask = [UInt8](repeating: 0, count: Self.side * Self.side)
        pixels = []
        pixels.reserveCapacity(mask.count * 3)
        for _ in mask.indices { pixels += background }
    }

    /// Draws an object. `covers` returns whether the object covers a point, in quarters of a pixel from the corner of
    /// `place`. The colour is one of the shades that its word names. A pixel that is covered by half belongs to the
    /// object.
    mutating func draw(
        _ kind: SceneObject.Kind, _ colour: SceneColour, isLarge: Bool? = nil, at place: SceneGrid.Placement,
        _ generator: inout SplitMix64, covers: (_ x: Int, _ y: Int) -> Bool
    ) {
        let shade = generator.draw(0...16)
        let ink = zip(colour.rgb, colour.otherShade).map { one, other in
            min(255, max(0, (Int(one) * (16 - shade) + Int(other) * shade) / 16 + generator.draw(-10...10)))
        }
        let owner = UInt8(objects.count + 1)
        var (left, right, top, bottom) = (Self.side, 0, Self.side, 0)
        for row in max(0, place.y >> 2)...min(Self.side - 1, (place.y + place.height) >> 2) {
            for column in max(0, place.x >> 2)...min(Self.side - 1, (place.x + place.width) >> 2) {
                var covered = 0
                for sample in 0..<16 {
                    let (x, y) = (column * 4 + sample % 4 - place.x, row * 4 + sample / 4 - place.y)
                    if x >= 0, y >= 0, x < place.width, y < place.height, covers(x, y) { covered += 1 }
                }
                if covered == 0 { continue }
                let pixel = row * Self.side + column
                for channel in 0..<3 {
                    let under = Int(pixels[pixel * 3 + channel])
                    pixels[pixel * 3 + channel] = UInt8((under * (16 - covered) + ink[channel] * covered + 8) / 16)
                }
                guard covered >= 8 else { continue }
                mask[pixel] = owner
                (left, right) = (min(left, column), max(right, column))
                (top, bottom) = (min(top, row), max(bottom, row))
            }
        }
        let box = ShapeScene.Box(x: left, y: top, width: right - left + 1, height: bottom - top + 1)
        objects.append(SceneObject(kind: kind, colour: colour, isLarge: isLarge, box: box))
    }

    /// Draws a filled shape.
    mutating func draw(
        _ shape: SceneShape, _ colour: SceneColour, isLarge: Bool? = nil, at place: SceneGrid.Placement,
        _ generator: inout SplitMix64
    ) {
        let outline = SceneOutline(shape, width: place.width, height: place.height)
        draw(.shape(shape), colour, isLarge: isLarge, at: place, &generator) { outline.covers($0, $1) }
    }

    /// The scene; half of all scenes have noise.
    consuming func scene(_ generator: inout SplitMix64) -> Scene {
        let strength = generator.draw(from: [0, 0, 5, 15])
        if strength > 0 {
            for start in stride(from: 0, to: pixels.count, by: 8) {
                var bits = generator.next()
                for sample in start..<start + 8 {
                    let shift = Int(bits & 0xFF) * (2 * strength + 1) >> 8 - strength
                    bits >>= 8
                    pixels[sample] = UInt8(min(255, max(0, Int(pixels[sample]) + shift)))
                }
            }
        }
        return Scene(
            image: RGBImage(width: Self.side, height: Self.side, pixels: pixels), objects: objects, mask: mask)
    }
}

/// The points that a shape covers.
struct SceneOutline {
    private let shape: SceneShape
    private let width: Int
    private let height: Int

    /// An outline with its size in quarters of a pixel; `extent(of:width:)` gives the sizes that a shape can have.
    init(_ shape: SceneShape, width: Int, height: Int) {
        self.shape = shape
        self.width = width
        self.height = height
    }

    /// A shape's box for a width in quarters of a pixel; `height` is used for rectangles only.
    static func extent(of shape: SceneShape, width: Int, height: Int) -> SceneGrid.Extent {
        switch shape {
        case .rectangle: (width, height)
        case .triangle: (width, width * 13 / 15)
        case .star: (width, width * 19 / 20)
        case .circle, .cross, .ring: (width, width)
        }
    }

    /// Whether the shape covers the point in the middle of quarter pixel (`x`, `y`).
    func covers(_ x: Int, _ y: Int) -> Bool {
        // Relative to the middle of the box, in eighths of a pixel.
        let (u, v) = (2 * x + 1 - width, 2 * y + 1 - height)
        switch shape {
        case .circle: return u * u + v * v <= width * width
        case .rectangle: return true
        case .triangle: return 2 * abs(u) * height <= width * (2 * y + 1)
        case .star: return Self.isInStar(abs(u) * 1000 / width, (2 * y + 1) * 1000 / height)
        case .cross: return 3 * abs(u) <= width || 3 * abs(v) <= height
        case .ring:
            let distance = u * u + v * v
            return distance <= width * width && 4 * distance >= width * width
        }
    }

    /// Uses the right half of a star of width 2,000 and height 2,000: the corners in order from the top, each edge with
    /// the rows that it crosses.
    private static func isInStar(_ u: Int, _ v: Int) -> Bool {
        var edges = 0
        for (from, to) in zip(starCorners, starCorners.dropFirst()) where (from.v <= v) != (to.v <= v) {
            // The edge is to the right of the point.
            if from.u + (to.u - from.u) * (v - from.v) / (to.v - from.v) > u { edges += 1 }
        }
        return edges % 2 == 1
    }

    /// Five points; the inner radius is 0.45 of the outer radius.
    private static let starCorners: [(u: Int, v: Int)] = [
        (0, 0), (278, 704), (1000, 764), (450, 1259), (618, 2000), (0, 1603),
    ]
}
