/// The classes of characters that regular expressions have names for.
extension ScalarSet {
    static let dot = ScalarSet("\n\r\u{2028}\u{2029}").inverted
    static let noDigits = digits.inverted.subtracting(otherDigits)
    static let noWord = word.inverted.intersection(ScalarSet([0...0x7F]))
    static let noSpace = space.inverted.subtracting(otherSpace)
    static let digits = ScalarSet("0123456789")
    static let word = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    static let space = ScalarSet([0x09...0x0D, 0x20...0x20])
    /// White space beyond ASCII, and the separators of ASCII that Python counts as white space.
    private static let otherSpace = ScalarSet([
        0x1C...0x1F, 0x85...0x85, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029, 0x202F...0x202F,
        0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
    ])
    /// Decimal digits beyond ASCII.
    private static let otherDigits = ScalarSet(
        (0x80...0x1FFFF).compactMap { value -> ClosedRange<UInt32>? in
            guard let scalar = Unicode.Scalar(UInt32(value)),
                scalar.properties.generalCategory == .decimalNumber
            else { return nil }
            return scalar.value...scalar.value
        })
}
