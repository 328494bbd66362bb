/// The control and user-defined tokens of a vocabulary, by their text. No merge produces them.
struct WholeTokens: Sendable {
    private let byFirstByte: [[Token]]  // 256 lists, longest text first

    fileprivate struct Token {
        let text: [UInt8]
        let id: Int32
        let isControl: Bool
    }

    init(_ vocabulary: Vocabulary) {
        var lists = [[Token]](repeating: [], count: 256)
        for (id, kind) in vocabulary.kinds.enumerated() where kind == .control || kind == .userDefined {
            let text = Array(vocabulary.tokens[id].utf8)
            lists[Int(text[0])].append(Token(text: text, id: Int32(id), isControl: kind == .control))
        }
        byFirstByte = lists.map { $0.sorted { $0.text.count > $1.text.count } }
    }

    /// The control token with exactly this text.
    func id(ofControl text: [UInt8]) -> Int32? {
        guard let first = text.first else { return nil }
        return byFirstByte[Int(first)].first { $0.isControl && $0.text == text }?.id
    }

    /// The longest token at `start` of `text`; a control token only if it ends at `controlEnd` or before.
    fileprivate func longestToken(in text: [UInt8], at start: Int, controlEnd: Int) -> Token? {
        byFirstByte[Int(text[start])].first { token in
            (!token.isControl || start + token.text.count <= controlEnd) && text[start...].starts(with: token.text)
        }
    }
}

/// The whole tokens in a text, from left to right: the longest of those that begin at the same byte.
struct WholeTokenMatches {
    private let text: [UInt8]
    private let tokens: WholeTokens
    private var trusted: ArraySlice<Range<Int>>
    private var position = 0

    /// Searches `text`. Control tokens must lie within one range of `trusted`: ascending and disjoint.
    init(in text: [UInt8], of tokens: WholeTokens, controlWithin trusted: [Range<Int>]) {
        self.text = text
        self.tokens = tokens
        self.trusted = trusted[...]
    }

    mutating func next() -> (id: Int32, range: Range<Int>)? {
        while position < text.count {
            let start = position
            while let range = trusted.first, range.upperBound <= start { trusted.removeFirst() }
            let range = trusted.first.flatMap { $0.lowerBound <= start ? $0 : nil }
            if let token = tokens.longestToken(in: text, at: start, controlEnd: range?.upperBound ?? start) {
                position += token.text.count
                return (token.id, start..<position)
            }
            position += 1
        }
        return nil
    }
}
