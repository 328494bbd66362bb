import Foundation

/// A run's settings as JSON, which is written beside its results and compared when the run resumes.
enum ConfigurationValue: Codable, Equatable, Sendable {
    case null
    case flag(Bool)
    case number(Double)
    case text(String)
    case list([ConfigurationValue])
    case fields([String: ConfigurationValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let list = try? container.decode([ConfigurationValue].self) {
            self = .list(list)
        } else {
            self = .fields(try container.decode([String: ConfigurationValue].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .flag(let flag): try container.encode(flag)
        case .number(let number): try container.encode(number)
        case .text(let text): try container.encode(text)
        case .list(let list): try container.encode(list)
        case .fields(let fields): try container.encode(fields)
        }
    }

    /// The first field, in alphabetical order, whose values differ, with both values; nil if all are equal.
    static func difference(
        _ old: ConfigurationValue, _ new: ConfigurationValue, at path: String = ""
    ) -> (field: String, old: String, new: String)? {
        guard case .fields(let oldFields) = old, case .fields(let newFields) = new else {
            return old == new ? nil : (path, old.text, new.text)
        }
        for name in Set(oldFields.keys).union(newFields.keys).sorted() {
            let field = path.isEmpty ? name : "\(path).\(name)"
            if let found = difference(oldFields[name] ?? .null, newFields[name] ?? .null, at: field) { return found }
        }
        return nil
    }

    /// The value as JSON text.
    private var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { return "\(self)" }
        return String(decoding: data, as: UTF8.self)
    }
}
