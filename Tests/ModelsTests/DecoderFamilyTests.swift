import Checkpoints
import Foundation
import Models
import Support
import Tensors
import TestSupport
import Testing

/// Decoders of every family against transformers (`make_families.py`).
@Suite struct DecoderFamilyTests {
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let folder: String
        let rope: [String: JSONValue]

        var testDescription: String { name }
    }

    enum JSONValue: Decodable, Sendable {
        case number(Double)
        case text(String)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Double.self) {
                self = .number(number)
            } else {
                self = .text(try container.decode(String.self))
            }
        }

        var object: Any {
            switch self {
            case .number(let number): number
            case .text(let text): text
            }
        }
    }

    private struct Golden: Decodable {
        let ids: [Int32]
        let cases: [Case]
    }

    private static func golden() throws -> Golden {
        try JSONDecoder().decode(Golden.self, from: Data(contentsOf: fixtureURL("families.json")))
    }

    static let cases = (try? golden().cases) ?? []

    private let compute = Compute(threads: 2)
    private let ids: [Int32]
    private let logits: SafetensorsFile

    init() throws {
        ids = try Self.golden().ids
        logits = try SafetensorsFile(path: fixtureURL("families.safetensors").path)
    }

    /// The logits of all positions.
    private func logits(_ folder: String) throws -> Tensor {
        let files = try DecoderFiles(CheckpointFolder(path: folder))
        let decoder = try TransformerDecoder(files, precision: .float32, compute: compute)
        let cache = decoder.makeCache(bytes: 0, minimumPositions: ids.count)
        let table = (0..<Int32(cache.blocks)).map { $0 }
        let batch = DecoderBatch(
            tokens: ids, sequences: [SequenceSlice(rows: 0..<ids.count, start: 0, blockTable: table)],
            outputRows: Array(ids.indices))
        return decoder.forward(batch, cache: cache)
    }

    @Test func everyFamilyIsCompared() {
        #expect(
            Self.cases.map(\.name).sorted() == [
                "granite", "llama", "llama-linear", "llama-llama3", "llama-yarn", "mistral", "qwen2", "qwen3",
                "smollm3",
            ])
    }

    @Test(arguments: cases) func logitsEqualTransformers(of example: Case) throws {
        try withFamily(example.folder) { folder in
            try change(folder) { config in
                guard var rope = config["rope_parameters"] as? [String: Any] else { return }
                for (name, value) in example.rope { rope[name] = value.object }
                config["rope_parameters"] = rope
            }
            // The tolerance of the cache's half precision, as in `DecoderGoldenTests`.
            let difference = largestDifference(try logits(folder.path), try logits.tensor("logits.\(example.name)"))
            #expect(difference < 4e-3, "\(difference)")
        }
    }

    /// The frozen decoder of a family, and an adapter whose factors are all random.
    private func trainable(_ family: String) throws -> (base: FrozenDecoder, adapter: LowRankAdapter) {
        let folder = try fixtureURL("families/\(family)").path
        let base = try FrozenDecoder(DecoderFiles(CheckpointFolder(path: folder)), compute: compute)
        var generator = SplitMix64(seed: 5, stream: 0)
        var adapter = LowRankAdapter(starting: base.configuration, rank: 2, alpha: 2, using: &generator)
        for layer in adapter.layers.indices {
            for (module, pair) in adapter.layers[layer].sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                adapter.layers[layer][module]?.b = Tensor(normal: 0.1, pair.b.shape, using: &generator)
            }
        }
        return (base, adapter)
    }

    static let families = cases.filter(\.rope.isEmpty).map(\.name)

    @Test(arguments: families) func trainingLogitsEqualTransformers(family: String) throws {
        let (base, adapter) = try trainable(family)
        var still = adapter
        for layer in still.layers.indices {
            for (module, pair) in adapter.layers[layer] { still.layers[layer][module]?.b = Tensor(zeros: pair.b.shape) }
        }
        var rows = PackedRows()
        _ = rows.append(ids)
        let hidden = TrainableDecoder(base, adapter: still)
            .forward(base.embeddings(of: ids), rows: rows, outputs: Array(ids.indices)).hidden
        let difference = largestDifference(base.logits(hidden), try logits.tensor("logits.\(family)"))
        #expect(difference < 1e-4, "\(difference)")
    }

    /// The gradient along a random direction against the difference quotient, for the adapter and the embeddings.
    @Test(arguments: families) func gradientsEqualDifferenceQuotients(family: String) throws {
        let (base, adapter) = try trainable(family)
        var generator = SplitMix64(seed: 6, stream: 0)
        let weights = Tensor(normal: 1, [ids.count, base.configuration.vocabulary], using: &generator)
        let embeddings = base.embeddings(of: ids)
        let direction = adapter.parameters.map { Tensor(normal: 1, $0.tensor.shape, using: &generator) }
        let embeddingDirection = Tensor(normal: 1, embeddings.shape, using: &generator)
        var rows = PackedRows()
        _ = rows.append(ids)
        func pass(_ step: Float) -> (decoder: TrainableDecoder, pass: TrainableDecoder.Pass) {
            let moved = zip(adapter.parameters, direction).map { parameter, direction in
                (parameter.name, self.moved(parameter.tensor, direction, step))
            }
            let changed = LowRankAdapter(ParameterSet(moved), like: base.configuration, rank: 2, alpha: 2)
            let decoder = TrainableDecoder(base, adapter: changed)
            let input = self.moved(embeddings, embeddingDirection, step)
            return (decoder, decoder.forward(input, rows: rows, outputs: Array(ids.indices)))
        }
        func loss(_ step: Float) -> Double {
            dot(base.logits(pass(step).pass.hidden), weights)
        }
        let (decoder, now) = pass(0)
        let gradient = decoder.backward(now, dhidden: base.logitsBackward(weights))
        let slope =
            zip(gradient.adapter.parameters, direction).reduce(0) { $0 + dot($1.0.tensor, $1.1) }
            + dot(gradient.embeddings, embeddingDirection)
        let step: Float = 1e-3
        let quotient = (loss(step) - loss(-step)) / Double(2 * step)
        #expect(abs(slope - quotient) < 0.01 * abs(quotient) + 0.5, "\(slope) and \(quotient)")
    }

    private func moved(_ tensor: Tensor, _ direction: Tensor, _ step: Float) -> Tensor {
        Tensor(zip(tensor.elements, direction.elements).map { $0 + step * $1 }, shape: tensor.shape)
    }

    private func dot(_ a: Tensor, _ b: Tensor) -> Double {
        zip(a.elements, b.elements).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    @Test(arguments: cases.filter { !$0.rope.isEmpty }) func theOlderFormOfRotaryOptionsIsTheSame(of example: Case)
        throws
    {
        try withFamily(example.folder) { folder in
            try change(folder) { config in
                config["rope_parameters"] = nil
                config["rope_theta"] = 10_000
                config["rope_scaling"] = example.rope.mapValues(\.object)
            }
            let difference = largestDifference(try logits(folder.path), try logits.tensor("logits.\(example.name)"))
            #expect(difference < 4e-3, "\(difference)")
        }
    }

    @Test(arguments: [
        ("llama", "hidden_act", "gelu", "hidden_act: expected silu, found gelu"),
        ("llama", "model_type", "gpt2", "model_type: expected llama or mistral or qwen2"),
        ("llama", "hidden_size", "64", "hidden_size: expected an integer from 1 to 65536, found \"64\""),
        ("llama", "mlp_bias", "yes", "mlp_bias: expected true or false, found \"yes\""),
        ("granite", "logits_scaling", "2", "logits_scaling: expected a number above 0, found \"2\""),
        ("qwen3", "layer_types", "full", "layer_types: expected an array, found a string"),
        ("mistral", "quantization_config", "x", "quantization_config: expected no quantised weights in a folder"),
    ])
    func aFieldThatIsNotSupportedIsNamed(family: String, field: String, value: String, complaint: String) throws {
        try withFamily(family) { folder in
            try change(folder) { $0[field] = value }
            let error = #expect(throws: (any Error).self) { try logits(folder.path) }
            #expect(
                "\(error.map { "\($0)" } ?? "")".contains("config.json: " + complaint), "\(String(describing: error))")
        }
    }

    @Test func aWindowShortensTheContext() throws {
        try withFamily("mistral") { folder in
            #expect(try DecoderFiles(CheckpointFolder(path: folder.path)).configuration.contextLength == 64)
            try change(folder) { $0["sliding_window"] = NSNull() }
            #expect(try DecoderFiles(CheckpointFolder(path: folder.path)).configuration.contextLength == 512)
        }
    }

    @Test func aShardThatIsMissingOrOutsideIsNamed() throws {
        try withFamily("qwen3") { folder in
            let index = folder.appendingPathComponent("model.safetensors.index.json")
            let text = try String(contentsOf: index, encoding: .utf8)
            let second = "model-00002-of-00002.safetensors"
            try text.replacingOccurrences(of: second, with: "../qwen3/\(second)")
                .write(to: index, atomically: true, encoding: .utf8)
            #expect(throws: CheckpointError.self) { try CheckpointFolder(path: folder.path) }
            try text.write(to: index, atomically: true, encoding: .utf8)
            _ = try CheckpointFolder(path: folder.path)
            try FileManager.default.removeItem(at: folder.appendingPathComponent(second))
            let error = #expect(throws: SafetensorsError.self) { try CheckpointFolder(path: folder.path) }
            #expect("\(error.map { "\($0)" } ?? "")".contains(second))
        }
    }

    /// Calls `body` with a copy of a family's folder.
    private func withFamily(_ name: String, _ body: (URL) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let copy = folder.appendingPathComponent(name)
            try FileManager.default.copyItem(at: fixtureURL("families/\(name)"), to: copy)
            try body(copy)
        }
    }

    private func change(_ folder: URL, _ edit: (inout [String: Any]) -> Void) throws {
        let path = folder.appendingPathComponent("config.json")
        var config = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: path)) as? [String: Any])
        edit(&config)
        try JSONSerialization.data(withJSONObject: config).write(to: path)
    }
}
