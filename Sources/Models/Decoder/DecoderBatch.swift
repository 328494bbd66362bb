public import Tensors

/// The work of one decoder step: rows of several sequences, side by side.
///
/// A row is one position of one sequence. The result of a row never depends on the rows beside it.
public struct DecoderBatch: Sendable {
    /// Embeddings that replace the token embeddings of rows.
    public struct Injection: Sendable {
        /// The first row.
        public var row: Int
        /// `[rows, hidden]`.
        public var embeddings: Tensor

        /// Embeddings for the rows starting at `row`.
        public init(row: Int, embeddings: Tensor) {
            self.row = row
            self.embeddings = embeddings
        }
    }

    /// A run of rows that use the same adapter.
    public struct AdapterRows: Sendable {
        /// The rows.
        public var rows: Range<Int>
        /// Their adapter.
        public var adapter: ServingAdapter

        /// Rows under an adapter.
        public init(rows: Range<Int>, adapter: ServingAdapter) {
            self.rows = rows
            self.adapter = adapter
        }
    }

    /// One token id per row.
    public var tokens: [Int32]
    /// The sequences' rows, and the destinations of their keys and values.
    public var sequences: [SequenceSlice]
    /// Image embeddings.
    public var injections: [Injection]
    /// Runs of rows with adapters. Rows outside all runs use the backbone alone.
    public var adapters: [AdapterRows]
    /// The rows whose logits are needed.
    public var outputRows: [Int]

    /// A batch of the given rows.
    public init(
        tokens: [Int32], sequences: [SequenceSlice], injections: [Injection] = [], adapters: [AdapterRows] = [],
        outputRows: [Int]
    ) {
        self.tokens = tokens
        self.sequences = sequences
        self.injections = injections
        self.adapters = adapters
        self.outputRows = outputRows
    }

    /// Each row's position in its sequence.
    var positions: [Int32] {
        var positions = [Int32](repeating: 0, count: tokens.count)
        for sequence in sequences {
            for (offset, row) in sequence.rows.enumerated() { positions[row] = Int32(sequence.start + offset) }
        }
        return positions
    }

    /// The runs within `tile`, counted from its first row.
    func adapters(of tile: Range<Int>) -> [AdapterRows] {
        adapters.filter { $0.rows.overlaps(tile) }.map { run in
            let rows = run.rows.clamped(to: tile)
            return AdapterRows(
                rows: rows.lowerBound - tile.lowerBound..<rows.upperBound - tile.lowerBound, adapter: run.adapter)
        }
    }
}
