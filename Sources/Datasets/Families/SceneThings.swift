import Support

/// The objects of a scene before it is drawn, and their names in questions.
struct SceneThings {
    /// One object.
    struct Thing {
        let pair: HeldOutRules.Pair
        /// Whether it is large, in scenes with two sizes.
        let isLarge: Bool?
        let place: SceneGrid.Placement
    }

    let things: [Thing]

    /// Objects anywhere, with `widths` in pixels. If given, `first` is the range for the first object's centre, in
    /// quarters of a pixel.
    init(
        _ pairs: [HeldOutRules.Pair], widths: [ClosedRange<Int>], areLarge: [Bool]? = nil,
        first: (x: ClosedRange<Int>, y: ClosedRange<Int>)? = nil, _ rules: HeldOutRules,
        _ generator: inout SplitMix64
    ) {
        let extents = zip(pairs, widths).map { pair, range in
            let quarters = range.lowerBound * 4...range.upperBound * 4
            return SceneOutline.extent(
                of: pair.shape, width: generator.draw(quarters), height: generator.draw(quarters))
        }
        let places = SceneGrid.scattered(extents, first: first, rules, &generator)
        things = pairs.indices.map { Thing(pair: pairs[$0], isLarge: areLarge?[$0], place: places[$0]) }
    }

    /// Objects in separate squares, up to 16.
    init(apart pairs: [HeldOutRules.Pair], _ rules: HeldOutRules, _ generator: inout SplitMix64) {
        let extents = pairs.map { pair in
            SceneOutline.extent(
                of: pair.shape, width: generator.draw(36...56), height: generator.draw(36...56))
        }
        let places = SceneGrid.counted(extents, rules, &generator)
        things = zip(pairs, places).map { Thing(pair: $0, isLarge: nil, place: $1) }
    }

    /// Draws the objects.
    func scene(_ generator: inout SplitMix64) -> Scene {
        var canvas = SceneCanvas(&generator)
        for thing in things {
            canvas.draw(thing.pair.shape, thing.pair.colour, isLarge: thing.isLarge, at: thing.place, &generator)
        }
        return canvas.scene(&generator)
    }

    /// Row by row of the squares that contain their centres: the order of an image's visual tokens.
    var inReadingOrder: [Thing] {
        things.sorted { one, other in
            let (one, other) = (one.place.centre, other.place.centre)
            return (one.y / SceneGrid.pitch, one.x) < (other.y / SceneGrid.pitch, other.x)
        }
    }

    /// Whether no other object has its shape.
    func hasOwnShape(_ index: Int) -> Bool {
        things.count { $0.pair.shape == things[index].pair.shape } == 1
    }

    /// Whether no other object has its colour.
    func hasOwnColour(_ index: Int) -> Bool {
        things.count { $0.pair.colour == things[index].pair.colour } == 1
    }

    /// "star" if that is unambiguous, but by chance "red star" even then.
    func name(_ index: Int, _ generator: inout SplitMix64) -> String {
        let isShort = generator.draw(0...2) > 0
        let pair = things[index].pair
        return isShort && hasOwnShape(index) ? pair.shape.rawValue : pair.name
    }

    /// The truth that one object is meant and no other; `mentioned` are the objects that the question names.
    func truth(_ meant: Int, mentioned: [Int]) -> GroundTruth {
        let pair = things[meant].pair
        let taken = ([meant] + mentioned).flatMap { things[$0].pair.words }
        let others = things.indices.filter { $0 != meant && !mentioned.contains($0) }
        let right =
            [pair.name] + (hasOwnShape(meant) ? [pair.shape.rawValue] : [])
            + (hasOwnColour(meant) ? [pair.colour.rawValue] : [])
        var wrong: [String] = []
        for word in others.flatMap({ [things[$0].pair.name] + things[$0].pair.words })
        where !taken.contains(word) && !wrong.contains(word) { wrong.append(word) }
        return .words(right: right, wrong: wrong)
    }
}

extension HeldOutRules.Pair {
    /// "red star".
    var name: String { "\(colour) \(shape)" }
    /// Colour and shape.
    var words: [String] { [colour.rawValue, shape.rawValue] }
}

extension HeldOutRules {
    /// Distinct pairs.
    func distinctPairs(_ count: Int, _ generator: inout SplitMix64) -> [Pair] {
        Array(generator.shuffled(pairs).prefix(count))
    }
}
