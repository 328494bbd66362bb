/// Any JSON value.
enum JSONValue: Codable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        // JSON does not announce the type of a value, and neither does the decoder: each type is tried.
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let values = try? container.decode([JSONValue].self) {
            self = .array(values)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let values): try container.encode(values)
        case .object(let fields): try container.encode(fields)
        }
    }

    /// Whether it is null, false, or an empty text, array or object: the values of a field that turn its feature off.
    var isNeutral: Bool {
        switch self {
        case .null: true
        case .bool(let value): !value
        case .number: false
        case .string(let text): text.isEmpty
        case .array(let values): values.isEmpty
        case .object(let fields): fields.isEmpty
        }
    }

    /// The path of a field that `other` lacks; nil if it has all of them.
    func firstField(missingIn other: JSONValue) -> String? {
        switch (self, other) {
        case (.object(let fields), .object(let others)):
            for (name, value) in fields.sorted(by: { $0.key < $1.key }) where value != .null {
                guard let match = others[name] else { return name }
                if let inner = value.firstField(missingIn: match) { return "\(name).\(inner)" }
            }
        case (.array(let values), .array(let others)):
            for (index, pair) in zip(values, others).enumerated() {
                if let inner = pair.0.firstField(missingIn: pair.1) { return "[\(index)].\(inner)" }
            }
        case (.null, _), (.bool, _), (.number, _), (.string, _), (.array, _), (.object, _):
            break
        }
        return nil
    }
}

extension JSONValue: CustomStringConvertible {
    var description: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let text): "\"\(text)\""
        case .array(let values): "an array of \(values.count)"
        case .object(let fields): "an object with \(fields.keys.sorted().joined(separator: ", "))"
        }
    }
}
