/// The purpose of a token: the values of GGUF's `tokenizer.ggml.token_type`.
public enum TokenKind: Int32, Sendable {
    /// A piece of text, spelled in GPT-2's byte alphabet.
    case normal = 1
    /// Stands for text that the vocabulary cannot spell.
    case unknown = 2
    /// Controls the model and prints nothing, such as `<|im_start|>`.
    case control = 3
    /// A complete piece of plain text that no merge produces.
    case userDefined = 4
    /// An unused id.
    case unused = 5
    /// One raw byte of a SentencePiece vocabulary.
    case byte = 6
}

/// How text is split into words before any merge: the values of GGUF's `tokenizer.ggml.pre` that Apus supports.
public enum PreTokenizer: String, Sendable {
    /// Each digit is a word; the rest is split by GPT-2's pattern (SmolLM, SmolLM2, SmolVLM).
    case smolLM = "smollm"
}

/// The tokens and merges of a byte-level BPE tokenizer from a model file, checked.
///
/// In a valid vocabulary, token texts are unique, normal tokens are spelled in GPT-2's byte alphabet, and normal tokens
/// merge into normal tokens only, so that no text can become a control token. It need not spell every byte: SmolLM2's
/// lacks 21 of the 256.
public struct Vocabulary: Sendable {
    /// Token texts by id: normal tokens in GPT-2's byte alphabet, the others unchanged.
    public let tokens: [String]
    /// The purpose of each token, by id.
    public let kinds: [TokenKind]
    /// How text is split into words.
    public let preTokenizer: PreTokenizer
    /// The token before a text.
    public let beginOfText: Int32?
    /// The token at the end of a text or a turn.
    public let endOfText: Int32?
    /// The token for unused positions of a batch.
    public let padding: Int32?

    /// The merges, over ids.
    let merges: MergeTable
    /// The bytes each token prints, by id; empty for tokens that print nothing.
    let spellings: [[UInt8]]

    /// Checks the fields of a GGUF file with `tokenizer.ggml.model` = `gpt2`, and adopts them.
    ///
    /// - Parameters:
    ///   - tokens: `tokenizer.ggml.tokens`.
    ///   - kinds: `tokenizer.ggml.token_type`, one per token.
    ///   - merges: `tokenizer.ggml.merges`, each two token texts separated by a space, lowest rank first.
    ///   - preTokenizer: `tokenizer.ggml.pre`.
    ///   - beginOfText: `tokenizer.ggml.bos_token_id`.
    ///   - endOfText: `tokenizer.ggml.eos_token_id`.
    ///   - padding: `tokenizer.ggml.padding_token_id`.
    public init(
        tokens: [String], kinds: [Int32], merges: [String], preTokenizer: String,
        beginOfText: Int32?, endOfText: Int32?, padding: Int32?
    ) throws(VocabularyError) {
        guard let words = PreTokenizer(rawValue: preTokenizer) else { throw .unknownPreTokenizer(preTokenizer) }
        guard tokens.count < Int32.max, merges.count < Int32.max else {
            throw .tooLarge(tokens: tokens.count, merges: merges.count)
        }
        guard kinds.count == tokens.count else { throw .countMismatch(tokens: tokens.count, kinds: kinds.count) }
        for (name, id) in [("bos", beginOfText), ("eos", endOfText), ("padding", padding)] {
            guard let id else { continue }
            guard tokens.indices.contains(Int(id)) else { throw .idOutOfRange(name: name, id: id, count: tokens.count) }
        }
        self.tokens = tokens
        self.kinds = try Self.checkedKinds(kinds)
        self.preTokenizer = words
        self.beginOfText = beginOfText
        self.endOfText = endOfText
        self.padding = padding
        self.spellings = try Self.spellings(of: tokens, kinds: self.kinds)
        self.merges = try Self.resolve(merges, ids: Self.index(tokens), kinds: self.kinds)
    }

    private static func checkedKinds(_ values: [Int32]) throws(VocabularyError) -> [TokenKind] {
        var kinds: [TokenKind] = []
        kinds.reserveCapacity(values.count)
        for (id, value) in values.enumerated() {
            guard let kind = TokenKind(rawValue: value) else { throw .unknownKind(id: id, value: value) }
            kinds.append(kind)
        }
        return kinds
    }

    private static func spellings(of tokens: [String], kinds: [TokenKind]) throws(VocabularyError) -> [[UInt8]] {
        var spellings: [[UInt8]] = []
        spellings.reserveCapacity(tokens.count)
        for (id, token) in tokens.enumerated() {
            switch kinds[id] {
            case .normal:
                guard let bytes = ByteAlphabet.bytes(of: token) else { throw .notInByteAlphabet(id: id, token: token) }
                spellings.append(bytes)
            case .userDefined: spellings.append(Array(token.utf8))
            case .control, .unknown, .unused, .byte: spellings.append([])
            }
        }
        return spellings
    }

