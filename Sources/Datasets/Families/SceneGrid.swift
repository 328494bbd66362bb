import Support

/// Positions of objects: outlines do not touch, and each square of 16 pixels has no more than one centre. A visual
/// token covers one such square.
enum SceneGrid {
    /// Pixels per square.
    static let pitch = 16
    /// Squares per side.
    static let side = ShapeScene.side / pitch

    /// An object's box in quarters of a pixel.
    struct Placement {
        var x: Int
        var y: Int
        let width: Int
        let height: Int

        /// In quarters of a pixel.
        var centreX: Int { x + width / 2 }
        /// In quarters of a pixel.
        var centreY: Int { y + height / 2 }
        /// In pixels.
        var centre: (x: Int, y: Int) { (centreX / 4, centreY / 4) }

        init(width: Int, height: Int, centreX: Int, centreY: Int) {
            x = centreX - width / 2
            y = centreY - height / 2
            self.width = width
            self.height = height
        }

        /// Whether the box is at least one pixel from the image's edges.
        var isInside: Bool {
            let end = 4 * ShapeScene.side - 4
            return x >= 4 && y >= 4 && x + width <= end && y + height <= end
        }

        /// Whether there are two pixels or more between the boxes.
        func isApart(from other: Placement) -> Bool {
            let gap = 8
            return x + width + gap <= other.x || other.x + other.width + gap <= x
                || y + height + gap <= other.y || other.y + other.height + gap <= y
        }

        func sharesSquare(with other: Placement) -> Bool {
            centre.x / pitch == other.centre.x / pitch && centre.y / pitch == other.centre.y / pitch
        }
    }

    /// Width and height in quarters of a pixel.
    typealias Extent = (width: Int, height: Int)

    /// Positions in separate squares, for up to 16 objects of up to 14 pixels.
    static func counted(_ extents: [Extent], _ rules: HeldOutRules, _ generator: inout SplitMix64) -> [Placement] {
        var places: [Placement] = []
        for (extent, square) in zip(extents, squares(extents.count, rules, &generator)) {
            let (x, y) = (square % side * 4 * pitch + 2 * pitch, square / side * 4 * pitch + 2 * pitch)
            var place = Placement(width: extent.width, height: extent.height, centreX: x, centreY: y)
            // Objects in the middle of their squares never touch, at any size.
            for _ in 0..<12 {
                let moved = Placement(
                    width: extent.width, height: extent.height, centreX: x + generator.draw(-14...14),
                    centreY: y + generator.draw(-14...14))
                if moved.isInside && places.allSatisfy({ moved.isApart(from: $0) }) {
                    place = moved
                    break
                }
            }
            places.append(place)
        }
        return separated(places) ? places : counted(extents, rules, &generator)
    }

    private static func separated(_ places: [Placement]) -> Bool {
        places.indices.allSatisfy { index in places[..<index].allSatisfy { places[index].isApart(from: $0) } }
    }

    private static func squares(
        _ count: Int, _ rules: HeldOutRules, _ generator: inout SplitMix64
    ) -> ArraySlice<Int> {
        if rules.split == .test, (3...side).contains(count), generator.draw(0...3) == 0 {
            return generator.shuffled((0..<side).map { $0 * (side + 1) }).prefix(count)
        }
        while true {
            let squares = generator.shuffled(Array(0..<side * side)).prefix(count)
            if rules.allows(centres: squares.map { ($0 % side * pitch, $0 / side * pitch) }) { return squares }
        }
    }

    /// Positions anywhere. If given, `first` is the range for the first object's centre, in quarters of a pixel.
    static func scattered(
        _ extents: [Extent], first: (x: ClosedRange<Int>, y: ClosedRange<Int>)? = nil, _ rules: HeldOutRules,
        _ generator: inout SplitMix64
    ) -> [Placement] {
        let isDiagonal = rules.split == .test && extents.count == 3 && first == nil && generator.draw(0...3) == 0
        var extents = extents
        while true {
            for _ in 0..<32 {
                guard let places = attempt(extents, first, &generator) else { continue }
                let centres = places.map(\.centre)
                if rules.allows(centres: centres), !isDiagonal || HeldOutRules.isDiagonal(centres) { return places }
            }
            extents = extents.map { ($0.width * 15 / 16, $0.height * 15 / 16) }
        }
    }

    private static func attempt(
        _ extents: [Extent], _ first: (x: ClosedRange<Int>, y: ClosedRange<Int>)?, _ generator: inout SplitMix64
    ) -> [Placement]? {
        var places: [Placement] = []
        for extent in extents {
            let range = places.isEmpty ? first : nil
            let whole = 4 * ShapeScene.side
            let columns = range?.x ?? (extent.width / 2 + 4)...(whole - 4 - extent.width / 2)
            let rows = range?.y ?? (extent.height / 2 + 4)...(whole - 4 - extent.height / 2)
            var free: Placement?
            for _ in 0..<8 where free == nil {
                let place = Placement(
                    width: extent.width, height: extent.height, centreX: generator.draw(columns),
                    centreY: generator.draw(rows))
                let isFree = places.allSatisfy { place.isApart(from: $0) && !place.sharesSquare(with: $0) }
                if place.isInside && isFree { free = place }
            }
            guard let free else { return nil }
            places.append(free)
        }
        return places
    }
}
