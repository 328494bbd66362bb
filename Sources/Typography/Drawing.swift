/// A point of an outline: pixels to the right and down from the top left corner of the canvas.
package struct Point: Sendable, Equatable {
    /// Pixels from the left edge.
    package var x: Double
    /// Pixels from the top edge.
    package var y: Double

    /// A point.
    package init(_ x: Double, _ y: Double) {
        self.x = x
        self.y = y
    }

    /// The point at `radius` pixels from `centre`, `turns` clockwise from twelve o'clock.
    package static func onCircle(_ centre: Point, radius: Double, turns: Double) -> Point {
        let (sine, cosine) = Turn.sineAndCosine(turns)
        return Point(centre.x + radius * sine, centre.y - radius * cosine)
    }
}

/// Sine and cosine in plain arithmetic. The system's functions differ in their last bits between systems, and generated
/// images must not.
package enum Turn {
    /// Of an angle in turns.
    package static func sineAndCosine(_ turns: Double) -> (sine: Double, cosine: Double) {
        let eighths = (turns - turns.rounded(.down)) * 8
        // The multiple of a quarter turn that is nearest, and the rest, at most an eighth of a turn.
        let quarter = (eighths / 2).rounded()
        let angle = (eighths - quarter * 2) * (Double.pi / 4)
        let square = angle * angle
        let sine =
            angle
            * (1 - square / 6 * (1 - square / 20 * (1 - square / 42 * (1 - square / 72 * (1 - square / 110)))))
        let cosine =
            1 - square / 2 * (1 - square / 12 * (1 - square / 30 * (1 - square / 56 * (1 - square / 90))))
        switch Int(quarter) % 4 {
        case 0: return (sine, cosine)
        case 1: return (cosine, -sine)
        case 2: return (-sine, -cosine)
        default: return (-cosine, sine)
        }
    }
}

