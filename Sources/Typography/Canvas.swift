package import Images

/// A colour of 8 bits a channel.
package struct RGB: Sendable, Hashable {
    package var red: UInt8
    package var green: UInt8
    package var blue: UInt8

    /// The given colour.
    package init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    package static let black = RGB(0, 0, 0)
    package static let white = RGB(255, 255, 255)

    /// Perceived brightness, 0 to 255: the luma of ITU-R BT.601, rounded.
    package var luma: Int { (299 * Int(red) + 587 * Int(green) + 114 * Int(blue) + 500) / 1_000 }

    /// The colour that lies `part` of 255 on the way to `other`.
    package func mixed(with other: RGB, part: Int) -> RGB {
        func mix(_ a: UInt8, _ b: UInt8) -> UInt8 { UInt8((Int(a) * (255 - part) + Int(b) * part + 127) / 255) }
        return RGB(mix(red, other.red), mix(green, other.green), mix(blue, other.blue))
    }
}

/// How much of a colour is laid over a pixel that is covered in part. Systems differ, because screens do: some make
/// text bolder, some thinner.
package struct CoverageCurve: Sendable {
    private static let straight = (0...255).map { UInt8($0) }

    /// Element c is what coverage c becomes.
    let table: [UInt8]

    /// The coverage as it is.
    package init() { table = Self.straight }

    /// Coverage c of 255 becomes c + c (255 - c) / 255 x `percent` / 100: a half becomes 3/4 at 100, and 1/4 at -100.
    package init(percent: Int) {
        precondition((-100...100).contains(percent), "a curve of \(percent) %")
        table = (0...255).map { UInt8($0 + $0 * (255 - $0) * percent / 25_500) }
    }
}

