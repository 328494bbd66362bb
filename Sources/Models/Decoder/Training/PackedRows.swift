public import Tensors

/// Sequences that share their beginnings, laid out as the rows of one forward pass.
///
/// Each sequence is a tree of nodes. A node's rows see the node's rows before them and all rows of its ancestors, and
/// its positions continue its parent's. Siblings never see each other: an image that stands before six questions is
/// computed once.
public struct PackedRows: Sendable {
    /// Rows that were appended at once.
    public struct Node: Sendable {
        /// Where they are.
        public let rows: Range<Int>
        fileprivate let tree: Int
        fileprivate let segment: Int
    }

    /// The token of each row; where an embedding is put in by hand, it does not matter.
    public private(set) var tokens: [Int32] = []
    private var trees: [[AttentionSpans.Segment]] = []

    /// No rows.
    public init() {}

    /// The number of rows.
    public var count: Int { tokens.count }

    /// Who sees whom, and the rows' positions.
    public var spans: AttentionSpans { .tree(trees) }

    /// Adds rows for `more`: a new sequence, or after `parent`, which must belong to the sequence begun last.
    public mutating func append(_ more: [Int32], after parent: Node? = nil) -> Node {
        if parent == nil { trees.append([]) }
        let tree = trees.count - 1
        precondition(parent.map { $0.tree == tree } ?? true, "a sequence's rows must lie together")
        let start = count
        tokens += more
        trees[tree].append(AttentionSpans.Segment(length: more.count, parent: parent?.segment))
        return Node(rows: start..<count, tree: tree, segment: trees[tree].count - 1)
    }
}