/// Closed contours that are filled together. Contours that run clockwise add coverage; those that run counterclockwise
/// take it away, which makes holes.
package struct Outline: Sendable, Equatable {
    /// The corners of each contour.
    package private(set) var contours: [[Point]]

    /// An outline without contours.
    package init() { contours = [] }

    /// A polygon. The order of its corners does not matter.
    package init(polygon corners: [Point]) {
        contours = [Self.isClockwise(corners) ? corners : corners.reversed()]
    }

    /// A rectangle.
    package init(x: Double, y: Double, width: Double, height: Double) {
        contours = [
            [Point(x, y), Point(x + width, y), Point(x + width, y + height), Point(x, y + height)]
        ]
    }

    /// A rectangle with round corners.
    package init(x: Double, y: Double, width: Double, height: Double, radius: Double) {
        let radius = max(0, min(radius, min(width, height) / 2))
        guard radius > 0.25 else {
            self = Outline(x: x, y: y, width: width, height: height)
            return
        }
        let (left, right) = (x + radius, x + width - radius)
        let (top, bottom) = (y + radius, y + height - radius)
        let centres = [Point(right, top), Point(right, bottom), Point(left, bottom), Point(left, top)]
        let steps = max(2, Self.segments(radius: radius) / 4)
        contours = [
            centres.enumerated().flatMap { corner, centre in
                (0...steps).map {
                    Point.onCircle(
                        centre, radius: radius, turns: Double(corner) / 4 + Double($0) / Double(4 * steps))
                }
            }
        ]
    }

    /// An ellipse.
    package init(ellipseAt centre: Point, width: Double, height: Double) {
        let count = Self.segments(radius: max(width, height) / 2)
        contours = [
            (0..<count).map {
                let (sine, cosine) = Turn.sineAndCosine(Double($0) / Double(count))
                return Point(centre.x + width / 2 * sine, centre.y - height / 2 * cosine)
            }
        ]
    }

    /// A circle.
    package init(circleAt centre: Point, radius: Double) {
        self.init(ellipseAt: centre, width: 2 * radius, height: 2 * radius)
    }

    /// A part of a pie between two angles in turns clockwise from twelve o'clock, with a hole of `inner` pixels.
    package init(sectorAt centre: Point, radius: Double, inner: Double = 0, from start: Double, to end: Double) {
        let steps = max(2, Int((end - start) * Double(Self.segments(radius: radius))) + 1)
        let turns = (0...steps).map { start + (end - start) * Double($0) / Double(steps) }
        let outside = turns.map { Point.onCircle(centre, radius: radius, turns: $0) }
        let inside =
            inner > 0
            ? turns.reversed().map { Point.onCircle(centre, radius: inner, turns: $0) } : [centre]
        contours = [outside + inside]
    }

    /// A line through `points` with round joints and ends.
    package init(line points: [Point], width: Double) {
        contours = []
        for (from, to) in zip(points, points.dropFirst()) {
            let (dx, dy) = (to.x - from.x, to.y - from.y)
            let length = (dx * dx + dy * dy).squareRoot()
            guard length > 0 else { continue }
            let (x, y) = (-dy / length * width / 2, dx / length * width / 2)
            add(
                Outline(polygon: [
                    Point(from.x + x, from.y + y), Point(to.x + x, to.y + y), Point(to.x - x, to.y - y),
                    Point(from.x - x, from.y - y),
                ]))
        }
        guard points.count > 2 || width > 3 else { return }
        for point in points { add(Outline(circleAt: point, radius: width / 2)) }
    }

    /// A star with `points` points.
    package init(starAt centre: Point, radius: Double, inner: Double, points: Int = 5) {
        self.init(
            polygon: (0..<2 * points).map {
                Point.onCircle(
                    centre, radius: $0 % 2 == 0 ? radius : inner, turns: Double($0) / Double(2 * points))
            })
    }

    /// Adds the contours of `other`. Where both cover a pixel fully, it stays covered once.
    package mutating func add(_ other: Outline) { contours += other.contours }

    /// Cuts the contours of `other` out; it must lie inside.
    package mutating func cut(_ other: Outline) { contours += other.contours.map { $0.reversed() } }

    /// The borders of the contours: lines of `width` along their edges, with sharp corners.
    package func stroked(width: Double) -> Outline {
        var border = Outline()
        for contour in contours where contour.count > 2 {
            let outside = Self.shifted(contour, by: width / 2)
            let inside = Self.shifted(contour, by: -width / 2)
            border.contours +=
                Self.isClockwise(contour)
                ? [outside, inside.reversed()] : [inside.reversed(), outside]
        }
        return border
    }

    /// The contour moved outwards (for a clockwise one) by a distance. Corners are moved along their bisectors, by no
    /// more than four times the distance.
    private static func shifted(_ contour: [Point], by distance: Double) -> [Point] {
        contour.indices.map { index in
            let corner = contour[index]
            let before = normal(contour[(index + contour.count - 1) % contour.count], corner)
            let after = normal(corner, contour[(index + 1) % contour.count])
            let scale = distance / max(0.25, 1 + before.x * after.x + before.y * after.y)
            return Point(corner.x + (before.x + after.x) * scale, corner.y + (before.y + after.y) * scale)
        }
    }

    /// The unit vector to the left of the way from one point to another, which is outside of a clockwise contour.
    private static func normal(_ from: Point, _ to: Point) -> Point {
        let (dx, dy) = (to.x - from.x, to.y - from.y)
        let length = (dx * dx + dy * dy).squareRoot()
        return length > 0 ? Point(dy / length, -dx / length) : Point(0, 0)
    }

    /// The outline turned around `centre` by `turns` clockwise.
    package func turned(by turns: Double, around centre: Point) -> Outline {
        let (sine, cosine) = Turn.sineAndCosine(turns)
        return mapped {
            let (x, y) = ($0.x - centre.x, $0.y - centre.y)
            return Point(centre.x + x * cosine - y * sine, centre.y + x * sine + y * cosine)
        }
    }

    /// The outline moved to the right and down.
    package func moved(x: Double, y: Double) -> Outline { mapped { Point($0.x + x, $0.y + y) } }

    private func mapped(_ transform: (Point) -> Point) -> Outline {
        var result = self
        result.contours = contours.map { $0.map(transform) }
        return result
    }

    /// The smallest rectangle around all corners; nil without corners.
    package var bounds: (left: Double, top: Double, right: Double, bottom: Double)? {
        let points = contours.joined()
        guard let first = points.first else { return nil }
        var bounds = (left: first.x, top: first.y, right: first.x, bottom: first.y)
        for point in points {
            bounds.left = min(bounds.left, point.x)
            bounds.right = max(bounds.right, point.x)
            bounds.top = min(bounds.top, point.y)
            bounds.bottom = max(bounds.bottom, point.y)
        }
        return bounds
    }

    private static func segments(radius: Double) -> Int { max(12, 4 * Int(radius.squareRoot() * 2.5)) }

    /// By the sign of the area; y grows downwards.
    private static func isClockwise(_ corners: [Point]) -> Bool {
        guard let last = corners.last else { return true }
        var (area, before) = (0.0, last)
        for corner in corners {
            area += before.x * corner.y - corner.x * before.y
            before = corner
        }
        return area >= 0
    }
}

