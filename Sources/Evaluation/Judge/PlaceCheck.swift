import Datasets

/// The positions and relations that an answer claims for the things it names, and how many of them are true.
struct PlaceCheck {
    /// The number of true claims.
    let right: Int
    /// The number of false claims.
    let wrong: Int

    /// A claim is true if it holds for some objects that fit. Left, right, top and bottom are halves of the image; its
    /// centre is the middle quarter.
    init(reading: AnswerReading, objects: [SceneObject]) {
        let tokens = reading.text.tokens
        let things = reading.mentions.filter { !$0.isDenied }
        var results: [Bool] = []
        for (index, segment) in Self.segments(between: things, in: tokens).enumerated() {
            for part in segment {
                let words = Array(tokens[part.range])
                let before = index > 0 ? things[index - 1] : nil
                let after = index < things.count ? things[index] : nil
                if let relation = Relation(words), let before, let after, part.touchesNext {
                    results.append(Self.holds(relation, before, after, objects))
                } else if let thing = part.belongsToNext ? after ?? before : before ?? after {
                    results += Self.places(words).map { place in
                        objects.contains { thing.fits($0) && place.holds($0.box) }
                    }
                }
            }
        }
        right = results.count { $0 }
        wrong = results.count { !$0 }
    }

    private struct Part {
        var range: Range<Int>
        /// Whether it is about the thing after it.
        var belongsToNext: Bool
        /// Whether nothing separates it from the thing after it.
        var touchesNext: Bool
    }

    /// The words between things, cut at marks and "and". Words before a cut are about the thing before them; words
    /// after the last cut are about the thing after them.
    private static func segments(between things: [Mention], in tokens: [String]) -> [[Part]] {
        let ends = [0] + things.map(\.range.upperBound)
        let starts = things.map(\.range.lowerBound) + [tokens.count]
        return zip(ends, starts).map { end, start in
            guard end < start else { return [] }
            var parts: [Part] = []
            var from = end
            for index in end...start {
                let isCut =
                    index == start || AnswerText.isMark(tokens[index]) || tokens[index] == "and"
                    || AnswerText.turns.contains(tokens[index])
                guard isCut else { continue }
                let isLast = index == start
                parts.append(Part(range: from..<index, belongsToNext: isLast && from > end, touchesNext: isLast))
                from = min(index + 1, start)
            }
            return parts
        }
    }

    private static func holds(
        _ relation: Relation, _ first: Mention, _ second: Mention, _ objects: [SceneObject]
    ) -> Bool {
        objects.indices.contains { one in
            first.fits(objects[one])
                && objects.indices.contains { other in
                    one != other && second.fits(objects[other])
                        && relation.holds(objects[one].box, objects[other].box)
                }
        }
    }

    private static func places(_ words: [String]) -> [Place] {
        words.compactMap(Place.init)
    }
}

/// A part of the image.
private enum Place: String {
    case left, right, top, bottom, center

    func holds(_ box: ShapeScene.Box) -> Bool {
        let (x, y) = box.centre
        let middle = Double(ShapeScene.side) / 2
        return switch self {
        case .left: x < middle
        case .right: x > middle
        case .top: y < middle
        case .bottom: y > middle
        case .center: abs(x - middle) <= middle / 2 && abs(y - middle) <= middle / 2
        }
    }
}

/// Where one thing is relative to another.
private enum Relation {
    case left, right, above, below

    init?(_ words: [String]) {
        let pairs = zip(words, words.dropFirst()).map { "\($0) \($1)" }
        if pairs.contains("left of") {
            self = .left
        } else if pairs.contains("right of") {
            self = .right
        } else if words.contains("above") || pairs.contains("top of") {
            self = .above
        } else if words.contains("below") {
            self = .below
        } else {
            return nil
        }
    }

    func holds(_ one: ShapeScene.Box, _ other: ShapeScene.Box) -> Bool {
        switch self {
        case .left: one.centre.x < other.centre.x
        case .right: one.centre.x > other.centre.x
        case .above: one.centre.y < other.centre.y
        case .below: one.centre.y > other.centre.y
        }
    }
}

extension ShapeScene.Box {
    fileprivate var centre: (x: Double, y: Double) {
        (Double(x) + Double(width) / 2, Double(y) + Double(height) / 2)
    }
}
