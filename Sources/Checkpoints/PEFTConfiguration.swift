import Foundation
import Support

/// The fields of a LoRA adapter's `adapter_config.json` that change what the adapter computes.
struct PEFTConfiguration {
    var rank: Int
    var alpha: Float
    var targetModules: [String]
    var baseModel: String?

    /// Fields of training or bookkeeping that do not change what the finished weights compute.
    private static let withoutEffect: Set = [
        "auto_mapping", "inference_mode", "init_lora_weights", "loftq_config", "lora_dropout", "megatron_core",
        "peft_version", "qalora_group_size", "revision", "runtime_config",
    ]
    private static let read: Set = [
        "base_model_name_or_path", "bias", "lora_alpha", "peft_type", "r", "target_modules", "task_type",
    ]
    private static let rankLimit = 4_096

    init(rank: Int, alpha: Float, targetModules: [String], baseModel: String?) {
        self.rank = rank
        self.alpha = alpha
        self.targetModules = targetModules
        self.baseModel = baseModel
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
            rank: decoded.r, alpha: decoded.alpha, targetModules: decoded.targets, baseModel: decoded.baseModel)
    }

    /// The configuration as PEFT writes it, with sorted keys; fields that are left out have PEFT's defaults.
    func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let fields: JSON = [
            "base_model_name_or_path": JSON(baseModel), "bias": "none", "fan_in_fan_out": false,
            "inference_mode": true, "init_lora_weights": true, "lora_alpha": JSON(Double(alpha)), "lora_dropout": 0,
            "modules_to_save": nil, "peft_type": "LORA", "r": JSON(rank), "task_type": "CAUSAL_LM",
            "target_modules": .array(targetModules.sorted().map { JSON($0) }),
        ]
        return [UInt8](try encoder.encode(fields)) + [UInt8(ascii: "\n")]
    }
}

extension JSON {
    /// The members of an object; none of any other value.
    fileprivate var members: [Member] {
        if case .object(let members) = self { members } else { [] }
    }

    /// Whether it is null, false, or an empty text, array or object: the value of a field that turns nothing on.
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
    var targets: [String]
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
        guard !targets.isEmpty else {
            throw .badConfiguration(path: path, reason: "target_modules: expected at least one, found none")
        }
        if let other = targets.first(where: { PEFTAdapter.blocks[$0] == nil }) {
            let known = PEFTAdapter.blocks.keys.sorted().joined(separator: ", ")
            throw .unsupported(path: path, field: "target_modules", expected: "some of \(known)", found: other)
        }
    }
}