    // Keys are UTF-8 bytes, because `String` treats canonically equivalent texts as equal.
    private static func index(_ tokens: [String]) throws(VocabularyError) -> [[UInt8]: Int32] {
        var ids: [[UInt8]: Int32] = [:]
        ids.reserveCapacity(tokens.count)
        for (id, token) in tokens.enumerated() {
            guard !token.isEmpty else { throw .emptyToken(id: id) }
            if let first = ids.updateValue(Int32(id), forKey: Array(token.utf8)) {
                throw .duplicateToken(token, ids: Int(first), id)
            }
        }
        return ids
    }

    private static func resolve(
        _ merges: [String], ids: [[UInt8]: Int32], kinds: [TokenKind]
    ) throws(VocabularyError) -> MergeTable {
        func normalToken(_ text: [UInt8]) -> Int32? {
            ids[text].flatMap { kinds[Int($0)] == .normal ? $0 : nil }
        }
        var table = MergeTable(minimumCapacity: merges.count)
        for (rank, merge) in merges.enumerated() {
            let halves = merge.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            guard halves.count == 2 else { throw .malformedMerge(rank: rank, merge: merge) }
            let (left, right) = (Array(halves[0]), Array(halves[1]))
            guard let l = normalToken(left), let r = normalToken(right), let merged = normalToken(left + right) else {
                throw .unknownTokenInMerge(rank: rank, merge: merge)
            }
            guard table.append(l, r, into: merged) else { throw .duplicateMerge(rank: rank, merge: merge) }
        }
        return table
    }
}

/// Why a vocabulary cannot be used. Each case names the offending entry of the model file.
public enum VocabularyError: Error, Equatable, Sendable {
    /// `tokenizer.ggml.pre` is a pre-tokenizer that Apus does not support.
    case unknownPreTokenizer(String)
    /// Ids and ranks must fit 31 bits.
    case tooLarge(tokens: Int, merges: Int)
    /// There must be one kind per token.
    case countMismatch(tokens: Int, kinds: Int)
    /// `bos`, `eos` or `padding` names no token.
    case idOutOfRange(name: String, id: Int32, count: Int)
    /// A token's kind is not one of GGUF's six.
    case unknownKind(id: Int, value: Int32)
    /// A normal token contains a character outside GPT-2's byte alphabet.
    case notInByteAlphabet(id: Int, token: String)
    /// A token has no text.
    case emptyToken(id: Int)
    /// Two tokens have the same text.
    case duplicateToken(String, ids: Int, Int)
    /// A merge does not consist of two token texts separated by one space.
    case malformedMerge(rank: Int, merge: String)
    /// One half of a merge, or the merged text, is not a normal token.
    case unknownTokenInMerge(rank: Int, merge: String)
    /// Two merges join the same pair.
    case duplicateMerge(rank: Int, merge: String)
}

extension VocabularyError: CustomStringConvertible {
    /// Names the entry, what was expected there and what was found.
    public var description: String {
        switch self {
        case .unknownPreTokenizer(let name):
            "tokenizer.ggml.pre: \"\(name)\" is not supported; expected \"\(PreTokenizer.smolLM.rawValue)\""
        case .tooLarge(let tokens, let merges):
            "tokenizer.ggml: expected fewer than 2147483647 tokens and merges, found \(tokens) and \(merges)"
        case .countMismatch(let tokens, let kinds):
            "tokenizer.ggml.token_type: expected one entry for each of \(tokens) tokens, found \(kinds)"
        case .idOutOfRange(let name, let id, let count):
            "tokenizer.ggml.\(name)_token_id: expected an id below \(count), found \(id)"
        case .unknownKind(let id, let value):
            "tokenizer.ggml.token_type[\(id)]: expected 1 to 6, found \(value)"
        case .notInByteAlphabet(let id, let token):
            "tokenizer.ggml.tokens[\(id)]: \"\(token)\" is not spelled in GPT-2's byte alphabet"
        case .emptyToken(let id):
            "tokenizer.ggml.tokens[\(id)]: expected a text, found none"
        case .duplicateToken(let token, let first, let second):
            "tokenizer.ggml.tokens[\(second)]: \"\(token)\" is already token \(first)"
        case .malformedMerge(let rank, let merge):
            "tokenizer.ggml.merges[\(rank)]: expected two tokens with a space between, found \"\(merge)\""
        case .unknownTokenInMerge(let rank, let merge):
            "tokenizer.ggml.merges[\(rank)]: \"\(merge)\" needs tokens that the vocabulary does not have"
        case .duplicateMerge(let rank, let merge):
            "tokenizer.ggml.merges[\(rank)]: \"\(merge)\" is there twice"
        }
    }
}
