import Synchronization

/// The tokens of a model as a tree over their bytes, so that tokens with a common beginning are looked at together.
public final class TokenVocabulary: Sendable {
    /// The number of token ids.
    let count: Int
    /// Whether the first blank of a text is not printed, as in SentencePiece.
    let dropsFirstSpace: Bool
    /// The bytes that have a token of their own.
    let spelled: ByteSet
    /// The byte of each node of the tree, in depth-first order; node 0 is the root.
    let bytes: [UInt8]
    /// The number of bytes of each node's text.
    let depths: [Int16]
    /// The node after the subtree of each node.
    let ends: [Int32]
    /// The ids of all tokens, in the order of the nodes; those of node n are `tokens[firsts[n]..<firsts[n + 1]]`.
    let tokens: [Int32]
    let firsts: [Int32]
    /// The greatest number of bytes of a token.
    let longest: Int
    /// The masks inside JSON strings, which all grammars share.
    let strings: Mutex<StringMasks>

    /// Longer tokens are never drawn. Real ones have up to about 130 bytes.
    private static let maximumLength = 512
    private let texts: [[UInt8]]

    /// A vocabulary.
    ///
    /// - Parameters:
    ///   - texts: the bytes that each token prints, by its id; none for special tokens, which are never allowed.
    ///   - excluded: tokens with text that are not part of an answer, such as end tokens.
    ///   - dropsFirstSpace: whether the first blank of a text is not printed.
    public init(_ texts: [[UInt8]], excluding excluded: Set<Int32> = [], dropsFirstSpace: Bool = false) {
        count = texts.count
        self.texts = texts
        self.dropsFirstSpace = dropsFirstSpace
        let ids = texts.indices.filter {
            !texts[$0].isEmpty && texts[$0].count <= Self.maximumLength && !excluded.contains(Int32($0))
        }
        let sorted = ids.sorted { one, other in
            texts[one] == texts[other] ? one < other : texts[one].lexicographicallyPrecedes(texts[other])
        }
        var spelled = ByteSet()
        for id in sorted where texts[id].count == 1 { spelled.insert(texts[id][0]) }
        self.spelled = spelled
        var tree = Tree()
        for id in sorted { tree.add(texts[id], id: Int32(id)) }
        tree.finish()
        (bytes, depths, ends, tokens, firsts) = (tree.bytes, tree.depths, tree.ends, tree.tokens, tree.firsts)
        longest = sorted.map { texts[$0].count }.max() ?? 0
        strings = Mutex(StringMasks())
    }

    /// The bytes of a token.
    func text(of token: Int32) -> [UInt8] {
        texts.indices.contains(Int(token)) ? texts[Int(token)] : []
    }

    /// The tokens that end at a node of the tree.
    func tokens(at node: Int) -> ArraySlice<Int32> { tokens[Int(firsts[node])..<Int(firsts[node + 1])] }

    /// The child of the root for a byte.
    func child(_ byte: UInt8) -> Int? {
        var node = 1
        while node < bytes.count {
            if bytes[node] == byte { return node }
            node = Int(ends[node])
        }
        return nil
    }

    private struct Tree {
        var bytes: [UInt8] = [0]
        var depths: [Int16] = [0]
        var ends: [Int32] = [0]
        var tokens: [Int32] = []
        var firsts: [Int32] = [0]
        /// The nodes from the root to the last one.
        private var path = [0]
        private var last: [UInt8] = []

        /// Adds a token; they come in the order of their bytes.
        mutating func add(_ text: [UInt8], id: Int32) {
            let common = zip(text, last).prefix { $0 == $1 }.count
            close(to: common)
            for byte in text.dropFirst(common) {
                path.append(bytes.count)
                bytes.append(byte)
                depths.append(Int16(path.count - 1))
                ends.append(0)
                firsts.append(Int32(tokens.count))
            }
            tokens.append(id)
            last = text
        }

        private mutating func close(to depth: Int) {
            while path.count - 1 > depth { ends[path.removeLast()] = Int32(bytes.count) }
        }

        mutating func finish() {
            close(to: 0)
            ends[0] = Int32(bytes.count)
            firsts.append(Int32(tokens.count))
        }
    }
}

/// The tokens that may come next.
public final class TokenMask: Sendable {
    /// One bit for each token, the lowest ids in the lowest bits.
    public let words: [UInt64]

    init(_ words: [UInt64]) {
        self.words = words
    }

    /// Whether a token may come next.
    public func contains(_ token: Int32) -> Bool {
        let word = Int(token) >> 6
        return words.indices.contains(word) && words[word] >> UInt64(token & 63) & 1 == 1
    }

    /// Whether no token may come next.
    public var isEmpty: Bool { words.allSatisfy { $0 == 0 } }
}

/// A mask that is being built.
struct MaskBits {
    private(set) var words: [UInt64]

    init(count: Int) {
        words = Array(repeating: 0, count: (count + 63) / 64)
    }

    mutating func insert(_ tokens: ArraySlice<Int32>) {
        for token in tokens { words[Int(token) >> 6] |= 1 << UInt64(token & 63) }
    }

    mutating func remove(_ tokens: ArraySlice<Int32>) {
        for token in tokens { words[Int(token) >> 6] &= ~(1 << UInt64(token & 63)) }
    }

    mutating func formUnion(_ other: [UInt64]) {
        for index in words.indices { words[index] |= other[index] }
    }
}
