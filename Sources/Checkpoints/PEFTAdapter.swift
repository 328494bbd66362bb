import Foundation
import Support
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

    /// The name of a model's decoder, with which the names of its layers begin.
    public enum DecoderName: String, Sendable, CaseIterable {
        /// In a text model.
        case text = "model."
        /// In Idefics3 and SmolVLM, beside the vision encoder.
        case multimodal = "model.text_model."
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
    /// The decoder's name in the model that the adapter belongs to.
    public let decoder: DecoderName

    /// The modules that an adapter may change, each with the name of its submodule of a block.
    static let blocks = [
        "q_proj": "self_attn", "k_proj": "self_attn", "v_proj": "self_attn", "o_proj": "self_attn",
        "gate_proj": "mlp", "up_proj": "mlp", "down_proj": "mlp",
    ]
    private static let configurationName = "adapter_config.json"
    private static let weightsName = "adapter_model.safetensors"

    /// An adapter of the given pairs. Their inner width must be `rank`, and their modules a Llama block's.
    public init(
        rank: Int, alpha: Float, baseModel: String? = nil, pairs: [Key: Pair], decoder: DecoderName = .text
    ) {
        for (key, pair) in pairs {
            precondition(Self.blocks[key.module] != nil, "no module \(key.module)")
            precondition(pair.a.shape.first == rank && pair.b.shape.last == rank, "\(key) is not of rank \(rank)")
        }
        self.rank = rank
        self.alpha = alpha
        self.baseModel = baseModel
        self.pairs = pairs
        self.decoder = decoder
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
        let decoder =
            DecoderName.allCases.last { decoder in
                file.entries.keys.contains { $0.hasPrefix("base_model.model.\(decoder.rawValue)layers.") }
            } ?? .text
        for name in file.entries.keys.sorted() {
            guard let key = Self.key(of: name, in: decoder), configuration.targetModules.contains(key.module) else {
                throw .unknownTensor(path: file.path, name: name)
            }
            keys.insert(key)
        }
        let layers = (keys.map(\.layer).max() ?? 0) + 1
        let expected = Set(configuration.targetModules).count.multipliedReportingOverflow(by: layers)
        if expected.overflow || keys.count != expected.partialValue {
            throw .missingTensor(path: file.path, name: Self.firstMissing(keys, configuration.targetModules, decoder))
        }
        var pairs: [Key: Pair] = [:]
        for key in keys { pairs[key] = try Self.pair(key, rank: configuration.rank, of: decoder, in: file) }
        self.init(
            rank: configuration.rank, alpha: configuration.alpha, baseModel: configuration.baseModel, pairs: pairs,
            decoder: decoder)
    }

    /// Writes the two files into `folder`, which must exist.
    public func write(to folder: String, as format: FloatFormat) throws(PEFTError) {
        let configuration = PEFTConfiguration(
            rank: rank, alpha: alpha, targetModules: targetModules, baseModel: baseModel, decoder: decoder)
        let path = "\(folder)/\(Self.configurationName)"
        let json: [UInt8]
        do { json = try configuration.json() } catch { throw .badConfiguration(path: path, reason: "\(error)") }
        var tensors: [String: Tensor] = [:]
        for (key, pair) in pairs {
            tensors[Self.name(of: key, in: decoder, factor: "A")] = pair.a
            tensors[Self.name(of: key, in: decoder, factor: "B")] = pair.b
        }
        do {
            let weights = "\(folder)/\(Self.weightsName)"
            try SafetensorsFile.write(tensors, as: format, metadata: ["format": "pt"], to: weights)
        } catch {
            throw .weights(error)
        }
        do { try AtomicFile.write(json, to: path) } catch { throw .file(error) }
    }

    private static func pair(
        _ key: Key, rank: Int, of decoder: DecoderName, in file: SafetensorsFile
    ) throws(PEFTError) -> Pair {
        let (nameA, nameB) = (name(of: key, in: decoder, factor: "A"), name(of: key, in: decoder, factor: "B"))
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

    private static func firstMissing(_ keys: Set<Key>, _ modules: [String], _ decoder: DecoderName) -> String {
        var layer = 0
        while true {
            for module in modules.sorted() {
                let key = Key(layer: layer, module: module)
                if !keys.contains(key) { return name(of: key, in: decoder, factor: "A") }
            }
            layer += 1
        }
    }

    private static func name(of key: Key, in decoder: DecoderName, factor: String) -> String {
        let block = blocks[key.module] ?? ""
        return "base_model.model.\(decoder.rawValue)layers.\(key.layer).\(block).\(key.module).lora_\(factor).weight"
    }

    /// The layer that a tensor belongs to; nil for a name that PEFT does not use.
    private static func key(of name: String, in decoder: DecoderName) -> Key? {
        // layers.LAYER.BLOCK.MODULE.lora_FACTOR.weight
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).suffix(6).map(String.init)
        guard parts.count == 6, let layer = Int(parts[1]), (0..<65_536).contains(layer) else { return nil }
        let key = Key(layer: layer, module: parts[3])
        return ["A", "B"].contains { Self.name(of: key, in: decoder, factor: $0) == name } ? key : nil
    }
}

