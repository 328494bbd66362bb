/// How `Tokenizer.encode` treats text that looks like a control token. User-defined tokens are plain text: they are
/// found in both cases.
public enum SpecialTokens: Sendable {
    /// It is ordinary text: for text that users write.
    case asText
    /// It becomes the token's single id: for raw completions.
    case recognized
}

/// Byte-level BPE, equal to the Hugging Face tokenizer that a model was trained with.
///
/// As in the Hugging Face tokenizer (`unk_token` null), bytes that the vocabulary cannot spell are dropped before any
/// merge: SmolLM2 has no token for 21 of the 256 bytes, among them U+0004 and the first byte of planes 4 to 11.
public struct Tokenizer: Sendable {
    /// The vocabulary that the tokenizer was made from.
    public let vocabulary: Vocabulary
    private let byteTokens: [Int32]  // by byte; -1 if there is none
    private let wholeTokens: WholeTokens

    /// A tokenizer over a checked vocabulary.
    public init(_ vocabulary: Vocabulary) {
        self.vocabulary = vocabulary
        var byteTokens = [Int32](repeating: -1, count: 256)
        for (id, kind) in vocabulary.kinds.enumerated() where kind == .normal && vocabulary.spellings[id].count == 1 {
            byteTokens[Int(vocabulary.spellings[id][0])] = Int32(id)
        }
        self.byteTokens = byteTokens
        wholeTokens = WholeTokens(vocabulary)
    }

    /// The number of tokens: ids are `0..<vocabularySize`.
    public var vocabularySize: Int { vocabulary.tokens.count }

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
        var ids: [Int32] = []
        ids.reserveCapacity(text.count / 3)
        var merger = BytePairMerger(vocabulary.merges)
        var matches = WholeTokenMatches(in: text, of: wholeTokens, controlWithin: trusted)
        var start = 0
        while let (id, range) = matches.next() {
            encode(text, start..<range.lowerBound, with: &merger, into: &ids)
            ids.append(id)
            start = range.upperBound
        }
        encode(text, start..<text.count, with: &merger, into: &ids)
        return ids
    }

    /// A lower bound on the number of ids of all `texts`, without encoding them: in time linear in texts and
    /// vocabulary.
    public func minimumCount(of texts: [String]) -> Int {
        let bytes = texts.reduce(0) { $0 + $1.utf8.reduce(0) { $0 + (byteTokens[Int($1)] >= 0 ? 1 : 0) } }
        // A control token prints nothing, but where control tokens are recognized, it consumes the bytes of its name.
        let longest = zip(vocabulary.tokens, vocabulary.spellings).reduce(1) {
            max($0, $1.1.isEmpty ? $1.0.utf8.count : $1.1.count)
        }
        return (bytes + longest - 1) / longest
    }

    /// The bytes that token `id` adds to a text: none for a control token. The id must be below `vocabularySize`.
    public func bytes(of id: Int32) -> [UInt8] { vocabulary.spellings[Int(id)] }

    /// The text that `ids` print: exactly the output of a `StreamingDetokenizer`. Each id must be below
    /// `vocabularySize`.
    public func decode(_ ids: [Int32]) -> String {
        let bytes = ids.flatMap { vocabulary.spellings[Int($0)] }
        return String(decoding: bytes.dropLast(unfinishedCharacter(endOf: bytes)), as: UTF8.self)
    }

    /// The id of the control token written `text`, if there is one.
    public func id(ofControl text: String) -> Int32? {
        wholeTokens.id(ofControl: Array(text.utf8))
    }

    private func encode(
        _ text: [UInt8], _ range: Range<Int>, with merger: inout BytePairMerger, into ids: inout [Int32]
    ) {
        var word: [Int32] = []
        for part in WordScanner(text, in: range) {
            word.removeAll(keepingCapacity: true)
            for byte in text[part] where byteTokens[Int(byte)] >= 0 { word.append(byteTokens[Int(byte)]) }
            merger.merge(word, into: &ids)
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
