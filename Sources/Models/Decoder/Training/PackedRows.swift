public import Tensors

/// Sequences with shared beginnings, laid out as the rows of one forward pass.
///
/// Each sequence is a tree of nodes. A node's rows attend to the node's earlier rows and to all rows of its ancestors,
/// and its positions continue its parent's. Siblings never attend to each other: an image before six questions is
/// computed once.
public struct PackedRows: Sendable {
    /// Rows that were appended together.
    public struct Node: Sendable {
        /// The rows' indices.
        public let rows: Range<Int>
        fileprivate let tree: Int
        fileprivate let segment: Int
    }

    /// The token of each row; ignored for rows with injected embeddings.
    public private(set) var tokens: [Int32] = []
    private var trees: [[AttentionSpans.Segment]] = []

    /// No rows.
    public init() {}

    /// The number of rows.
    public var count: Int { tokens.count }

    /// The rows' attention spans and positions.
    public var spans: AttentionSpans { .tree(trees) }

    /// Appends rows for `more`: as a new sequence, or after `parent`, which must belong to the newest sequence.
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
