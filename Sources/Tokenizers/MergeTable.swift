/// The pairs of tokens that merge, with their rank and the merged token.
struct MergeTable: Sendable {
    /// More bytes than a token of any real SentencePiece vocabulary has: building the table takes a token's length
    /// squared.
    static let longestScoredToken = 1024

    private var merges: [UInt64: (rank: UInt32, merged: Int32)] = [:]

    /// The merge of `left` with its right neighbour `right`, if there is one. Lower ranks merge first.
    func merge(_ left: Int32, _ right: Int32) -> (rank: UInt32, merged: Int32)? {
        merges[Self.key(left, right)]
    }

    /// The pairs that merge and what they make, the first to merge first.
    var pairs: [(left: Int32, right: Int32, merged: Int32)] {
        merges.sorted { ($0.value.rank, $0.key) < ($1.value.rank, $1.key) }.map { key, value in
            (Int32(truncatingIfNeeded: key >> 32), Int32(truncatingIfNeeded: key), value.merged)
        }
    }

    /// Whether this table of scores has the merges of `other` in the same order, where pairs of one token count alike:
    /// by scores the leftmost merges first, by ranks the first of the list. SentencePiece merges by scores; the list of
    /// a `tokenizer.json` that was converted from it is this list.
    func isLike(_ other: MergeTable) -> Bool {
        guard merges.count == other.merges.count else { return false }
        var last: UInt32 = 0
        for pair in other.pairs {
            guard let (rank, merged) = merge(pair.left, pair.right), merged == pair.merged, rank >= last else {
                return false
            }
            last = rank
        }
        return true
    }

    /// The table of `pairs`, whose ranks are their indices.
    ///
    /// - Parameter ids: all tokens, by their text.
    init(
        _ pairs: [(left: [UInt8], right: [UInt8])], of parts: VocabularyParts, ids: [[UInt8]: Int32]
    ) throws(VocabularyError) {
        merges.reserveCapacity(pairs.count)
        for (rank, pair) in pairs.enumerated() {
            guard let left = ids[pair.left], let right = ids[pair.right], let merged = ids[pair.left + pair.right],
                parts.merges(left), parts.merges(right), parts.merges(merged)
            else {
                throw .unknownTokenInMerge(rank: rank, merge: Self.text(pair))
            }
            guard merges.updateValue((UInt32(rank), merged), forKey: Self.key(left, right)) == nil else {
                throw .duplicateMerge(rank: rank, merge: Self.text(pair))
            }
        }
    }

    /// The table of a SentencePiece vocabulary: any two tokens merge whose texts together are a token's, and the rank
    /// is the rank of that token's score. Pairs of one rank merge from left to right, as in llama.cpp.
    ///
    /// - Parameter ids: all tokens, by their text.
    init(scores: [Float], of parts: VocabularyParts, ids: [[UInt8]: Int32]) throws(VocabularyError) {
        guard scores.count == parts.tokens.count else {
            throw .scoreMismatch(tokens: parts.tokens.count, scores: scores.count)
        }
        if let id = scores.firstIndex(where: { !$0.isFinite }) { throw .scoreNotFinite(id: id) }
        let ranks = Self.ranks(of: scores)
        merges.reserveCapacity(ids.count * 2)
        for (text, id) in ids where text.count > 1 && parts.merges(id) {
            guard text.count <= Self.longestScoredToken else { throw .longToken(id: Int(id), bytes: text.count) }
            for cut in 1..<text.count where text[cut] & 0xC0 != 0x80 {
                guard let left = ids[Array(text[..<cut])], let right = ids[Array(text[cut...])],
                    parts.merges(left), parts.merges(right)
                else { continue }
                merges[Self.key(left, right)] = (ranks[Int(id)], id)
            }
        }
    }

    /// Splits merges that are written as two texts with a space between.
    static func pairs(_ merges: [String]) throws(VocabularyError) -> [(left: [UInt8], right: [UInt8])] {
        var pairs: [(left: [UInt8], right: [UInt8])] = []
        pairs.reserveCapacity(merges.count)
        for (rank, merge) in merges.enumerated() {
            let halves = merge.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            guard halves.count == 2 else { throw .malformedMerge(rank: rank, merge: merge) }
            pairs.append((Array(halves[0]), Array(halves[1])))
        }
        return pairs
    }

    private static func ranks(of scores: [Float]) -> [UInt32] {
        var ranks = [UInt32](repeating: 0, count: scores.count)
        var (rank, last): (UInt32, Float?) = (0, nil)
        for id in scores.indices.sorted(by: { scores[$0] > scores[$1] }) {
            if let last, last != scores[id] { rank += 1 }
            last = scores[id]
            ranks[id] = rank
        }
        return ranks
    }

    private static func text(_ pair: (left: [UInt8], right: [UInt8])) -> String {
        String(decoding: pair.left + [UInt8(ascii: " ")] + pair.right, as: UTF8.self)
    }

    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }
}
