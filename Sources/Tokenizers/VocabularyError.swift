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
