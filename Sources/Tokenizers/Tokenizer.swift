/// How `Tokenizer.encode` treats text that looks like a control token. User-defined tokens are plain text: they are
/// found in both cases.
public enum SpecialTokens: Sendable {
    /// It is ordinary text: for text that users write.
    case asText
    /// It becomes the token's single id: for raw completions.
    case recognized
}

/// Byte pair encoding, of bytes or of characters, equal to the Hugging Face tokenizer that a model was trained with.
///
/// As in the Hugging Face tokenizer (`unk_token` null), bytes that a vocabulary of bytes cannot spell are dropped
/// before any merge: SmolLM2 has no token for 21 of the 256 bytes, among them U+0004 and the first byte of planes 4
/// to 11.
public struct Tokenizer: Sendable {
    /// The vocabulary that the tokenizer was made from.
    public let vocabulary: Vocabulary
    private let byteTokens: [Int32]  // by byte; -1 if there is none
    private let characterTokens: [UInt32: Int32]  // by scalar, in the alphabet of characters
    private let words: [[UInt8]: Int32]  // the words that are tokens, where merges are ignored for them
    private let rawTokens: WholeTokens
    private let normalizedTokens: WholeTokens

    /// A tokenizer over a checked vocabulary.
    public init(_ vocabulary: Vocabulary) {
        self.vocabulary = vocabulary
        let isCharacters = vocabulary.rules.alphabet == .characters
        var byteTokens = [Int32](repeating: -1, count: 256)
        var characterTokens: [UInt32: Int32] = [:]
        var words: [[UInt8]: Int32] = [:]
        for (id, kind) in vocabulary.kinds.enumerated() where [.normal, .userDefined, .byte].contains(kind) {
            let spelling = vocabulary.spellings[id]
            if kind == (isCharacters ? .byte : .normal), spelling.count == 1 {
                byteTokens[Int(spelling[0])] = Int32(id)
            }
            if isCharacters, kind != .byte {
                let scalars = vocabulary.tokens[id].unicodeScalars
                if let only = scalars.first, scalars.count == 1 { characterTokens[only.value] = Int32(id) }
            }
            if vocabulary.rules.ignoresMerges, kind == .normal { words[spelling] = Int32(id) }
        }
        self.byteTokens = byteTokens
        self.characterTokens = characterTokens
        self.words = words
        rawTokens = WholeTokens(vocabulary.wholeTokens.raw)
        normalizedTokens = WholeTokens(vocabulary.wholeTokens.normalized)
    }

    /// The number of ids: they are `0..<vocabularySize`.
    public var vocabularySize: Int { vocabulary.tokens.count }

    /// Whether the first blank of a text is not printed.
    public var dropsFirstSpace: Bool { vocabulary.rules.dropsFirstSpace }

    /// The ids of `text`. It takes O(n log n) in the text's length for any text; nothing is added before or after it.
    public func encode(_ text: String, special: SpecialTokens) -> [Int32] {
        let bytes = Array(text.utf8)
        switch special {
        case .asText: return encode(bytes, specialTokensWithin: [])
        case .recognized: return encode(bytes, specialTokensWithin: [0..<bytes.count])
        }
    }

    /// The ids of a text of which only some stretches may hold control tokens: a prompt whose template is trusted and
    /// whose messages are not.
    ///
    /// A control token is recognised where it lies wholly within one trusted stretch, a user-defined token everywhere.
    /// The text between them is encoded as one text, across the borders of stretches. Nothing is added before or after.
    ///
    /// - Parameters:
    ///   - text: UTF-8. A byte that is part of no character is a symbol.
    ///   - trusted: Byte ranges of `text`, ascending and disjoint.
    public func encode(_ text: [UInt8], specialTokensWithin trusted: [Range<Int>]) -> [Int32] {
        var encoder = TextEncoder(self, trusted: trusted)
        encoder.ids.reserveCapacity(text.count / 3)
        var matches = WholeTokenMatches(in: text, 0..<text.count, of: rawTokens, controlWithin: trusted)
        var start = 0
        while let (id, range) = matches.next() {
            encoder.encode(text, start..<range.lowerBound, isFirst: start == 0)
            encoder.ids.append(id)
            start = range.upperBound
        }
        encoder.encode(text, start..<text.count, isFirst: start == 0)
        return encoder.ids
    }

    /// A lower bound on the number of ids of all `texts`, without encoding them: in time linear in texts and
    /// vocabulary.
    public func minimumCount(of texts: [String]) -> Int {
        // White space may become part of a whole token, and the form NFC makes three bytes of Hangul out of nine.
        let takesSpace = rawTokens.takeSpace || normalizedTokens.takeSpace
        let bytes = texts.reduce(0) { count, text in
            text.utf8.reduce(count) {
                $0 + (byteTokens[Int($1)] >= 0 && (!takesSpace || (0x21...0x7E).contains($1)) ? 1 : 0)
            }
        }
        // A control token prints nothing, but where control tokens are recognized, it consumes the bytes of its name.
        let longest = zip(vocabulary.tokens, vocabulary.spellings).reduce(1) {
            max($0, $1.1.isEmpty ? $1.0.utf8.count : $1.1.count)
        }
        let fewest = vocabulary.rules.composes ? (bytes + 2) / 3 : bytes
        return (fewest + longest - 1) / longest
    }

    /// The bytes that token `id` adds to a text: none for a control token. At the very beginning of a text, a space
    /// that encoding put there is not printed. The id must be below `vocabularySize`.
    public func bytes(of id: Int32) -> [UInt8] { vocabulary.spellings[Int(id)] }

