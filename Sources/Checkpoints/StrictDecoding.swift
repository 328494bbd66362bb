import Foundation

/// A coding key with any name.
struct AnyKey: CodingKey, Equatable {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
}

extension KeyedDecodingContainer<AnyKey> {
    /// Throws if there is a field that is not among `known`: unknown fields are errors, not ignored.
    func refuseOthers(than known: [String]) throws {
        for key in allKeys where !known.contains(key.stringValue) {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: self, debugDescription: "this field is not known; known are \(known.sorted())")
        }
    }
}

extension DecodingError {
    /// The field and what is wrong with it, on one line.
    var summary: String {
        let (path, problem): ([any CodingKey], String) =
            switch self {
            case .typeMismatch(_, let context), .dataCorrupted(let context), .valueNotFound(_, let context):
                (context.codingPath, context.debugDescription)
            case .keyNotFound(let key, let context): (context.codingPath + [key], "the field is missing")
            @unknown default: ([], "\(self)")
            }
        let field = path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        return field.isEmpty ? problem : "\(field): \(problem)"
    }
}

/// What is wrong in a JSON document, with the field's name.
package struct JSONFault: Error {
    package let reason: String

    package init(reason: String) {
        self.reason = reason
    }
}

/// Decodes a JSON document; the error names the wrong field and what is wrong with it.
func decodeJSON<T: Decodable>(_ type: T.Type, from bytes: [UInt8]) throws(JSONFault) -> T {
    do { return try JSONDecoder().decode(type, from: Data(bytes)) } catch let error as DecodingError {
        throw JSONFault(reason: error.summary)
    } catch {
        throw JSONFault(reason: "\(error)")
    }
}

/// Decodes a JSON document without unknown fields. Fields that are null count as absent.
///
/// A field is known if `T` encodes it again, so that no type needs its own decoder to be strict.
package func decodeStrictJSON<T: Codable>(_ type: T.Type, from bytes: [UInt8]) throws(JSONFault) -> T {
    let document = try decodeJSON(JSONValue.self, from: bytes)
    let value: T
    do { value = try decodeJSON(type, from: bytes) } catch {
        // For an integer with a fraction, Foundation calls the whole document invalid and names no field.
        let reason = "a number has a fraction or is too large where an integer must be"
        throw error.reason.contains("not valid JSON") ? JSONFault(reason: reason) : error
    }
    let known: JSONValue
    do { known = try decodeJSON(JSONValue.self, from: [UInt8](JSONEncoder().encode(value))) } catch {
        throw JSONFault(reason: "\(error)")
    }
    if let field = document.firstField(missingIn: known) {
        throw JSONFault(reason: "\(field): this field is not known")
    }
    return value
}