/// The fields of a LoRA adapter's `adapter_config.json` that change what the adapter computes.
struct PEFTConfiguration {
    var rank: Int
    var alpha: Float
    var targetModules: [String]
    var baseModel: String?
    var decoder = PEFTAdapter.DecoderName.text

    /// Fields of training or bookkeeping that do not change what the finished weights compute.
    private static let withoutEffect: Set = [
        "auto_mapping", "inference_mode", "init_lora_weights", "loftq_config", "lora_dropout", "megatron_core",
        "peft_version", "qalora_group_size", "revision", "runtime_config",
    ]
    private static let read: Set = [
        "base_model_name_or_path", "bias", "lora_alpha", "peft_type", "r", "target_modules", "task_type",
    ]
    private static let rankLimit = 4_096

    init(rank: Int, alpha: Float, targetModules: [String], baseModel: String?, decoder: PEFTAdapter.DecoderName) {
        self.rank = rank
        self.alpha = alpha
        self.targetModules = targetModules
        self.baseModel = baseModel
        self.decoder = decoder
    }

    /// Reads a configuration. An unknown field is allowed only with a value that turns nothing on.
    init(path: String) throws(PEFTError) {
        let bytes: [UInt8]
        do { bytes = try readSmallFile(path, limit: 1 << 20) } catch { throw .file(error) }
        let document: JSON
        do { document = try JSON.parse(bytes, roundsLargeIntegers: true) } catch {
            throw .badConfiguration(path: path, reason: "\(error)")
        }
        let decoded: Fields
        do { decoded = try decodeJSON(Fields.self, from: bytes) } catch {
            throw .badConfiguration(path: path, reason: error.reason)
        }
        for member in document.members.sorted(by: { $0.name < $1.name })
        where !Self.read.contains(member.name) && !Self.withoutEffect.contains(member.name) && !member.value.isNeutral {
            let found = String(member.value.text.prefix(200))
            throw .unsupported(path: path, field: member.name, expected: "no value", found: found)
        }
        try decoded.check(path: path)
        guard (1...Self.rankLimit).contains(decoded.r) else {
            throw .badConfiguration(path: path, reason: "r: expected 1 to \(Self.rankLimit), found \(decoded.r)")
        }
        guard decoded.alpha.isFinite else {
            throw .badConfiguration(path: path, reason: "lora_alpha: expected a finite number")
        }
        self.init(
            rank: decoded.r, alpha: decoded.alpha, targetModules: decoded.targets.names, baseModel: decoded.baseModel,
            decoder: .text)
    }

    /// The configuration as PEFT writes it, with sorted keys; fields that are left out have PEFT's defaults.
    func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let fields: JSON = [
            "base_model_name_or_path": JSON(baseModel), "bias": "none", "fan_in_fan_out": false,
            "inference_mode": true, "init_lora_weights": true, "lora_alpha": JSON(Double(alpha)), "lora_dropout": 0,
            "modules_to_save": nil, "peft_type": "LORA", "r": JSON(rank), "task_type": "CAUSAL_LM",
            "target_modules": PEFTTargets(names: targetModules.sorted()).json(in: decoder),
        ]
        return [UInt8](try encoder.encode(fields)) + [UInt8(ascii: "\n")]
    }
}

