import Foundation

/// Why bytes are not the expected JSON document: the wrong field and what is wrong with it, on one line.
package struct JSONFault: Error {
    /// The field, as in `candidates[1].text`, and what is wrong with it.
    package let reason: String

    /// A fault with the given reason.
    package init(reason: String) {
        self.reason = reason
    }
}

/// Decodes a JSON document. Fields that `T` does not have are ignored.
package func decodeJSON<T: Decodable>(_ type: T.Type, from bytes: [UInt8]) throws(JSONFault) -> T {
    do { return try JSONDecoder().decode(type, from: Data(bytes)) } catch let error as DecodingError {
        throw JSONFault(reason: error.summary)
    } catch {
        throw JSONFault(reason: "\(error)")
    }
}

/// Decodes a JSON document and refuses fields that `T` does not have. A field that is `null` counts as absent.
///
/// `T` has a field if it encodes it again, so that no type needs its own decoder to be strict.
package func decodeStrictJSON<T: Codable>(_ type: T.Type, from bytes: [UInt8]) throws(JSONFault) -> T {
    let document = try parse(bytes)
    let value: T
    do { value = try decodeJSON(type, from: bytes) } catch {
        // For an integer with a fraction, Foundation calls the whole document invalid and names no field.
        let reason = "a number has a fraction or is too large where an integer must be"
        throw error.reason.contains("not valid JSON") ? JSONFault(reason: reason) : error
    }
    let written: Data
    do { written = try JSONEncoder().encode(value) } catch {
        throw JSONFault(reason: "\(error)")
    }
    if let field = document.firstField(missingIn: try parse([UInt8](written))) {
        throw JSONFault(reason: "\(field): this field is not known")
    }
    return value
}

private func parse(_ bytes: [UInt8]) throws(JSONFault) -> JSON {
    do { return try JSON.parse(bytes, roundsLargeIntegers: true) } catch {
        throw JSONFault(reason: "\(error)")
    }
}

extension JSON {
    /// The path of the first field, in alphabetical order, that `other` does not have; nil if there is none.
    fileprivate func firstField(missingIn other: JSON, at path: String = "") -> String? {
        switch (self, other) {
        case (.object(let members), .object(let others)):
            let known = Dictionary(uniqueKeysWithValues: others.map { ($0.name, $0.value) })
            for member in members.sorted(by: { $0.name < $1.name }) where member.value != .null {
                let field = path.isEmpty ? member.name : "\(path).\(member.name)"
                guard let match = known[member.name] else { return field }
                if let inner = member.value.firstField(missingIn: match, at: field) { return inner }
            }
        case (.array(let elements), .array(let others)):
            for (index, pair) in zip(elements, others).enumerated() {
                if let inner = pair.0.firstField(missingIn: pair.1, at: "\(path)[\(index)]") { return inner }
            }
        default: break
        }
        return nil
    }
}

/// A coding key with any name.
package struct AnyKey: CodingKey, Equatable {
    /// The name.
    package let stringValue: String
    /// Nil: arrays have no such keys.
    package var intValue: Int? { nil }

    /// A key of the given name.
    package init(_ name: String) { stringValue = name }
    /// A key of the given name.
    package init?(stringValue: String) { self.init(stringValue) }
    /// Nil: arrays have no such keys.
    package init?(intValue: Int) { nil }
}

extension DecodingError {
    /// The field, as in `candidates[1].text`, and what is wrong with it, on one line.
    package var summary: String {
        let (path, problem): ([any CodingKey], String) =
            switch self {
            case .typeMismatch(let type, let context):
                (context.codingPath, "expected \(Self.words(for: type)), found something else")
            case .valueNotFound(let type, let context):
                (context.codingPath, "expected \(Self.words(for: type)), found null or nothing")
            case .dataCorrupted(let context): (context.codingPath, Self.plain(context.debugDescription))
            case .keyNotFound(let key, let context): (context.codingPath + [key], "the field is missing")
            @unknown default: ([], "\(self)")
            }
        var field = ""
        for key in path {
            field += key.intValue.map { "[\($0)]" } ?? (field.isEmpty ? key.stringValue : ".\(key.stringValue)")
        }
        return field.isEmpty ? problem : "\(field): \(problem)"
    }

    /// A type as people call its JSON values.
    private static func words(for type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a text"
        case is Bool.Type: "true or false"
        case is any BinaryInteger.Type: "an integer"
        case is any BinaryFloatingPoint.Type: "a number"
        case is any Collection.Type: "\(type)".hasPrefix("Dictionary") ? "an object" : "a list"
        default: "another kind of value"
        }
    }

    /// Foundation's words without names of Swift's types.
    private static func plain(_ text: String) -> String {
        guard text.hasPrefix("Cannot initialize "), let value = text.range(of: " value ", options: .backwards) else {
            return text
        }
        return "the value \(text[value.upperBound...]) is not known"
    }
}
