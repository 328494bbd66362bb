import Foundation
public import Tensors

/// A LoRA adapter of a Llama-shaped causal language model, in PEFT's two files.
///
/// Rows are in Hugging Face order. Each target module must have both factors in every layer up to the last one that the
/// file names. The model checks whether it has that many layers and those widths.
public struct PEFTAdapter: Sendable {
    /// One linear layer of the model.
    public struct Key: Hashable, Sendable {
        /// The decoder block, from 0 on.
        public var layer: Int
        /// The linear layer's name in the block: `q_proj`, `down_proj` …
        public var module: String

        /// The layer `module` of block `layer`.
        public init(layer: Int, module: String) {
            self.layer = layer
            self.module = module
        }
    }

    /// The two factors of one layer's update, which is (alpha / rank) · b · a.
    public struct Pair: Sendable {
        /// `[rank, inputs]`.
        public var a: Tensor
        /// `[outputs, rank]`.
        public var b: Tensor

        /// The pair of the given factors.
        public init(a: Tensor, b: Tensor) {
            self.a = a
            self.b = b
        }
    }

    /// The inner width of every pair.
    public let rank: Int
    /// Updates are scaled by `alpha / rank`.
    public let alpha: Float
    /// The name of the model that it was trained for; nil if the file does not name it.
    public let baseModel: String?
    /// The pairs by layer.
    public let pairs: [Key: Pair]

    /// The modules that an adapter may change, each with the name of its submodule of a block.
    static let blocks = [
        "q_proj": "self_attn", "k_proj": "self_attn", "v_proj": "self_attn", "o_proj": "self_attn",
        "gate_proj": "mlp", "up_proj": "mlp", "down_proj": "mlp",
    ]
    private static let configurationName = "adapter_config.json"
    private static let weightsName = "adapter_model.safetensors"

    /// An adapter of the given pairs. Their inner width must be `rank`, and their modules a Llama block's.
    public init(rank: Int, alpha: Float, baseModel: String? = nil, pairs: [Key: Pair]) {
        for (key, pair) in pairs {
            precondition(Self.blocks[key.module] != nil, "no module \(key.module)")
            precondition(pair.a.shape.first == rank && pair.b.shape.last == rank, "\(key) is not of rank \(rank)")
        }
        self.rank = rank
        self.alpha = alpha
        self.baseModel = baseModel
        self.pairs = pairs
    }

    /// The names of the modules that it changes, sorted.
    public var targetModules: [String] { Set(pairs.keys.map(\.module)).sorted() }

    /// The number of blocks up to the last one that it changes.
    public var layers: Int { (pairs.keys.map(\.layer).max() ?? -1) + 1 }

    /// Reads the adapter in `folder`.
    public init(folder: String) throws(PEFTError) {
        let configuration = try PEFTConfiguration(path: "\(folder)/\(Self.configurationName)")
        let file: SafetensorsFile
        do { file = try SafetensorsFile(path: "\(folder)/\(Self.weightsName)") } catch { throw .weights(error) }
        var keys = Set<Key>()
        for name in file.entries.keys.sorted() {
            guard let key = Self.key(of: name), configuration.targetModules.contains(key.module) else {
                throw .unknownTensor(path: file.path, name: name)
            }
            keys.insert(key)
        }
        let layers = (keys.map(\.layer).max() ?? 0) + 1
        let expected = Set(configuration.targetModules).count.multipliedReportingOverflow(by: layers)
        if expected.overflow || keys.count != expected.partialValue {
            throw .missingTensor(path: file.path, name: Self.firstMissing(keys, configuration.targetModules))
        }
        var pairs: [Key: Pair] = [:]
        for key in keys { pairs[key] = try Self.pair(key, rank: configuration.rank, in: file) }
        self.init(
            rank: configuration.rank, alpha: configuration.alpha, baseModel: configuration.baseModel, pairs: pairs)
    }

    /// Writes the two files into `folder`, which must exist.
    public func write(to folder: String, as format: FloatFormat) throws(PEFTError) {
        let configuration = PEFTConfiguration(
            rank: rank, alpha: alpha, targetModules: targetModules, baseModel: baseModel)
        let path = "\(folder)/\(Self.configurationName)"
        let json: [UInt8]
        do { json = try configuration.json() } catch { throw .badConfiguration(path: path, reason: "\(error)") }
        var tensors: [String: Tensor] = [:]
        for (key, pair) in pairs {
            tensors[Self.name(of: key, factor: "A")] = pair.a
            tensors[Self.name(of: key, factor: "B")] = pair.b
        }
        do {
            let weights = "\(folder)/\(Self.weightsName)"
            try SafetensorsFile.write(tensors, as: format, metadata: ["format": "pt"], to: weights)
        } catch {
            throw .weights(error)
        }
        do { try AtomicFile.write(json, to: path) } catch { throw .file(error) }
    }

    private static func pair(_ key: Key, rank: Int, in file: SafetensorsFile) throws(PEFTError) -> Pair {
        let (nameA, nameB) = (name(of: key, factor: "A"), name(of: key, factor: "B"))
        guard let a = file.entries[nameA] else { throw .missingTensor(path: file.path, name: nameA) }
        guard let b = file.entries[nameB] else { throw .missingTensor(path: file.path, name: nameB) }
        do {
            return Pair(
                a: try file.tensor(nameA, shape: [rank, a.shape.last ?? 0]),
                b: try file.tensor(nameB, shape: [b.shape.first ?? 0, rank]))
        } catch {
            throw .weights(error)
        }
    }

    private static func firstMissing(_ keys: Set<Key>, _ modules: [String]) -> String {
        var layer = 0
        while true {
            for module in modules.sorted() {
                let key = Key(layer: layer, module: module)
                if !keys.contains(key) { return name(of: key, factor: "A") }
            }
            layer += 1
        }
    }

    private static func name(of key: Key, factor: String) -> String {
        let block = blocks[key.module] ?? ""
        return "base_model.model.model.layers.\(key.layer).\(block).\(key.module).lora_\(factor).weight"
    }

    /// The layer that a tensor belongs to; nil for a name that PEFT does not use.
    private static func key(of name: String) -> Key? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 9, let layer = Int(parts[4]), (0..<65_536).contains(layer) else { return nil }
        let key = Key(layer: layer, module: String(parts[6]))
        return ["A", "B"].contains { Self.name(of: key, factor: $0) == name } ? key : nil
    }
}