/// How much of each pixel an outline covers, inside a rectangle of pixels.
package struct CoverageMask: Sendable, Equatable {
    /// The first column.
    package let x: Int
    /// The first row.
    package let y: Int
    /// Columns.
    package let width: Int
    /// Rows.
    package let height: Int
    /// `[height, width]`, 0 to 255.
    package let values: [UInt8]

    /// The coverage of `outline` by exact areas, cut at the edges of a canvas; nil if the outline lies outside of it.
    ///
    /// Each edge adds its signed area to the pixels that it crosses, and a running sum over a row fills what lies to
    /// the right of it, as in font-rs (github.com/raphlinus/font-rs).
    package init?(of outline: Outline, canvasWidth: Int, canvasHeight: Int) {
        guard canvasWidth > 0, canvasHeight > 0, let bounds = outline.bounds else { return nil }
        let (left, top) = (Self.clamped(bounds.left, canvasWidth), Self.clamped(bounds.top, canvasHeight))
        let right = Self.clamped(bounds.right.rounded(.up), canvasWidth)
        let bottom = Self.clamped(bounds.bottom.rounded(.up), canvasHeight)
        guard left < right, top < bottom else { return nil }
        var sums = AreaSums(width: right - left, height: bottom - top)
        for contour in outline.contours {
            guard var from = contour.last else { continue }
            for to in contour {
                sums.add(
                    from: Point(from.x - Double(left), from.y - Double(top)),
                    to: Point(to.x - Double(left), to.y - Double(top)))
                from = to
            }
        }
        (x, y, width, height) = (left, top, right - left, bottom - top)
        values = sums.coverage
    }

    private static func clamped(_ position: Double, _ limit: Int) -> Int {
        Int(max(0, min(Double(limit), position.rounded(.down))))
    }
}

/// The signed areas of edges, pixel by pixel.
private struct AreaSums {
    private let width: Int
    private let height: Int
    /// Two more columns than the mask: an edge writes up to two pixels to its right.
    private let stride: Int
    private var sums: [Double]

    init(width: Int, height: Int) {
        self.width = width
        self.height = height
        stride = width + 2
        sums = [Double](repeating: 0, count: stride * height)
    }

    mutating func add(from start: Point, to end: Point) {
        guard start.y != end.y else { return }
        // Edges that run down lie on the right of a clockwise contour.
        let direction: Double = start.y < end.y ? -1 : 1
        let (upper, lower) = start.y < end.y ? (start, end) : (end, start)
        guard lower.y > 0, upper.y < Double(height) else { return }
        let slope = (lower.x - upper.x) / (lower.y - upper.y)
        var x = upper.x - min(0, upper.y) * slope
        for row in Int(max(0, upper.y))..<min(height, Int(lower.y.rounded(.up))) {
            let rows = min(Double(row + 1), lower.y) - max(Double(row), upper.y)
            let next = x + slope * rows
            let (one, other) = (min(x, next), max(x, next))
            add(
                from: max(0, min(Double(width), one)), to: max(0, min(Double(width), other)), row: row,
                amount: rows * direction)
            x = next
        }
    }

    /// Adds an edge that crosses a row between two columns.
    private mutating func add(from left: Double, to right: Double, row: Int, amount: Double) {
        let start = row * stride
        let (first, end) = (Int(left), Int(right.rounded(.up)))
        guard end > first + 1 else {
            let middle = (left + right) / 2 - Double(first)
            sums[start + first] += amount * (1 - middle)
            sums[start + first + 1] += amount * middle
            return
        }
        // The covered area of each pixel grows with the square of the way inside it.
        var before = 0.0
        let step = 1 / (right - left)
        for column in first..<end {
            let (enter, leave) = (max(left, Double(column)), min(right, Double(column + 1)))
            let through = (leave - enter) * step
            let reach = Double(column + 1) - (enter + leave) / 2
            let area = (enter - left) * step * 1 + through * reach
            sums[start + column] += amount * (area - before)
            before = area
        }
        sums[start + end] += amount * (1 - before)
    }

    var coverage: [UInt8] {
        var values = [UInt8](repeating: 0, count: width * height)
        for row in 0..<height {
            var sum = 0.0
            for column in 0..<width {
                sum += sums[row * stride + column]
                values[row * width + column] = UInt8(max(0, min(1, sum)) * 255 + 0.5)
            }
        }
        return values
    }
}
