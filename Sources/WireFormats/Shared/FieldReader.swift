public import Support

/// Reads one JSON object field by field and remembers which fields were read, so that no field of a request is ignored.
///
/// `null` means absent. Call `finish` last: it throws for fields that were not read.
public struct FieldReader {
    /// The JSON path of the object; empty for the body.
    public let path: String
    private let members: [JSON.Member]
    private let indices: [String: Int]
    private var read: Set<String> = []

    /// A reader of `value`, which must be an object.
    public init(_ value: JSON, path: String = "") throws(APIError) {
        guard case .object(let members) = value else {
            throw APIError(
                .invalidType, "\(path.isEmpty ? "The body" : path) must be an object, not \(value.kind).",
                param: path.isEmpty ? nil : path)
        }
        self.path = path
        self.members = members
        self.indices = Dictionary(uniqueKeysWithValues: members.enumerated().map { ($1.name, $0) })
    }

    /// A reader of a request's body.
    public init(body: [UInt8]) throws(APIError) {
        let value: JSON
        do {
            value = try JSON.parse(body)
        } catch {
            throw APIError(.invalidJSON, "The body is not valid JSON: \(error).")
        }
        try self.init(value)
    }

    /// The path of a field of this object.
    public func path(of name: String) -> String {
        path.isEmpty ? name : "\(path).\(name)"
    }

    /// The field's value; nil if it is absent or `null`.
    public mutating func value(_ name: String) -> JSON? {
        read.insert(name)
        guard let index = indices[name], members[index].value != .null else { return nil }
        return members[index].value
    }

    /// The value of `field`; throws if it is missing.
    public func require<Value>(_ field: Value?, _ name: String) throws(APIError) -> Value {
        guard let field else {
            throw APIError(
                .missingParameter, "Missing required parameter: \(path(of: name)).", param: path(of: name))
        }
        return field
    }

    /// The error for a field whose value is not `expected`.
    public func wrongType(_ name: String, _ value: JSON, expected: String) -> APIError {
        APIError(
            .invalidType, "\(path(of: name)) must be \(expected), not \(value.kind).", param: path(of: name))
    }

    /// A string field.
    public mutating func string(_ name: String) throws(APIError) -> String? {
        guard let value = value(name) else { return nil }
        guard case .string(let text) = value else { throw wrongType(name, value, expected: "a string") }
        return text
    }

    /// A boolean field; numbers are not accepted.
    public mutating func bool(_ name: String) throws(APIError) -> Bool? {
        guard let value = value(name) else { return nil }
        guard case .bool(let flag) = value else { throw wrongType(name, value, expected: "a boolean") }
        return flag
    }

    /// An integer field within bounds; `1.0` counts as an integer.
    public mutating func integer(
        _ name: String, in range: ClosedRange<Int64> = .min ... .max
    ) throws(APIError) -> Int64? {
        guard let value = value(name) else { return nil }
        guard let integer = value.integerValue else { throw wrongType(name, value, expected: "an integer") }
        guard range.contains(integer) else {
            throw outOfBounds(name, integer, "\(range.lowerBound) to \(range.upperBound)")
        }
        return integer
    }

    /// A number field within bounds; the lower bound can be excluded.
    public mutating func number(
        _ name: String, in range: ClosedRange<Double>, excludingLowerBound: Bool = false
    ) throws(APIError) -> Double? {
        guard let value = value(name) else { return nil }
        guard let number = value.doubleValue else { throw wrongType(name, value, expected: "a number") }
        guard range.contains(number), !excludingLowerBound || number > range.lowerBound else {
            let lower = excludingLowerBound ? "above \(range.lowerBound)" : "\(range.lowerBound)"
            throw outOfBounds(name, number, "\(lower) to \(range.upperBound)")
        }
        return number
    }

    /// An array field.
    public mutating func array(_ name: String) throws(APIError) -> [JSON]? {
        guard let value = value(name) else { return nil }
        guard case .array(let elements) = value else { throw wrongType(name, value, expected: "an array") }
        return elements
    }

    /// Readers of the elements of an array field, all of which must be objects.
    ///
    /// - Parameter count: the numbers of elements that are allowed.
    public mutating func objects(
        _ name: String, count: ClosedRange<Int>
    ) throws(APIError) -> [FieldReader]? {
        guard let values = try array(name) else { return nil }
        guard count.contains(values.count) else {
            let bounds = count.upperBound == .max ? "at least 1" : "\(count.lowerBound) to \(count.upperBound)"
            throw APIError(
                .invalidValue, "\(path(of: name)) has \(values.count) elements, but must have \(bounds).",
                param: path(of: name))
        }
        var readers: [FieldReader] = []
        for (index, value) in values.enumerated() {
            readers.append(try FieldReader(value, path: "\(path(of: name))[\(index)]"))
        }
        return readers
    }

    /// A reader of an object field.
    public mutating func object(_ name: String) throws(APIError) -> FieldReader? {
        guard let value = value(name) else { return nil }
        return try FieldReader(value, path: path(of: name))
    }

    /// The object's field names, in order.
    public var names: [String] { members.map(\.name) }

    /// Throws for fields that the API has but this server does not support.
    public mutating func refuse(_ names: String...) throws(APIError) {
        for name in names where value(name) != nil {
            throw APIError(
                .unsupportedParameter, "\(path(of: name)) is not supported.", param: path(of: name))
        }
    }

    /// Accepts a field only with values that match what the server does anyway.
    public mutating func accept(_ name: String, only accepted: JSON...) throws(APIError) {
        guard let value = value(name), !accepted.contains(value) else { return }
        throw APIError(
            .unsupportedValue,
            "\(path(of: name)) is supported only as \(accepted.map(\.text).joined(separator: " or ")).",
            param: path(of: name))
    }

    /// Throws for fields that were not read.
    public func finish() throws(APIError) {
        guard let unknown = members.first(where: { !read.contains($0.name) }) else { return }
        let path = String(path(of: unknown.name).prefix(200))
        throw APIError(.unknownParameter, "Unknown parameter: \(path).", param: path)
    }

    private func outOfBounds(_ name: String, _ found: some CustomStringConvertible, _ bounds: String) -> APIError {
        APIError(.invalidValue, "\(path(of: name)) is \(found), but must be \(bounds).", param: path(of: name))
    }
}
