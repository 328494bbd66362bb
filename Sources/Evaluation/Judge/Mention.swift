import Datasets

/// A thing that a text names.
struct Mention {
    /// Its form; nil if the noun names none.
    var shape: SceneShape?
    /// Whether the noun demands sides of equal length.
    var isSquare = false
    /// The colour before the noun.
    var colour: String?
    /// Whether the size before the noun is large; nil for no size.
    var isLarge: Bool?
    /// The characters, for a written thing.
    var glyphs: String?
    /// The noun of a thing that no generated image shows.
    var stranger: String?
    /// The number before the noun, if there is one.
    var count: Int?
    /// Whether the noun is "one" or "ones".
    var isPronoun = false
    /// Whether the noun is a plural.
    var isPlural = false
    /// Whether "a" or "an" introduces it.
    var isIndefinite = false
    /// Whether the text says that it is absent.
    var isDenied = false
    /// The colour after a verb ("the star is red").
    var claimedColour: String?
    /// Whether the size after a verb is large; nil for no size.
    var claimedSize: Bool?
    /// Its tokens, including the determiner.
    var range: Range<Int>

    /// Whether the noun names no kind of thing.
    var isGeneric: Bool { shape == nil && glyphs == nil && stranger == nil }

    /// Whether neither noun nor adjectives say anything about it.
    var isBare: Bool { isGeneric && colour == nil && isLarge == nil }

    /// Whether the mention can mean the object. A size counts only in a scene with two sizes.
    func fits(_ object: SceneObject, withClaims: Bool = true) -> Bool {
        if stranger != nil { return false }
        if let shape {
            guard object.kind == .shape(shape) else { return false }
            let ratio = Double(object.box.width) / Double(object.box.height)
            if isSquare, !(0.85...1.18).contains(ratio) { return false }
        }
        if let glyphs {
            guard case .glyph(let glyph) = object.kind, glyphs.contains(glyph.lowercased()) else { return false }
        }
        let colours = withClaims ? [colour, claimedColour] : [colour]
        if colours.contains(where: { $0 != nil && $0 != object.colour.rawValue }) { return false }
        guard withClaims, let isLarge = object.isLarge else { return true }
        return [self.isLarge, claimedSize].allSatisfy { $0 == nil || $0 == isLarge }
    }

    /// Whether the mention is consistent with `other` and at least as specific.
    func specialises(_ other: Mention) -> Bool {
        (other.shape == nil || shape == other.shape) && (other.colour == nil || colour == other.colour)
            && (other.isLarge == nil || isLarge == other.isLarge) && stranger == other.stranger
    }

    /// The mention's name in reports.
    var words: String {
        let size = isLarge.map { $0 ? "large" : "small" }
        return [size, colour, stranger ?? glyphs ?? shape?.rawValue ?? "thing"].compactMap { $0 }
            .joined(separator: " ")
    }
}
