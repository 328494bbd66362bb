/// What a tokenizer does with text before any merge.
struct TextRules: Sendable, Equatable {
    /// The smallest tokens.
    enum Alphabet: Sendable, Equatable {
        /// Bytes: byte-level BPE.
        case bytes
        /// Characters, and bytes for characters that the vocabulary lacks. A space is U+2581: SentencePiece.
        case characters
    }

    /// Where a space is put before text, in the alphabet of characters. A piece is the text between whole tokens.
    enum SpacePrefix: Sendable, Equatable {
        /// Nowhere.
        case none
        /// Before a text that does not begin with a space or a whole token.
        case text
        /// Before each piece that does not begin with a space.
        case piece
        /// Before each piece.
        case everyPiece
    }

    /// The smallest tokens.
    var alphabet: Alphabet
    /// How text is split into words; nil if merges may cross all of it.
    var words: PreTokenizer?
    /// Whether text is brought to Unicode's form NFC first.
    var composes = false
    /// Whether a word that is a token stays whole, whatever the merges make of it.
    var ignoresMerges = false
    /// Where a space is put before text.
    var prefix = SpacePrefix.none
    /// Whether a space at the very beginning of printed text is dropped, because encoding put it there.
    var dropsFirstSpace = false

    /// Whether the prefix and the marks for spaces are part of the text in which normalized whole tokens are found.
    var marksFirst: Bool { alphabet == .characters && (prefix == .none || prefix == .everyPiece) }
}

/// The character that stands for a space in SentencePiece vocabularies, U+2581.
enum SpaceMark {
    static let scalar: Unicode.Scalar = "\u{2581}"
    static let utf8: [UInt8] = [0xE2, 0x96, 0x81]

    /// `text` with each space as a mark, and with a mark before it where `prefix` wants one.
    static func marked(_ text: ArraySlice<UInt8>, prefix: TextRules.SpacePrefix, isFirst: Bool) -> [UInt8] {
        var marked: [UInt8] = []
        marked.reserveCapacity(text.count + 3)
        let begins = text.first == UInt8(ascii: " ") || text.starts(with: utf8)
        switch prefix {
        case .everyPiece: marked += utf8
        case .piece where !begins, .text where isFirst && !begins: marked += utf8
        case .none, .piece, .text: break
        }
        for byte in text {
            if byte == UInt8(ascii: " ") { marked += utf8 } else { marked.append(byte) }
        }
        return marked
    }

    /// The bytes that a token's text prints: spaces for marks.
    static func printed(_ text: String) -> [UInt8] {
        var printed: [UInt8] = []
        printed.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            if scalar == Self.scalar {
                printed.append(UInt8(ascii: " "))
            } else {
                printed += Array(String(scalar).utf8)
            }
        }
        return printed
    }
}
