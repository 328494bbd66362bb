import Datasets

/// A thing that a text names.
struct Mention {
    /// Its form; nil if the noun says none.
    var shape: SceneShape?
    /// Whether the noun asks for sides of one length.
    var isSquare = false
    /// Its colour as said before the noun.
    var colour: String?
    /// Its size as said before the noun.
    var isLarge: Bool?
    /// What is written, of a written thing.
    var glyphs: String?
    /// A noun for something that no generated image shows.
    var stranger: String?
    /// How many, if a number says so.
    var count: Int?
    /// Whether the noun is "one" or "ones".
    var isPronoun = false
    /// Whether the noun is a plural.
    var isPlural = false
    /// Whether "a" or "an" introduces it.
    var isIndefinite = false
    /// Whether it is said not to be there.
    var isDenied = false
    /// The colour that a verb gives it ("the star is red").
    var claimedColour: String?
    /// The size that a verb gives it.
    var claimedSize: Bool?
    /// Its tokens, determiner included.
    var range: Range<Int>

    /// Whether the noun says nothing about the thing.
    var isGeneric: Bool { shape == nil && glyphs == nil && stranger == nil }

    /// Whether nothing at all is said about it.
    var isBare: Bool { isGeneric && colour == nil && isLarge == nil }

    /// Whether the object can be meant. A size counts only where the scene has two.
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

    /// Whether this says at least as much as `other`, and the same.
    func specialises(_ other: Mention) -> Bool {
        (other.shape == nil || shape == other.shape) && (other.colour == nil || colour == other.colour)
            && (other.isLarge == nil || isLarge == other.isLarge) && stranger == other.stranger
    }

    /// As a report names it.
    var words: String {
        let size = isLarge.map { $0 ? "large" : "small" }
        return [size, colour, stranger ?? glyphs ?? shape?.rawValue ?? "thing"].compactMap { $0 }
            .joined(separator: " ")
    }
}
