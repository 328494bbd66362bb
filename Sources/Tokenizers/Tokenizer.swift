/// What `Tokenizer.encode` makes of text that looks like a special token.
public enum SpecialTokens: Sendable {
    /// It is text like any other: for what users write.
    case asText
    /// It becomes the token's single id: for templates and raw completions.
    case recognized
}

/// Byte-level BPE, equal to the Hugging Face tokenizer that a model was trained with.
///
/// Bytes that the vocabulary does not spell are dropped before anything merges, as they are there (`unk_token` null):
/// SmolLM2 has no token for 21 of the 256 bytes, among them U+0004 and the first byte of planes 4 to 11.
public struct Tokenizer: Sendable {
    /// What the tokenizer was made from.
    public let vocabulary: Vocabulary
    private let byteTokens: [Int32]  // by byte; -1 if there is none
    private let specials: SpecialTokenMatcher

    /// A tokenizer over a checked vocabulary.
    public init(_ vocabulary: Vocabulary) {
        self.vocabulary = vocabulary
        var byteTokens = [Int32](repeating: -1, count: 256)
        for (id, kind) in vocabulary.kinds.enumerated() where kind == .normal && vocabulary.spellings[id].count == 1 {
            byteTokens[Int(vocabulary.spellings[id][0])] = Int32(id)
        }
        self.byteTokens = byteTokens
        specials = SpecialTokenMatcher(vocabulary)
    }

    /// The number of tokens: ids are `0..<vocabularySize`.
    public var vocabularySize: Int { vocabulary.tokens.count }

    /// The ids of `text`. Takes O(n log n) in its length, whatever it says; nothing is put before or after it.
    public func encode(_ text: String, special: SpecialTokens) -> [Int32] {
        let bytes = Array(text.utf8)
        var ids: [Int32] = []
        ids.reserveCapacity(bytes.count / 3)
        var merger = BytePairMerger(vocabulary.merges)
        var start = 0
        if special == .recognized {
            while let (id, range) = specials.firstMatch(in: bytes, from: start) {
                encode(bytes, start..<range.lowerBound, with: &merger, into: &ids)
                ids.append(id)
                start = range.upperBound
            }
        }
        encode(bytes, start..<bytes.count, with: &merger, into: &ids)
        return ids
    }

    /// The bytes that token `id`, which must be below `vocabularySize`, adds to a text: none for a control token.
    public func bytes(of id: Int32) -> [UInt8] { vocabulary.spellings[Int(id)] }

    /// The text that `ids` print, each below `vocabularySize`: exactly what a `StreamingDetokenizer` prints for them.
    public func decode(_ ids: [Int32]) -> String {
        let bytes = ids.flatMap { vocabulary.spellings[Int($0)] }
        return String(decoding: bytes.dropLast(unfinishedCharacter(endOf: bytes)), as: UTF8.self)
    }

    /// The id of the control or user-defined token written `text`, if there is one.
    public func id(ofSpecial text: String) -> Int32? { specials.id(of: Array(text.utf8)) }

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

/// Finds the control and user-defined tokens of a vocabulary in text.
private struct SpecialTokenMatcher: Sendable {
    private let byFirstByte: [[(text: [UInt8], id: Int32)]]  // 256 lists, longest text first

    init(_ vocabulary: Vocabulary) {
        var lists = [[(text: [UInt8], id: Int32)]](repeating: [], count: 256)
        for (id, kind) in vocabulary.kinds.enumerated() where kind == .control || kind == .userDefined {
            let text = Array(vocabulary.tokens[id].utf8)
            lists[Int(text[0])].append((text, Int32(id)))
        }
        byFirstByte = lists.map { $0.sorted { $0.text.count > $1.text.count } }
    }

    /// The leftmost special token at or after `start`; of several at one place the longest.
    func firstMatch(in text: [UInt8], from start: Int) -> (id: Int32, range: Range<Int>)? {
        for at in start..<text.count {
            for special in byFirstByte[Int(text[at])] where text[at...].starts(with: special.text) {
                return (special.id, at..<at + special.text.count)
            }
        }
        return nil
    }

    func id(of text: [UInt8]) -> Int32? {
        guard let first = text.first else { return nil }
        return byFirstByte[Int(first)].first { $0.text == text }?.id
    }
}
