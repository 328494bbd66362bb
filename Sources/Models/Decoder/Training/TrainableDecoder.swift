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

/// The decoder in training: a frozen base and an adapter with gradients.
///
/// The forward pass keeps the values that the backward pass needs, some 9,000 floats per row and block.
public struct TrainableDecoder: Sendable {
    /// The results of a forward pass, and the values that its backward pass needs.
    public struct Pass: Sendable {
        /// Hidden states after the final norm at the requested rows, `[outputs, hidden]`.
        public let hidden: Tensor
        fileprivate let outputs: [Int32]
        fileprivate let count: Int
        fileprivate let angles: RotaryAngles
        fileprivate let spans: AttentionSpans
        fileprivate let last: Tensor
        fileprivate var blocks: [DecoderBlock.Saved]
    }

    /// The frozen base.
    public let base: FrozenDecoder
    private let blocks: [DecoderBlock]
    private let rank: Int
    private let alpha: Float

    /// `base` with `adapter`, which must have pairs for all modules of all blocks.
    public init(_ base: FrozenDecoder, adapter: LowRankAdapter) {
        precondition(adapter.layers.count == base.blocks.count, "an adapter of \(adapter.layers.count) blocks")
        self.base = base
        self.rank = adapter.rank
        self.alpha = adapter.alpha
        self.blocks = zip(base.blocks.enumerated(), adapter.layers).map {
            DecoderBlock(
                $0.element, layer: $0.offset, pairs: $1, scale: adapter.scale, configuration: base.configuration)
        }
    }

    /// Runs `embeddings`, `[rows, hidden]`, through all blocks; `outputs` are the rows whose hidden states are needed.
    public func forward(_ embeddings: Tensor, rows: PackedRows, outputs: [Int]) -> Pass {
        precondition(embeddings.rows == rows.count, "\(embeddings.rows) embeddings for \(rows.count) rows")
        let spans = rows.spans
        let angles = RotaryAngles(positions: spans.positions, frequencies: base.configuration.rotaryFrequencies)
        base.compute.keepFreedMemory(atLeast: savedBytes(rows: rows.count))
        var x = embeddings
        if base.configuration.embeddingScale != 1 { base.compute.scale(&x, by: base.configuration.embeddingScale) }
        var saved: [DecoderBlock.Saved] = []
        saved.reserveCapacity(blocks.count)
        for block in blocks {
            let (y, one) = block.forward(x, angles: angles, spans: spans, on: base.compute)
            x = y
            saved.append(one)
        }
        let indices = outputs.map { Int32($0) }
        let last = base.compute.gather(indices, from: x)
        return Pass(
            hidden: base.normalized(last), outputs: indices, count: rows.count, angles: angles, spans: spans,
            last: last,
            blocks: saved)
    }

    /// The approximate bytes that a pass keeps for its backward pass, plus a quarter for the backward pass's own
    /// values.
    private func savedBytes(rows: Int) -> Int {
        let c = base.configuration
        let width = 4 * c.hidden + 2 * c.queryWidth + 2 * c.kvWidth + 3 * c.feedForward
        return rows * c.layers * width * MemoryLayout<Float>.size * 5 / 4
    }

    /// The gradients of the adapter and of the embeddings, `[rows, hidden]`, from the gradient of the pass's hidden
    /// states.
    public func backward(_ pass: consuming Pass, dhidden: Tensor) -> (adapter: LowRankAdapter, embeddings: Tensor) {
        let compute = base.compute
        var dx = base.compute.zeros([pass.count, base.configuration.hidden])
        compute.scatterAdd(base.normalizedBackward(dhidden, x: pass.last), to: pass.outputs, in: &dx)
        var layers: [[AdapterModule: LowRankAdapter.Pair]] = []
        for block in blocks.reversed() {
            // Removed from the pass, so that the blocks that follow can reuse its memory.
            let saved = pass.blocks.removeLast()
            let (dinput, pairs) = block.backward(
                dx, saved, angles: pass.angles, spans: pass.spans, on: compute)
            dx = dinput
            layers.append(pairs)
        }
        if base.configuration.embeddingScale != 1 { compute.scale(&dx, by: base.configuration.embeddingScale) }
        return (LowRankAdapter(rank: rank, alpha: alpha, layers: layers.reversed()), dx)
    }
}

/// One block in training.
struct DecoderBlock: Sendable {
    struct Saved: Sendable {
        let attention: AttentionLayer.Saved
        let feedForward: FeedForwardLayer.Saved
    }

    private static let attentionModules: [AdapterModule] = [.query, .key, .value, .output]
    private static let feedForwardModules: [AdapterModule] = [.gate, .up, .down]

    private let attention: AttentionLayer
    private let feedForward: FeedForwardLayer

    init(
        _ frozen: FrozenBlock, layer: Int, pairs: [AdapterModule: LowRankAdapter.Pair], scale: Float,
        configuration: DecoderConfiguration
    ) {
        func adapted(_ weight: FrozenLinear, _ modules: [AdapterModule]) -> AdaptedLinear {
            let chosen = modules.map { module in
                guard let pair = pairs[module] else { preconditionFailure("the adapter has no \(module.rawValue)") }
                return pair
            }
            return AdaptedLinear(
                weight, pairs: chosen, scale: scale, residualScale: configuration.residualScale)
        }
        attention = AttentionLayer(
            norm: frozen.attentionNorm, queryKeyValue: adapted(frozen.queryKeyValue, [.query, .key, .value]),
            queryNorm: frozen.queryNorm, keyNorm: frozen.keyNorm, output: adapted(frozen.output, [.output]),
            isRotated: !configuration.unrotatedLayers.contains(layer), configuration: configuration)
        feedForward = FeedForwardLayer(
            norm: frozen.feedForwardNorm, gateUp: adapted(frozen.gateUp, [.gate, .up]),
            down: adapted(frozen.down, [.down]), epsilon: configuration.normEpsilon)
    }

    /// `[rows, hidden]` to `[rows, hidden]`.
    func forward(
        _ x: Tensor, angles: RotaryAngles, spans: AttentionSpans, on compute: Compute
    ) -> (y: Tensor, saved: Saved) {
        let (middle, attended) = attention.forward(x, angles: angles, spans: spans, on: compute)
        let (y, fed) = feedForward.forward(middle, on: compute)
        return (y, Saved(attention: attended, feedForward: fed))
    }

    /// The gradient of the input, and the gradients of the pairs.
    func backward(
        _ dy: Tensor, _ saved: Saved, angles: RotaryAngles, spans: AttentionSpans, on compute: Compute
    ) -> (dx: Tensor, pairs: [AdapterModule: LowRankAdapter.Pair]) {
        let (dmiddle, fed) = feedForward.backward(dy, saved.feedForward, on: compute)
        let (dx, attended) = attention.backward(
            dmiddle, saved.attention, angles: angles, spans: spans, on: compute)
        let modules = zip(Self.attentionModules + Self.feedForwardModules, attended + fed)
        return (dx, Dictionary(uniqueKeysWithValues: modules.map { ($0, $1) }))
    }
}
