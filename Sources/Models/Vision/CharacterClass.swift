/// The printable characters of ASCII as classes: 0 is none, then U+0020 to U+007E.
package enum CharacterClass {
    /// The number of classes.
    package static let count = 96

    /// The columns of a patch in which characters are found; each has its own logits.
    package static let columnsPerPatch = 2

    /// The class of a character; nil for one outside of ASCII.
    package static func number(of scalar: Unicode.Scalar) -> Int32? {
        (0x20...0x7E).contains(scalar.value) ? Int32(scalar.value) - 0x1F : nil
    }

    /// All characters in the order of their classes, from class 1 on.
    package static let scalars = (0x20...0x7E).compactMap { Unicode.Scalar($0) }
}
