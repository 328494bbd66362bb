public import Checkpoints
public import Foundation
public import Models
public import Tensors

/// A llama of random weights: 2 layers, width 64.
public enum TinyLlama {
    /// Its sizes, as `Tests/Fixtures/README.md` states them.
    public static let configuration = DecoderConfiguration(
        layers: 2, hidden: 64, feedForward: 96, heads: 4, kvHeads: 2, headSize: 16, vocabulary: 320,
        contextLength: 1024, ropeTheta: 10_000, normEpsilon: 1e-5)

    /// Its weights for training.
    public static func frozen(compute: Compute) throws -> FrozenDecoder {
        try FrozenDecoder(DecoderFiles(file()), compute: compute)
    }
}

/// A packed batch as `make_training.py` writes it.
public struct PackedFixture: Decodable, Sendable {
    /// A node of the trees.
    public struct Node: Decodable, Sendable {
        /// Its parent's index, or -1.
        public let parent: Int
        /// Its rows.
        public let start: Int, end: Int
    }

    /// Tokens of all rows.
    public let ids: [Int32]
    /// Their positions.
    public let positions: [Int32]
    /// The trees.
    public let nodes: [Node]
    /// Rows that visual tokens replace.
    public let visualRows: [Int]
    /// Rows that predict; one may stand there several times.
    public let predictionRows: [Int]
    /// What they predict.
    public let predictionTargets: [Int32]

    /// Reads the JSON of one batch.
    public static func decode<T: Decodable>(_ type: T.Type = PackedFixture.self, from url: URL) throws -> T {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: Data(contentsOf: url))
    }

    /// The rows, appended node by node.
    public var rows: PackedRows {
        var rows = PackedRows()
        var appended: [PackedRows.Node] = []
        for node in nodes {
            let parent = node.parent < 0 ? nil : appended[node.parent]
            appended.append(rows.append(Array(ids[node.start..<node.end]), after: parent))
        }
        return rows
    }
}

/// Loss and gradients of one batch, as training computes them: the mean cross entropy of all predictions.
public struct TrainingResult: Sendable {
    /// In nats.
    public let loss: Float
    /// `[predictions, vocabulary]`.
    public let logits: Tensor
    /// Of the adapter's factors.
    public let adapter: LowRankAdapter
    /// Of the visual tokens, `[visual rows, hidden]`.
    public let visual: Tensor

    /// Runs `batch` with `visual`, `[visual rows, hidden]`, in place of the embeddings of its visual rows.
    public init(_ batch: PackedFixture, visual: Tensor?, base: FrozenDecoder, adapter: LowRankAdapter) {
        let compute = base.compute
        var embeddings = base.embeddings(of: batch.ids)
        if let visual {
            for (index, row) in batch.visualRows.enumerated() {
                embeddings.replaceRows(from: row, with: visual.rows(index..<index + 1))
            }
        }
        let decoder = TrainableDecoder(base, adapter: adapter)
        let pass = decoder.forward(embeddings, rows: batch.rows, outputs: batch.predictionRows)
        self.logits = base.logits(pass.hidden)
        let count = Float(batch.predictionTargets.count)
        let (losses, dlogits) = compute.crossEntropy(
            logits: logits, targets: batch.predictionTargets, scale: 1 / count)
        self.loss = losses.reduce(0, +) / count
        let gradients = decoder.backward(pass, dhidden: base.logitsBackward(dlogits))
        self.adapter = gradients.adapter
        self.visual = compute.gather(batch.visualRows.map { Int32($0) }, from: gradients.embeddings)
    }
}

extension LowRankAdapter {
    /// The adapter under PEFT's names after `prefix` in `file`.
    public init(
        _ file: SafetensorsFile, prefix: String = "", rank: Int = 4, alpha: Float = 8,
        configuration: DecoderConfiguration = TinyLlama.configuration
    ) throws {
        var layers: [[AdapterModule: Pair]] = []
        for layer in 0..<configuration.layers {
            var pairs: [AdapterModule: Pair] = [:]
            for module in AdapterModule.allCases {
                let part = [.gate, .up, .down].contains(module) ? "mlp" : "self_attn"
                let stem = "base_model.model.model.layers.\(layer).\(part).\(module.rawValue)"
                pairs[module] = Pair(
                    a: try file.tensor("\(prefix)\(stem).lora_A.weight"),
                    b: try file.tensor("\(prefix)\(stem).lora_B.weight"))
            }
            layers.append(pairs)
        }
        self.init(rank: rank, alpha: alpha, layers: layers)
    }
}

/// ‖found − expected‖ / ‖expected‖ over all elements.
public func relativeDistance(_ found: Tensor, _ expected: Tensor) -> Double {
    precondition(found.count == expected.count, "\(found.shape) against \(expected.shape)")
    let pairs = zip(found.elements, expected.elements)
    let difference = pairs.reduce(0.0) { $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1)) }
    let norm = expected.elements.reduce(0.0) { $0 + Double($1) * Double($1) }
    return (difference / norm).squareRoot()
}

/// The largest difference over the largest expected element.
public func largestDifference(_ found: Tensor, _ expected: Tensor) -> Float {
    precondition(found.count == expected.count, "\(found.shape) against \(expected.shape)")
    let difference = zip(found.elements, expected.elements).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
    return difference / (expected.elements.map { abs($0) }.max() ?? 0)
}
