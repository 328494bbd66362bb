/// Why a vocabulary cannot be used. Each case names the offending entry of the model file.
public enum VocabularyError: Error, Equatable, Sendable {
    /// `tokenizer.ggml.pre` is a pre-tokenizer that Apus does not support.
    case unknownPreTokenizer(String)
    /// Ids and ranks must fit 31 bits.
    case tooLarge(tokens: Int, merges: Int)
    /// There must be one kind per token.
    case countMismatch(tokens: Int, kinds: Int)
    /// There must be one score per token.
    case scoreMismatch(tokens: Int, scores: Int)
    /// `bos`, `eos` or `padding` names no token.
    case idOutOfRange(name: String, id: Int32, count: Int)
    /// A token's kind is not one of GGUF's six.
    case unknownKind(id: Int, value: Int32)
    /// A normal token contains a character outside GPT-2's byte alphabet.
    case notInByteAlphabet(id: Int, token: String)
    /// A token for a byte is not written `<0x0A>`.
    case notAByte(id: Int, token: String)
    /// A SentencePiece vocabulary has no token for a byte.
    case missingByte(UInt8)
    /// A score is infinite or no number.
    case scoreNotFinite(id: Int)
    /// A token has no text.
    case emptyToken(id: Int)
    /// A token of a SentencePiece vocabulary has more bytes than any real one.
    case longToken(id: Int, bytes: Int)
    /// Two tokens have the same text.
    case duplicateToken(String, ids: Int, Int)
    /// A merge does not consist of two token texts separated by one space.
    case malformedMerge(rank: Int, merge: String)
    /// One half of a merge, or the merged text, is not a normal token.
    case unknownTokenInMerge(rank: Int, merge: String)
    /// Two merges join the same pair.
    case duplicateMerge(rank: Int, merge: String)
    /// A control token would be searched for with a space before it.
    case normalizedControl(id: Int, token: String)
    /// The control and user-defined tokens up to this one have more text than those of any real vocabulary.
    case tooManyWholeTokens(id: Int)
    /// A model has fewer embedding rows than its vocabulary has tokens.
    case tooFewRows(rows: Int, tokens: Int)
}

extension VocabularyError: CustomStringConvertible {
    /// Names the entry of the GGUF file, what was expected there and what was found.
    public var description: String { description(prefix: "tokenizer.ggml.") }

    /// Names the entry in a file whose fields begin with `prefix`.
    func description(prefix: String) -> String {
        let (field, problem) = parts
        return "\(prefix)\(field): \(problem)"
    }

    private var parts: (field: String, problem: String) {
        switch self {
        case .unknownPreTokenizer(let name):
            let known = PreTokenizer.named.keys.sorted().joined(separator: ", ")
            return ("pre", "\"\(name)\" is not supported; expected one of \(known)")
        case .tooLarge(let tokens, let merges):
            return ("tokens", "expected fewer than 2147483647 tokens and merges, found \(tokens) and \(merges)")
        case .countMismatch(let tokens, let kinds):
            return ("token_type", "expected one entry for each of \(tokens) tokens, found \(kinds)")
        case .scoreMismatch(let tokens, let scores):
            return ("scores", "expected one entry for each of \(tokens) tokens, found \(scores)")
        case .idOutOfRange(let name, let id, let count):
            return ("\(name)_token_id", "expected an id below \(count), found \(id)")
        case .unknownKind(let id, let value): return ("token_type[\(id)]", "expected 1 to 6, found \(value)")
        case .scoreNotFinite(let id): return ("scores[\(id)]", "expected a finite number")
        case .missingByte(let byte):
            return ("tokens", "expected a token for each byte, found no \(ByteToken.text(of: byte))")
        case .tooFewRows(let rows, let tokens):
            return ("tokens", "expected at most \(rows) tokens, the model's embedding rows, found \(tokens)")
        case .notInByteAlphabet, .notAByte, .emptyToken, .longToken, .duplicateToken, .normalizedControl,
            .tooManyWholeTokens:
            return tokenParts
        case .malformedMerge, .unknownTokenInMerge, .duplicateMerge: return mergeParts
        }
    }

    private var tokenParts: (field: String, problem: String) {
        switch self {
        case .notInByteAlphabet(let id, let token):
            ("tokens[\(id)]", "\"\(token)\" is not spelled in GPT-2's byte alphabet")
        case .notAByte(let id, let token): ("tokens[\(id)]", "expected a byte such as <0x0A>, found \"\(token)\"")
        case .emptyToken(let id): ("tokens[\(id)]", "expected a text, found none")
        case .longToken(let id, let bytes):
            ("tokens[\(id)]", "expected at most \(MergeTable.longestScoredToken) bytes, found \(bytes)")
        case .duplicateToken(let token, let first, let second):
            ("tokens[\(second)]", "\"\(token)\" is already token \(first)")
        case .tooManyWholeTokens(let id):
            (
                "tokens[\(id)]",
                "control and user-defined tokens have more than \(VocabularyParts.mostWholeTokenBytes) bytes"
            )
        case .normalizedControl(let id, let token):
            ("tokens[\(id)]", "the control token \"\(token)\" is normalized: found with a space before it only")
        default: ("", "")
        }
    }

    private var mergeParts: (field: String, problem: String) {
        switch self {
        case .malformedMerge(let rank, let merge):
            ("merges[\(rank)]", "expected two tokens with a space between, found \"\(merge)\"")
        case .unknownTokenInMerge(let rank, let merge):
            ("merges[\(rank)]", "\"\(merge)\" needs tokens that the vocabulary does not have")
        case .duplicateMerge(let rank, let merge): ("merges[\(rank)]", "\"\(merge)\" is there twice")
        default: ("", "")
        }
    }
}
