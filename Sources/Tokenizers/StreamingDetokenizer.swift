/// Turns ids into text one by one and never prints half a character: bytes wait until their character is complete.
///
/// Bytes that can never become UTF-8 print one U+FFFD for each maximal subpart (Unicode 17, section 3.9; WHATWG
/// decoders and Python do the same), and an unfinished character at the very end prints nothing. So the joined pieces
/// equal `Tokenizer.decode` of all ids, byte for byte. Control tokens print nothing and separate nothing.
public struct StreamingDetokenizer: Sendable {
    private let tokenizer: Tokenizer
    private var pending: [UInt8] = []  // the first bytes of an unfinished character: at most 3
    private var dropsSpace: Bool  // until the first byte is printed

    /// A detokenizer at the start of a text.
    public init(_ tokenizer: Tokenizer) {
        self.tokenizer = tokenizer
        dropsSpace = tokenizer.vocabulary.rules.dropsFirstSpace
    }

    /// The text that token `id` completes: often a word, possibly nothing. The id must be below the vocabulary's size.
    public mutating func append(_ id: Int32) -> String {
        var bytes = pending + tokenizer.bytes(of: id)
        if dropsSpace, let first = bytes.first {
            if first == UInt8(ascii: " ") { bytes.removeFirst() }
            dropsSpace = false
        }
        let whole = bytes.count - unfinishedCharacter(endOf: bytes)
        pending = Array(bytes[whole...])
        return String(decoding: bytes[..<whole], as: UTF8.self)
    }
}

/// The number of bytes at the end of `bytes` that begin a character without completing it: 0 to 3.
///
/// Only a lead byte begins a character, and a decoder resumes at every lead byte, so the last lead byte determines the
/// result (Unicode 17, table 3-7).
func unfinishedCharacter(endOf bytes: [UInt8]) -> Int {
    guard let start = bytes.suffix(3).lastIndex(where: { $0 & 0xC0 != 0x80 }) else { return 0 }
    let found = bytes.count - start
    let (length, second): (Int, ClosedRange<UInt8>) =
        switch bytes[start] {
        case 0xC2...0xDF: (2, 0x80...0xBF)
        case 0xE0: (3, 0xA0...0xBF)
        case 0xED: (3, 0x80...0x9F)
        case 0xE1...0xEF: (3, 0x80...0xBF)
        case 0xF0: (4, 0x90...0xBF)
        case 0xF1...0xF3: (4, 0x80...0xBF)
        case 0xF4: (4, 0x80...0x8F)
        default: (1, 0x80...0xBF)
        }
    guard found < length, found == 1 || second.contains(bytes[start + 1]) else { return 0 }
    return found
}