extension JSON {
    /// The members of an object; empty for any other value.
    fileprivate var members: [Member] {
        if case .object(let members) = self { members } else { [] }
    }

    /// Whether it is null, false, or an empty text, array or object: the values of a field that turn its feature off.
    fileprivate var isNeutral: Bool {
        switch self {
        case .null: true
        case .bool(let value): !value
        case .integer, .number: false
        case .string(let text): text.isEmpty
        case .array(let values): values.isEmpty
        case .object(let fields): fields.isEmpty
        }
    }
}

/// The fields with required types or values.
private struct Fields: Decodable {
    var type: String
    var r: Int
    var alpha: Float
    var targets: PEFTTargets
    var bias: String?
    var task: String?
    var baseModel: String?

    enum CodingKeys: String, CodingKey {
        case r, bias
        case type = "peft_type"
        case alpha = "lora_alpha"
        case targets = "target_modules"
        case task = "task_type"
        case baseModel = "base_model_name_or_path"
    }

    func check(path: String) throws(PEFTError) {
        let rules: [(field: String, expected: String, found: String)] = [
            ("peft_type", "LORA", type), ("bias", "none", bias ?? "none"),
            ("task_type", "CAUSAL_LM", task ?? "CAUSAL_LM"),
        ]
        for rule in rules where rule.found != rule.expected {
            throw .unsupported(path: path, field: rule.field, expected: rule.expected, found: rule.found)
        }
        guard !targets.names.isEmpty else {
            throw .badConfiguration(path: path, reason: "target_modules: expected at least one, found none")
        }
        if let other = targets.names.first(where: { PEFTAdapter.blocks[$0] == nil }) {
            let known = PEFTAdapter.blocks.keys.sorted().joined(separator: ", ")
            throw .unsupported(path: path, field: "target_modules", expected: "some of \(known)", found: other)
        }
    }
}

/// The modules that an adapter changes: a list of names, or the pattern that keeps them to a multimodal model's
/// decoder.
///
/// With a list, PEFT would change layers of the same names in the vision encoder too.
private struct PEFTTargets: Decodable {
    let names: [String]

    private static let start = ".*\\.text_model\\..*\\.("
    private static let end = ")"

    init(names: [String]) { self.names = names }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let pattern = try? container.decode(String.self) else {
            names = try container.decode([String].self)
            return
        }
        guard pattern.hasPrefix(Self.start), pattern.hasSuffix(Self.end) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "expected a list, or a pattern of the form \(Self.start)NAME|NAME\(Self.end)")
        }
        names = pattern.dropFirst(Self.start.count).dropLast(Self.end.count).split(separator: "|").map(String.init)
    }

    func json(in decoder: PEFTAdapter.DecoderName) -> JSON {
        switch decoder {
        case .text: .array(names.map { JSON($0) })
        case .multimodal: .string(Self.start + names.joined(separator: "|") + Self.end)
        }
    }
}

/// Why an adapter in PEFT's format cannot be used.
public enum PEFTError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The system could not read or write one of its files.
    case file(FileError)
    /// `adapter_config.json` is not valid; `reason` names the field.
    case badConfiguration(path: String, reason: String)
    /// The configuration asks for a computation that Apus lacks.
    case unsupported(path: String, field: String, expected: String, found: String)
    /// `adapter_model.safetensors` is not valid, or a tensor's shape does not match the configuration.
    case weights(SafetensorsError)
    /// A tensor that belongs to none of the target modules.
    case unknownTensor(path: String, name: String)
    /// A factor that the configuration or the other factor requires is missing.
    case missingTensor(path: String, name: String)

    /// One line for a person.
    public var description: String {
        switch self {
        case .file(let error): "\(error)"
        case .badConfiguration(let path, let reason): "\(path): not a LoRA configuration: \(reason)"
        case .unsupported(let path, let field, let expected, let found):
            "\(path): \(field) is not supported: expected \(expected), found \(found)"
        case .weights(let error): "\(error)"
        case .unknownTensor(let path, let name): "\(path): tensor \(name) belongs to no target module"
        case .missingTensor(let path, let name): "\(path): no tensor \(name)"
        }
    }
}