/// An image to draw on: 8 bits a channel, integer arithmetic, the same bytes on every machine.
///
/// What lies outside is not drawn. Columns and rows count from the upper left.
package struct Canvas: Sendable {
    /// Pixels per row.
    package let width: Int
    /// The number of rows.
    package let height: Int
    /// `[height, width, 3]`, row-major.
    package var pixels: [UInt8]

    /// A canvas of one colour.
    package init(width: Int, height: Int, colour: RGB) {
        precondition(width > 0 && height > 0, "a canvas of \(width)x\(height) has no pixels")
        self.width = width
        self.height = height
        pixels = [UInt8](unsafeUninitializedCapacity: width * height * 3) { target, initialized in
            var offset = 0
            while offset < width * height * 3 {
                target[offset] = colour.red
                target[offset + 1] = colour.green
                target[offset + 2] = colour.blue
                offset += 3
            }
            initialized = offset
        }
    }

    /// A canvas with the pixels of `image`.
    package init(_ image: RGBImage) {
        width = image.width
        height = image.height
        pixels = image.pixels
    }

    /// The image that is drawn.
    package var image: RGBImage { RGBImage(width: width, height: height, pixels: pixels) }

    /// The colour of a pixel inside.
    package subscript(x: Int, y: Int) -> RGB {
        let at = (y * width + x) * 3
        return RGB(pixels[at], pixels[at + 1], pixels[at + 2])
    }

    /// Fills the pixels of columns `x..<(x + width)` and rows `y..<(y + height)`. `opacity` is 0 to 255.
    package mutating func fill(x: Int, y: Int, width: Int, height: Int, colour: RGB, opacity: UInt8 = 255) {
        let columns = Self.inside(x, width, limit: self.width)
        let rows = Self.inside(y, height, limit: self.height)
        guard !columns.isEmpty, !rows.isEmpty, opacity > 0 else { return }
        let stride = self.width * 3
        pixels.withUnsafeMutableBufferPointer { target in
            for row in rows {
                let first = row * stride + columns.lowerBound * 3
                for at in Swift.stride(from: first, to: first + columns.count * 3, by: 3) {
                    if opacity < 255 {
                        Self.mix(colour, Int(opacity), into: target, at: at)
                    } else {
                        target[at] = colour.red
                        target[at + 1] = colour.green
                        target[at + 2] = colour.blue
                    }
                }
            }
        }
    }

    /// Draws the outline of a rectangle, `thickness` pixels wide, inside of its edges.
    package mutating func outline(x: Int, y: Int, width: Int, height: Int, thickness: Int = 1, colour: RGB) {
        fill(x: x, y: y, width: width, height: thickness, colour: colour)
        fill(x: x, y: y + height - thickness, width: width, height: thickness, colour: colour)
        fill(x: x, y: y, width: thickness, height: height, colour: colour)
        fill(x: x + width - thickness, y: y, width: thickness, height: height, colour: colour)
    }

    /// Draws a line of single pixels, both ends included (Bresenham).
    package mutating func line(from start: (x: Int, y: Int), to end: (x: Int, y: Int), colour: RGB) {
        let across = abs(end.x - start.x)
        let down = -abs(end.y - start.y)
        let (stepX, stepY) = (start.x < end.x ? 1 : -1, start.y < end.y ? 1 : -1)
        var (x, y, error) = (start.x, start.y, across + down)
        while true {
            fill(x: x, y: y, width: 1, height: 1, colour: colour)
            if x == end.x && y == end.y { return }
            let doubled = 2 * error
            if doubled >= down {
                error += down
                x += stepX
            }
            if doubled <= across {
                error += across
                y += stepY
            }
        }
    }

    /// Lays `colour` over one pixel, `coverage` of 255; outside nothing happens.
    package mutating func blend(x: Int, y: Int, colour: RGB, coverage: UInt8) {
        fill(x: x, y: y, width: 1, height: 1, colour: colour, opacity: coverage)
    }

    /// Lays `colour` over the pixels that a glyph covers; its first pixel is at (`x`, `y`). `curve` changes the
    /// coverage first.
    package mutating func blend(
        _ glyph: Glyph, x: Int, y: Int, colour: RGB, curve: CoverageCurve = CoverageCurve()
    ) {
        blend(
            coverage: glyph.coverage, width: glyph.width, height: glyph.height, x: x, y: y, colour: colour,
            curve: curve)
    }

    /// Lays `colour` over pixels as much as `coverage` says: `[height, width]`, or `[height, width, 3]` by channel. Its
    /// first pixel is at (`x`, `y`). `curve` changes the coverage first.
    package mutating func blend(
        coverage: [UInt8], width: Int, height: Int, x: Int, y: Int, colour: RGB,
        curve: CoverageCurve = CoverageCurve()
    ) {
        let channels = coverage.count == width * height ? 1 : 3
        precondition(coverage.count == width * height * channels, "\(coverage.count) values for \(width)x\(height)")
        let columns = Self.inside(x, width, limit: self.width)
        let rows = Self.inside(y, height, limit: self.height)
        guard !columns.isEmpty, !rows.isEmpty else { return }
        let stride = self.width * 3
        let table = curve.table
        coverage.withUnsafeBufferPointer { source in
            pixels.withUnsafeMutableBufferPointer { target in
                for row in rows {
                    let from = (row - y) * width - x
                    for column in columns {
                        let at = row * stride + column * 3
                        if channels == 1 {
                            let part = Int(table[Int(source[from + column])])
                            if part > 0 { Self.mix(colour, part, into: target, at: at) }
                        } else {
                            let first = (from + column) * 3
                            let red = Int(table[Int(source[first])])
                            let green = Int(table[Int(source[first + 1])])
                            let blue = Int(table[Int(source[first + 2])])
                            target[at] = Self.mixed(target[at], colour.red, red)
                            target[at + 1] = Self.mixed(target[at + 1], colour.green, green)
                            target[at + 2] = Self.mixed(target[at + 2], colour.blue, blue)
                        }
                    }
                }
            }
        }
    }

    /// Fills the canvas with a straight gradient from `first` (left or top) to `last`.
    package mutating func gradient(from first: RGB, to last: RGB, isVertical: Bool) {
        let count = isVertical ? height : width
        let ramp = (0..<count).map { first.mixed(with: last, part: count > 1 ? $0 * 255 / (count - 1) : 0) }
        pixels.withUnsafeMutableBufferPointer { target in
            var offset = 0
            for y in 0..<height {
                for x in 0..<width {
                    let colour = ramp[isVertical ? y : x]
                    target[offset] = colour.red
                    target[offset + 1] = colour.green
                    target[offset + 2] = colour.blue
                    offset += 3
                }
            }
        }
    }

    /// Fills the canvas with soft patches between two colours, as out of focus: a grid of `cells` by `cells` random
    /// mixes, enlarged.
    package mutating func patches(
        from first: RGB, to last: RGB, cells: Int, _ generator: inout some RandomNumberGenerator
    ) {
        precondition(cells > 1, "\(cells) cells are no patches")
        var grid = Canvas(width: cells, height: cells, colour: first)
        for y in 0..<cells {
            for x in 0..<cells {
                let colour = first.mixed(with: last, part: Int(generator.next() >> 56))
                grid.fill(x: x, y: y, width: 1, height: 1, colour: colour)
            }
        }
        self = grid.resized(width: width, height: height, filter: .bilinear)
    }

    private static func inside(_ start: Int, _ count: Int, limit: Int) -> Range<Int> {
        let first = min(max(start, 0), limit)
        return first..<max(first, min(start + count, limit))
    }

    @inline(__always)
    private static func mix(_ colour: RGB, _ part: Int, into target: UnsafeMutableBufferPointer<UInt8>, at index: Int) {
        target[index] = mixed(target[index], colour.red, part)
        target[index + 1] = mixed(target[index + 1], colour.green, part)
        target[index + 2] = mixed(target[index + 2], colour.blue, part)
    }

    /// Rounds to the nearest: (v + 128 + (v + 128) / 256) / 256 is v / 255 rounded, for every v up to 65,025.
    @inline(__always)
    private static func mixed(_ old: UInt8, _ new: UInt8, _ part: Int) -> UInt8 {
        let sum = Int(old) &* (255 &- part) &+ Int(new) &* part &+ 128
        return UInt8(truncatingIfNeeded: (sum &+ (sum >> 8)) >> 8)
    }
}
