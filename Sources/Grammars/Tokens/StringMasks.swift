/// The machine of a JSON string's content, from behind the opening quote to the closing one.
///
/// Characters are written as they are. Only what must be escaped is, in its short form, so that each character has one
/// spelling; control characters without a short form are not written.
enum StringMachine {
    /// Between two characters.
    static let between: Int32 = 0
    private static let escape: Int32 = 1
    /// What follows the closing quote.
    static let closed: Int32 = -2
    /// No string goes on so.
    static let dead: Int32 = -1

    /// The state after a byte.
    static func next(_ state: Int32, _ byte: UInt8) -> Int32 {
        switch state {
        case between: return first(byte)
        case escape:
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
                UInt8(ascii: "r"), UInt8(ascii: "t"):
                return between
            default: return dead
            }
        // One and two bytes of a character are missing, and any will do; then those behind E0, ED, F0 and F4.
        case 2: return (0x80...0xBF).contains(byte) ? between : dead
        case 3: return (0x80...0xBF).contains(byte) ? 2 : dead
        case 4: return (0xA0...0xBF).contains(byte) ? 2 : dead
        case 5: return (0x80...0x9F).contains(byte) ? 2 : dead
        case 6: return (0x90...0xBF).contains(byte) ? 3 : dead
        case 7: return (0x80...0xBF).contains(byte) ? 3 : dead
        default: return (0x80...0x8F).contains(byte) ? 3 : dead
        }
    }

    /// The bytes that the character of a state still lacks.
    static func missingBytes(_ state: Int32) -> Int {
        switch state {
        case between: 0
        case escape, 2: 1
        case 3, 4, 5: 2
        default: 3
        }
    }

    private static func first(_ byte: UInt8) -> Int32 {
        switch byte {
        case UInt8(ascii: "\""): closed
        case UInt8(ascii: "\\"): escape
        case 0x20...0x7F: between
        case 0xC2...0xDF: 2
        case 0xE0: 4
        case 0xED: 5
        case 0xE1...0xEF: 3
        case 0xF0: 6
        case 0xF1...0xF3: 7
        case 0xF4: 8
        default: dead
        }
    }
}

/// For each state inside a JSON string, the tokens that go on with it. They are the same in every grammar.
struct StringMasks {
    /// The tokens from one state.
    struct Entry {
        /// The nodes of the vocabulary's tree whose text stays inside the string, with the characters that it begins.
        fileprivate var open: [(node: Int32, characters: Int32)] = []
        /// The nodes whose last byte closes the string, with the characters before.
        fileprivate(set) var closing: [(node: Int32, characters: Int32)] = []
        /// The masks of `open` up to a number of characters.
        fileprivate var masks: [Int32: [UInt64]] = [:]
        /// The greatest number of characters of a token.
        fileprivate(set) var longest: Int32 = 0
    }

    private var entries: [Int32: Entry] = [:]

    /// The tokens that close the string.
    mutating func closing(_ state: Int32, _ vocabulary: TokenVocabulary) -> [(node: Int32, characters: Int32)] {
        entry(state, vocabulary).closing
    }

    /// The greatest number of characters that a token begins.
    mutating func longest(_ state: Int32, _ vocabulary: TokenVocabulary) -> Int32 { entry(state, vocabulary).longest }

    /// The mask of the tokens that stay inside the string and begin at most `room` characters.
    mutating func open(_ state: Int32, room: Int32, _ vocabulary: TokenVocabulary) -> [UInt64] {
        let entry = entry(state, vocabulary)
        let room = min(room, entry.longest)
        if let mask = entry.masks[room] { return mask }
        var bits = MaskBits(count: vocabulary.count)
        for (node, characters) in entry.open where characters <= room {
            bits.insert(vocabulary.tokens(at: Int(node)))
        }
        entries[state]?.masks[room] = bits.words
        return bits.words
    }

    private mutating func entry(_ state: Int32, _ vocabulary: TokenVocabulary) -> Entry {
        if let entry = entries[state] { return entry }
        var entry = Entry()
        var states = [Int32](repeating: 0, count: vocabulary.longest + 1)
        var characters = states
        states[0] = state
        var node = 1
        while node < vocabulary.bytes.count {
            let depth = Int(vocabulary.depths[node])
            let before = states[depth - 1]
            let after = StringMachine.next(before, vocabulary.bytes[node])
            if after < 0 {
                if after == StringMachine.closed { entry.closing.append((Int32(node), characters[depth - 1])) }
                node = Int(vocabulary.ends[node])
                continue
            }
            states[depth] = after
            characters[depth] = characters[depth - 1] + (before == StringMachine.between ? 1 : 0)
            if !vocabulary.tokens(at: node).isEmpty {
                entry.open.append((Int32(node), characters[depth]))
                entry.longest = max(entry.longest, characters[depth])
            }
            node += 1
        }
        entries[state] = entry
        return entry
    }
}
