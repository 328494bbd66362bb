/// The purpose of a token: the values of GGUF's `tokenizer.ggml.token_type`.
public enum TokenKind: Int32, Sendable {
    /// A piece of text, spelled in the vocabulary's alphabet.
    case normal = 1
    /// Stands for text that the vocabulary cannot spell.
    case unknown = 2
    /// Controls the model and prints nothing, such as `<|im_start|>`.
    case control = 3
    /// A complete piece of plain text that is found before any merge.
    case userDefined = 4
    /// An unused id, which is never matched and prints nothing.
    case unused = 5
    /// One raw byte of a SentencePiece vocabulary.
    case byte = 6
}

/// The tokens and merges of a tokenizer from a model file, checked.
///
/// In a valid vocabulary, token texts are unique, normal tokens are spelled in the vocabulary's alphabet (GPT-2's for
/// bytes, or characters with U+2581 for spaces), and merges produce no control tokens, so that no text can become one.
/// A vocabulary of bytes need not spell every byte: SmolLM2's lacks 21 of the 256.
public struct Vocabulary: Sendable {
    /// Token texts by id, as the file spells them. The text of an unused token may be empty.
    public private(set) var tokens: [String]
    /// The purpose of each token, by id.
    public private(set) var kinds: [TokenKind]
    /// The token before a text.
    public let beginOfText: Int32?
    /// Whether the model expects `beginOfText` before each text. `Tokenizer.encode` does not add it, its caller does.
    public let addsBeginOfText: Bool
    /// The tokens at the end of a text or a turn, the usual one first. An answer ends with any of them.
    public let endTokens: [Int32]
    /// The token that chat templates write as `eos_token`; nil: the first end token.
    let templateEnd: Int32?
    /// The token for unused positions of a batch.
    public let padding: Int32?

    /// What happens to text before any merge.
    let rules: TextRules
    /// The merges, over ids.
    let merges: MergeTable
    /// The bytes each token prints, by id; empty for tokens that print nothing.
    private(set) var spellings: [[UInt8]]
    /// The control and user-defined tokens, and those found in normalized text only.
    let wholeTokens: (raw: [WholeToken], normalized: [WholeToken])

    /// The usual token at the end of a text or a turn.
    public var endOfText: Int32? { endTokens.first }

    /// The token that the model expects before each text; nil if it expects none.
    public var tokenBeforeText: Int32? { addsBeginOfText ? beginOfText : nil }

    /// Checks the parts of a vocabulary, and puts them together.
    init(_ parts: VocabularyParts) throws(VocabularyError) {
        let count = parts.tokens.count
        guard count < Int32.max else { throw .tooLarge(tokens: count, merges: 0) }
        guard parts.kinds.count == count else { throw .countMismatch(tokens: count, kinds: parts.kinds.count) }
        let ids =
            [("bos", parts.beginOfText), ("padding", parts.padding)] + parts.endTokens.map { ("eos", Optional($0)) }
        for case (let name, let id?) in ids where !parts.tokens.indices.contains(Int(id)) {
            throw .idOutOfRange(name: name, id: id, count: count)
        }
        tokens = parts.tokens
        kinds = parts.kinds
        rules = parts.rules
        beginOfText = parts.beginOfText
        addsBeginOfText = parts.addsBeginOfText && parts.beginOfText != nil
        endTokens = parts.endTokens.enumerated().filter { !parts.endTokens[..<$0].contains($1) }.map(\.element)
        templateEnd = parts.templateEnd
        padding = parts.padding
        spellings = try Self.spellings(of: parts)
        let index = try Self.index(parts)
        switch parts.merges {
        case .ranked(let merges): self.merges = try MergeTable(merges, of: parts, ids: index)
        case .scored(let scores): self.merges = try MergeTable(scores: scores, of: parts, ids: index)
        }
        wholeTokens = try parts.wholeTokens()
        for token in wholeTokens.normalized where !token.isControl {
            spellings[Int(token.id)] = SpaceMark.printed(String(decoding: token.text, as: UTF8.self))
        }
        if rules.alphabet == .characters { try Self.checkBytes(parts) }
    }

    /// The vocabulary of a model with `rows` embedding rows, of which those after the tokens have no text: their ids
    /// print nothing and no text becomes one.
    ///
    /// - Throws: `VocabularyError.tooFewRows` if there are fewer rows than tokens.
    public func padded(to rows: Int) throws(VocabularyError) -> Vocabulary {
        guard rows >= tokens.count, rows < Int32.max else { throw .tooFewRows(rows: rows, tokens: tokens.count) }
        let missing = rows - tokens.count
        var padded = self
        padded.tokens += [String](repeating: "", count: missing)
        padded.kinds += [TokenKind](repeating: .unused, count: missing)
        padded.spellings += [[UInt8]](repeating: [], count: missing)
        return padded
    }

