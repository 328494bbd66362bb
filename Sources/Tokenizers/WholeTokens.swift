/// A token that is found in text by its whole spelling, before words are split. No merge produces it.
struct WholeToken: Sendable, Equatable {
    let id: Int32
    /// What is searched for: never empty.
    var text: [UInt8]
    let isControl: Bool
    /// Whether a letter or digit beside it hides it.
    var isSingleWord = false
    /// Whether it takes the white space before it.
    var takesSpaceBefore = false
    /// Whether it takes the white space after it.
    var takesSpaceAfter = false
}

/// Whole tokens by their text: a trie, so that a search costs at most the longest text a byte.
struct WholeTokens: Sendable {
    private var tokens: [WholeToken] = []
    private var edges: [UInt64: Int32] = [:]  // node and byte to node
    private var tokenOfNode: [Int32] = [-1]  // an index of `tokens`; -1 for none
    private var begins = [Bool](repeating: false, count: 256)  // whether a text begins with the byte

    /// Whether there is none.
    var isEmpty: Bool { tokens.isEmpty }

    /// Whether one of them takes white space beside it.
    var takeSpace: Bool { tokens.contains { $0.takesSpaceBefore || $0.takesSpaceAfter } }

    init(_ tokens: [WholeToken]) {
        for token in tokens {
            var node: Int32 = 0
            if let first = token.text.first { begins[Int(first)] = true }
            for byte in token.text {
                let edge = Self.edge(node, byte)
                let next = edges[edge] ?? Int32(tokenOfNode.count)
                if next == tokenOfNode.count {
                    edges[edge] = next
                    tokenOfNode.append(-1)
                }
                node = next
            }
            tokenOfNode[Int(node)] = Int32(self.tokens.count)
            self.tokens.append(token)
        }
    }

    /// The control token with exactly this text.
    func id(ofControl text: [UInt8]) -> Int32? {
        longestToken(in: text, at: 0, end: text.count) { $0.isControl && $0.text.count == text.count }?.id
    }

    /// The longest token at `start` of `text[..<end]` that `accepts` takes.
    fileprivate func longestToken(
        in text: [UInt8], at start: Int, end: Int, where accepts: (WholeToken) -> Bool
    ) -> WholeToken? {
        guard start < end, begins[Int(text[start])] else { return nil }
        var (node, at): (Int32, Int) = (0, start)
        var found: WholeToken?
        while at < end, let next = edges[Self.edge(node, text[at])] {
            (node, at) = (next, at + 1)
            let index = Int(tokenOfNode[Int(node)])
            if index >= 0, accepts(tokens[index]) { found = tokens[index] }
        }
        return found
    }

    private static func edge(_ node: Int32, _ byte: UInt8) -> UInt64 {
        UInt64(UInt32(bitPattern: node)) << 8 | UInt64(byte)
    }
}

/// The whole tokens in a text, from left to right: the longest of those that begin at the same byte.
struct WholeTokenMatches {
    private let text: [UInt8]
    private let tokens: WholeTokens
    private var trusted: ArraySlice<Range<Int>>
    private let bounds: Range<Int>
    private var position: Int
    private var taken: Int  // the end of the last match

    /// Searches `text[bounds]`. Control tokens must lie within one range of `trusted`: ascending and disjoint.
    init(in text: [UInt8], _ bounds: Range<Int>, of tokens: WholeTokens, controlWithin trusted: [Range<Int>]) {
        self.text = text
        self.tokens = tokens
        self.trusted = trusted[...]
        self.bounds = bounds
        position = bounds.lowerBound
        taken = bounds.lowerBound
    }

    /// The next token, with the white space that it takes.
    mutating func next() -> (id: Int32, range: Range<Int>)? {
        guard !tokens.isEmpty else { return nil }
        while position < bounds.upperBound {
            let start = position
            let controlEnd = trustedEnd(at: start)
            let token = tokens.longestToken(in: text, at: start, end: bounds.upperBound) {
                !$0.isControl || start + $0.text.count <= controlEnd
            }
            position += token?.text.count ?? 1
            if let token, !token.isSingleWord || isAlone(start..<position) {
                return (token.id, match(token, at: start))
            }
        }
        return nil
    }

    private mutating func trustedEnd(at start: Int) -> Int {
        while let range = trusted.first, range.upperBound <= start { trusted.removeFirst() }
        guard let range = trusted.first, range.lowerBound <= start else { return start }
        return range.upperBound
    }

    private mutating func match(_ token: WholeToken, at start: Int) -> Range<Int> {
        var start = start
        if token.takesSpaceBefore {
            while let before = scalar(endingAt: start), start > taken, before.properties.isWhitespace {
                start -= UTF8.width(before)
            }
        }
        if token.takesSpaceAfter {
            while let after = scalar(at: position), after.properties.isWhitespace { position += UTF8.width(after) }
        }
        taken = position
        return start..<position
    }

    private func isAlone(_ range: Range<Int>) -> Bool {
        !(scalar(endingAt: range.lowerBound)?.isWord ?? false) && !(scalar(at: range.upperBound)?.isWord ?? false)
    }

    private func scalar(at start: Int) -> Unicode.Scalar? {
        String(decoding: text[start..<min(start + 4, bounds.upperBound)], as: UTF8.self).unicodeScalars.first
    }

    private func scalar(endingAt end: Int) -> Unicode.Scalar? {
        String(decoding: text[max(end - 4, bounds.lowerBound)..<end], as: UTF8.self).unicodeScalars.last
    }
}

extension Unicode.Scalar {
    /// Whether regular expressions count the character among words (`\w`; Unicode technical standard 18, annex C).
    fileprivate var isWord: Bool {
        if properties.isAlphabetic || properties.isJoinControl { return true }
        switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
        default: return false
        }
    }
}

extension UTF8 {
    fileprivate static func width(_ scalar: Unicode.Scalar) -> Int { encode(scalar)?.count ?? 1 }
}
