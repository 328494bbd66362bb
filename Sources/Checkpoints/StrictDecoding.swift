import Foundation

/// A key of any name.
struct AnyKey: CodingKey, Equatable {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
}

extension KeyedDecodingContainer<AnyKey> {
    /// Throws if there is a field that is not one of `known`: what we do not understand we do not ignore.
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

/// What is wrong in a JSON document, and in which field.
struct JSONFault: Error {
    let reason: String
}

/// Decodes a JSON document, or says which field is wrong and how.
func decodeJSON<T: Decodable>(_ type: T.Type, from bytes: [UInt8]) throws(JSONFault) -> T {
    do { return try JSONDecoder().decode(type, from: Data(bytes)) } catch let error as DecodingError {
        throw JSONFault(reason: error.summary)
    } catch {
        throw JSONFault(reason: "\(error)")
    }
}