    private static func spellings(of parts: VocabularyParts) throws(VocabularyError) -> [[UInt8]] {
        var spellings: [[UInt8]] = []
        spellings.reserveCapacity(parts.tokens.count)
        for (id, token) in parts.tokens.enumerated() {
            switch (parts.kinds[id], parts.rules.alphabet) {
            case (.normal, .bytes):
                guard let bytes = ByteAlphabet.bytes(of: token) else { throw .notInByteAlphabet(id: id, token: token) }
                spellings.append(bytes)
            case (.normal, .characters), (.userDefined, .characters): spellings.append(SpaceMark.printed(token))
            case (.userDefined, .bytes): spellings.append(Array(token.utf8))
            case (.byte, _): spellings.append(ByteToken.byte(of: token).map { [$0] } ?? [])
            case (.control, _), (.unknown, _), (.unused, _): spellings.append([])
            }
        }
        return spellings
    }

    // All tokens by their text. Keys are UTF-8 bytes, because `String` treats canonically equivalent texts as equal.
    private static func index(_ parts: VocabularyParts) throws(VocabularyError) -> [[UInt8]: Int32] {
        var ids: [[UInt8]: Int32] = [:]
        ids.reserveCapacity(parts.tokens.count)
        for (id, token) in parts.tokens.enumerated() {
            if token.isEmpty, parts.kinds[id] == .unused { continue }
            guard !token.isEmpty else { throw .emptyToken(id: id) }
            if let first = ids.updateValue(Int32(id), forKey: Array(token.utf8)) {
                throw .duplicateToken(token, ids: Int(first), id)
            }
        }
        return ids
    }

    private static func checkBytes(_ parts: VocabularyParts) throws(VocabularyError) {
        var found = Set<UInt8>()
        for (id, kind) in parts.kinds.enumerated() where kind == .byte {
            guard let byte = ByteToken.byte(of: parts.tokens[id]) else {
                throw .notAByte(id: id, token: parts.tokens[id])
            }
            found.insert(byte)
        }
        for byte in UInt8.min...UInt8.max where !found.contains(byte) { throw .missingByte(byte) }
    }
}

/// What a vocabulary is made of, before it is checked.
struct VocabularyParts {
    /// In which order tokens merge.
    enum Merges {
        /// Pairs of token texts, the first to merge first.
        case ranked([(left: [UInt8], right: [UInt8])])
        /// A score by token: the pair that makes the token with the highest score merges first.
        case scored([Float])
    }

    var tokens: [String]
    var kinds: [TokenKind]
    var merges: Merges
    var rules: TextRules
    var beginOfText: Int32?
    var addsBeginOfText = false
    var endTokens: [Int32] = []
    var templateEnd: Int32?
    var padding: Int32?
    /// More bytes than all whole tokens of any real vocabulary have together: a search for them takes memory a byte.
    static let mostWholeTokenBytes = 1 << 22

    /// The flags of whole tokens, by id. A token that is not listed has none.
    var flags: [Int32: WholeTokenFlags] = [:]

    /// Whether merges join and make the token.
    func merges(_ id: Int32) -> Bool {
        switch kinds[Int(id)] {
        case .normal: true
        case .userDefined: rules.alphabet == .characters
        case .control, .unknown, .unused, .byte: false
        }
    }

    /// The whole tokens found in raw text, and those found after it was normalized.
    func wholeTokens() throws(VocabularyError) -> (raw: [WholeToken], normalized: [WholeToken]) {
        var (raw, normalized): ([WholeToken], [WholeToken]) = ([], [])
        var bytes = 0
        for (id, kind) in kinds.enumerated() where kind == .control || kind == .userDefined {
            bytes += tokens[id].utf8.count
            guard bytes <= Self.mostWholeTokenBytes else { throw .tooManyWholeTokens(id: id) }
            let flags = self.flags[Int32(id)] ?? WholeTokenFlags()
            var token = WholeToken(
                id: Int32(id), text: Array(tokens[id].utf8), isControl: kind == .control,
                isSingleWord: flags.isSingleWord, takesSpaceBefore: flags.takesSpaceBefore,
                takesSpaceAfter: flags.takesSpaceAfter)
            let isRaw = !flags.isNormalized || token.isControl && (rules.composes || rules.marksFirst)
            guard !isRaw else {
                if flags.isNormalized, rules.prefix == .everyPiece {
                    throw .normalizedControl(id: id, token: tokens[id])
                }
                raw.append(token)
                continue
            }
            if rules.composes { token.text = Composition.composed(token.text[...]) ?? token.text }
            if rules.marksFirst { token.text = SpaceMark.marked(token.text[...], prefix: rules.prefix, isFirst: true) }
            normalized.append(token)
        }
        return (raw, normalized)
    }
}

/// The flags of an added token in `tokenizer.json`.
struct WholeTokenFlags: Equatable {
    var isSingleWord = false
    var takesSpaceBefore = false
    var takesSpaceAfter = false
    var isNormalized = false
}

/// How SentencePiece writes a token for one byte: `<0x0A>`.
enum ByteToken {
    /// The byte of a token written so; nil for another text.
    static func byte(of text: String) -> UInt8? {
        let digits = Array(text.utf8.dropFirst(3).prefix(2))
        guard let byte = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) else { return nil }
        return text == self.text(of: byte) ? byte : nil
    }

    /// The text of the token for a byte.
    static func text(of byte: UInt8) -> String {
        "<0x\(byte < 16 ? "0" : "")\(String(byte, radix: 16, uppercase: true))>"
    }
}