    /// The text that `ids` print: exactly the output of a `StreamingDetokenizer`. Each id must be below
    /// `vocabularySize`.
    public func decode(_ ids: [Int32]) -> String {
        var bytes = ids.flatMap { vocabulary.spellings[Int($0)] }[...]
        if vocabulary.rules.dropsFirstSpace, bytes.first == UInt8(ascii: " ") { bytes.removeFirst() }
        return String(decoding: bytes.dropLast(unfinishedCharacter(endOf: Array(bytes))), as: UTF8.self)
    }

    /// The text of `ids` with the names of control tokens, so that it encodes to them again. Bytes that are no
    /// character become U+FFFD. Each id must be below `vocabularySize`.
    public func spell(_ ids: [Int32]) -> String {
        let bytes = ids.flatMap { id in
            vocabulary.kinds[Int(id)] == .control ? Array(vocabulary.tokens[Int(id)].utf8) : self.bytes(of: id)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The id of the control token written `text`, if there is one.
    public func id(ofControl text: String) -> Int32? {
        let utf8 = Array(text.utf8)
        return rawTokens.id(ofControl: utf8) ?? normalizedTokens.id(ofControl: utf8)
    }

    /// Encodes the pieces of one text between whole tokens of raw text.
    private struct TextEncoder {
        var ids: [Int32] = []
        private let tokenizer: Tokenizer
        private let rules: TextRules
        private let trusted: [Range<Int>]
        private var merger: BytePairMerger
        private var word: [Int32] = []

        init(_ tokenizer: Tokenizer, trusted: [Range<Int>]) {
            self.tokenizer = tokenizer
            self.trusted = trusted
            rules = tokenizer.vocabulary.rules
            merger = BytePairMerger(tokenizer.vocabulary.merges)
        }

        /// Encodes the piece `text[range]`; `isFirst` if the text begins with it.
        mutating func encode(_ text: [UInt8], _ range: Range<Int>, isFirst: Bool) {
            guard !range.isEmpty else { return }
            var (text, range) = (text, range)
            if rules.composes, let composed = Composition.composed(text[range]) {
                (text, range) = (composed, 0..<composed.count)
            }
            if rules.marksFirst {
                text = SpaceMark.marked(text[range], prefix: rules.prefix, isFirst: isFirst)
                range = 0..<text.count
            }
            // Control tokens are among the normalized ones only where no rule above changes the text.
            var matches = WholeTokenMatches(in: text, range, of: tokenizer.normalizedTokens, controlWithin: trusted)
            var start = range.lowerBound
            while let (id, match) = matches.next() {
                encodePart(text, start..<match.lowerBound, isFirst: isFirst && start == range.lowerBound)
                ids.append(id)
                start = match.upperBound
            }
            encodePart(text, start..<range.upperBound, isFirst: isFirst && start == range.lowerBound)
        }

        private mutating func encodePart(_ text: [UInt8], _ range: Range<Int>, isFirst: Bool) {
            guard !range.isEmpty else { return }
            if rules.alphabet == .characters {
                let marked =
                    rules.marksFirst
                    ? text[range] : SpaceMark.marked(text[range], prefix: rules.prefix, isFirst: isFirst)[...]
                return encodeCharacters(Array(marked))
            }
            guard let words = rules.words else { return encodeBytes(text[range]) }
            for word in WordScanner(text, in: range, by: words) { encodeBytes(text[word]) }
        }

        private mutating func encodeBytes(_ bytes: ArraySlice<UInt8>) {
            if rules.ignoresMerges, let id = tokenizer.words[Array(bytes)] { return ids.append(id) }
            word.removeAll(keepingCapacity: true)
            for byte in bytes where tokenizer.byteTokens[Int(byte)] >= 0 {
                word.append(tokenizer.byteTokens[Int(byte)])
            }
            merger.merge(word, into: &ids)
        }

        private mutating func encodeCharacters(_ bytes: [UInt8]) {
            word.removeAll(keepingCapacity: true)
            var characters = bytes.makeIterator()
            var decoder = UTF8.ForwardParser()
            var position = 0
            while true {
                let width: Int
                switch decoder.parseScalar(from: &characters) {
                case .emptyInput: return merger.merge(word, into: &ids)
                case .error(let length): width = length
                case .valid(let encoded):
                    width = encoded.count
                    if let id = tokenizer.characterTokens[UTF8.decode(encoded).value] {
                        word.append(id)
                        position += width
                        continue
                    }
                }
                for byte in bytes[position..<position + width] { word.append(tokenizer.byteTokens[Int(byte)]) }
                position += width
            }
        }
    }
}

/// GPT-2's spelling of bytes as printable characters. Vocabulary files write their tokens in it.
///
/// Printable Latin-1 characters stand for their own byte; the 68 other bytes, in ascending order, are written U+0100
/// to U+0143 (`bytes_to_unicode` in OpenAI's GPT-2 `encoder.py`).
enum ByteAlphabet {
    /// The bytes that `text` spells; nil if it contains a character outside the alphabet.
    static func bytes(of text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            guard let byte = byte(of: scalar) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func byte(of scalar: Unicode.Scalar) -> UInt8? {
        switch scalar.value {
        case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: UInt8(scalar.value)
        case 0x100...0x120: UInt8(scalar.value - 0x100)  // 0x00...0x20
        case 0x121...0x142: UInt8(scalar.value - 0x121 + 0x7F)  // 0x7F...0xA0
        case 0x143: 0xAD
        default: nil
        }
    }
}
