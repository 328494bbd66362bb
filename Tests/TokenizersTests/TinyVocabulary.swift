import Tokenizers

/// A vocabulary small enough to read: the 256 bytes, a few merges, and special tokens after them.
struct TinyVocabulary {
    /// The fields of a model file, to be spoiled by a test.
    var tokens: [String]
    var kinds: [Int32]
    var merges: [String]
    var preTokenizer = "smollm"
    var beginOfText: Int32?
    var endOfText: Int32?
    var padding: Int32?

    /// 256 byte tokens in byte order, one token a merge, then the specials.
    init(merges: [String] = [], control: [String] = [], userDefined: [String] = []) {
        let merged = merges.map { $0.filter { $0 != " " } }
        tokens = (0...255).map { String(Self.letter(of: $0)) } + merged + control + userDefined
        kinds =
            [Int32](repeating: 1, count: 256 + merged.count) + [Int32](repeating: 3, count: control.count)
            + [Int32](repeating: 4, count: userDefined.count)
        self.merges = merges
    }

    /// The checked vocabulary.
    func vocabulary() throws -> Vocabulary {
        try Vocabulary(
            tokens: tokens, kinds: kinds, merges: merges, preTokenizer: preTokenizer, beginOfText: beginOfText,
            endOfText: endOfText, padding: padding)
    }

    func tokenizer() throws -> Tokenizer { Tokenizer(try vocabulary()) }

    /// GPT-2's letter for a byte, counted out as `bytes_to_unicode` does.
    static func letter(of byte: UInt8) -> Character {
        func isPrintable(_ b: UInt8) -> Bool { (0x21...0x7E).contains(b) || b >= 0xA1 && b != 0xAD }
        if isPrintable(byte) { return Character(Unicode.Scalar(byte)) }
        let earlier = (0..<byte).filter { !isPrintable($0) }.count
        return Unicode.Scalar(0x100 + UInt32(earlier)).map(Character.init) ?? "?"
    }
}
