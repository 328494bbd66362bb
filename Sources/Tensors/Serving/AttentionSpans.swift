/// The rows that each row of a packed batch sees.
///
/// The rows of several sequences lie one after the other. Rows of different sequences never see each other; within its
/// sequence a row sees given ranges of rows.
public struct AttentionSpans: Sendable {
    /// A run of tokens in a tree: it continues the segment `parent` (nil for a root), and other segments may continue
    /// it.
    public struct Segment: Sendable {
        /// The number of tokens.
        public let length: Int
        /// The index of the segment that it continues, smaller than its own.
        public let parent: Int?

        /// A segment of `length` tokens after the segment `parent`.
        public init(length: Int, parent: Int?) {
            self.length = length
            self.parent = parent
        }
    }

    /// Consecutive rows that see the same keys, each up to its own limit: row `rows.lowerBound + i` sees the first
    /// `visible[i]` rows of `keys`.
    struct Group: Sendable {
        let rows: Range<Int>
        let keys: [Range<Int>]
        let visible: [Int32]
    }

    /// The rows of each sequence.
    public let sequences: [Range<Int>]
    /// The number of rows of all sequences.
    public var rows: Int { sequences.last?.upperBound ?? 0 }
    /// The number of rows before it that each row sees: its position, if attention is causal.
    public let positions: [Int32]
    /// The groups of each sequence.
    let groups: [[Group]]

    /// Spans from explicit ranges.
    ///
    /// - Parameters:
    ///   - sequences: consecutive ranges from row 0 on.
    ///   - visible: for each row the ranges that it sees: non-empty, ascending and within its sequence.
    public init(sequences: [Range<Int>], visible: [[Range<Int>]]) {
        precondition((sequences.last?.upperBound ?? 0) == visible.count, "\(visible.count) rows with ranges")
        self.sequences = sequences
        self.positions = visible.map { ranges in Int32(ranges.reduce(0) { $0 + $1.count } - 1) }
        self.groups = sequences.map { Self.groups(of: $0, visible) }
    }

    /// Every row sees itself and the rows of its sequence before it.
    public static func causal(lengths: [Int]) -> AttentionSpans {
        let sequences = consecutive(lengths)
        return AttentionSpans(
            sequences: sequences, visible: sequences.flatMap { s in s.map { [s.lowerBound..<$0 + 1] } })
    }

    /// Every row sees all rows of its sequence.
    public static func full(lengths: [Int]) -> AttentionSpans {
        let sequences = consecutive(lengths)
        return AttentionSpans(sequences: sequences, visible: sequences.flatMap { s in s.map { _ in [s] } })
    }

    /// Trees of segments, with their tokens in order: a row sees its own segment up to itself, and all tokens of the
    /// segments that its own continues, directly or indirectly.
    public static func tree(_ trees: [[Segment]]) -> AttentionSpans {
        var visible: [[Range<Int>]] = []
        var sequences: [Range<Int>] = []
        for segments in trees {
            let start = visible.count
            var paths: [[Range<Int>]] = []
            for (index, segment) in segments.enumerated() {
                precondition(segment.parent.map { $0 >= 0 && $0 < index } ?? true, "a segment before its parent")
                let first = visible.count
                let before = segment.parent.map { paths[$0] } ?? []
                visible += (first..<first + segment.length).map { before + [first..<$0 + 1] }
                paths.append(segment.length > 0 ? before + [first..<first + segment.length] : before)
            }
            sequences.append(start..<visible.count)
        }
        return AttentionSpans(sequences: sequences, visible: visible)
    }

    private static func consecutive(_ lengths: [Int]) -> [Range<Int>] {
        var end = 0
        return lengths.map { length in
            defer { end += length }
            return end..<end + length
        }
    }

    private static func groups(of sequence: Range<Int>, _ visible: [[Range<Int>]]) -> [Group] {
        var groups: [Group] = []
        var first = sequence.lowerBound
        for row in sequence {
            let next = row + 1
            if next < sequence.upperBound, sameKeys(visible[row], visible[next]) { continue }
            groups.append(group(first..<next, visible))
            first = next
        }
        return groups
    }

    /// Whether two rows' ranges are equal except for the end of the last one.
    private static func sameKeys(_ a: [Range<Int>], _ b: [Range<Int>]) -> Bool {
        a.count == b.count && a.dropLast() == b.dropLast() && a.last?.lowerBound == b.last?.lowerBound
    }

    private static func group(_ rows: Range<Int>, _ visible: [[Range<Int>]]) -> Group {
        let counts = rows.map { row in visible[row].reduce(0) { $0 + $1.count } }
        let widest = zip(rows, counts).max { $0.1 < $1.1 }?.0 ?? rows.lowerBound
        precondition(counts.allSatisfy { $0 > 0 }, "a row that sees nothing")
        return Group(rows: rows, keys: visible[widest], visible: counts.map(Int32.init))
    }
}
