public import Support

/// Reads one JSON object field by field and remembers which fields were read, so that no field of a request is ignored.
///
/// `null` means absent. Call `finish` last: it throws for fields that were not read. A reader with a shape also records
/// what is asked of it, for the description of the API.
public struct FieldReader {
    /// The JSON path of the object; empty for the body.
    public let path: String
    private let members: [JSON.Member]
    private let indices: [String: Int]
    private var read: Set<String> = []
    private let shape: ObjectShape?
    private let visit: ObjectShape.Visit?

    /// A reader of `value`, which must be an object.
    public init(_ value: JSON, path: String = "") throws(APIError) {
        try self.init(value, path: path, recordingIn: nil)
    }

    /// A reader that records what is read.
    init(_ value: JSON, path: String = "", recordingIn shape: ObjectShape?) throws(APIError) {
        guard case .object(let members) = value else {
            throw APIError(
                .invalidType, "\(path.isEmpty ? "The body" : path) must be an object, not \(value.kind).",
                param: path.isEmpty ? nil : path)
        }
        self.shape = shape
        self.visit = shape?.visit()
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
        let value = indices[name].map { members[$0].value }
        shape?.see(name, value == .null ? nil : value)
        return value == .null ? nil : value
    }

    /// Whether the field is there and `null`, for the few fields where that is not the same as absent.
    func isNull(_ name: String) -> Bool { indices[name].map { members[$0].value == .null } ?? false }

    /// The value of `field`; throws if it is missing.
    public func require<Value>(_ field: Value?, _ name: String) throws(APIError) -> Value {
        if let visit { shape?.require(name, in: visit) }
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
        shape?.note(name, kind: "a string", ["type": "string"])
        guard let value = value(name) else { return nil }
        guard case .string(let text) = value else { throw wrongType(name, value, expected: "a string") }
        return text
    }

    /// A boolean field; numbers are not accepted.
    public mutating func bool(_ name: String) throws(APIError) -> Bool? {
        shape?.note(name, kind: "a boolean", ["type": "boolean"])
        guard let value = value(name) else { return nil }
        guard case .bool(let flag) = value else { throw wrongType(name, value, expected: "a boolean") }
        return flag
    }

    /// A boolean field that is `absent` if it is not there.
    public mutating func bool(_ name: String, default absent: Bool) throws(APIError) -> Bool {
        shape?.note(name, default: .bool(absent))
        return try bool(name) ?? absent
    }

    /// An integer field within bounds; `1.0` counts as an integer.
    public mutating func integer(
        _ name: String, in range: ClosedRange<Int64> = .min ... .max
    ) throws(APIError) -> Int64? {
        shape?.note(name, kind: "an integer", Self.schema(of: range))
        guard let value = value(name) else { return nil }
        guard let integer = value.integerValue else { throw wrongType(name, value, expected: "an integer") }
        guard range.contains(integer) else {
            throw outOfBounds(name, integer, "\(range.lowerBound) to \(range.upperBound)")
        }
        return integer
    }

    /// An integer field within bounds that is `absent` if it is not there.
    public mutating func integer(
        _ name: String, in range: ClosedRange<Int64>, default absent: Int
    ) throws(APIError) -> Int {
        shape?.note(name, default: .integer(Int64(absent)))
        return try integer(name, in: range).map { Int($0) } ?? absent
    }

    private static func schema(of range: ClosedRange<Int64>) -> JSON {
        var members: [JSON.Member] = [.init("type", "integer")]
        if range.lowerBound > .min { members.append(.init("minimum", .integer(range.lowerBound))) }
        if range.upperBound < .max { members.append(.init("maximum", .integer(range.upperBound))) }
        return .object(members)
    }

    /// A number field within bounds; the lower bound can be excluded.
    public mutating func number(
        _ name: String, in range: ClosedRange<Double>, excludingLowerBound: Bool = false
    ) throws(APIError) -> Double? {
        let least = excludingLowerBound ? "exclusiveMinimum" : "minimum"
        shape?.note(
            name, kind: "a number",
            .object([
                .init("type", "number"), .init(least, JSON(range.lowerBound)), .init("maximum", JSON(range.upperBound)),
            ]))
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
        shape?.noteArray(name)
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
        shape?.note(name, count: count)
        guard let values = try array(name) else { return nil }
        guard count.contains(values.count) else {
            let bounds = count.upperBound == .max ? "at least 1" : "\(count.lowerBound) to \(count.upperBound)"
            throw APIError(
                .invalidValue, "\(path(of: name)) has \(values.count) elements, but must have \(bounds).",
                param: path(of: name))
        }
        var readers: [FieldReader] = []
        for (index, value) in values.enumerated() {
            readers.append(try element(value, of: name, path: "\(path(of: name))[\(index)]"))
        }
        return readers
    }

    /// A reader of `value`, an element of the array field `name` that must be an object.
    func element(_ value: JSON, of name: String, path: String) throws(APIError) -> FieldReader {
        try FieldReader(value, path: path, recordingIn: shape?.elements(name))
    }

    /// A reader of an object field.
    public mutating func object(_ name: String) throws(APIError) -> FieldReader? {
        let object = shape?.object(name)
        guard let value = value(name) else { return nil }
        return try FieldReader(value, path: path(of: name), recordingIn: object)
    }

    /// The object's field names, in order.
    public var names: [String] {
        shape?.noteNames()
        return members.map(\.name)
    }

    /// Says for the description of the API that a text field has one of these values.
    func describe(_ name: String, as values: [String]) {
        shape?.note(name, kind: "a string", ["enum": .array(values.map { .string($0) })])
    }

    /// Throws for fields that the API has but this server does not support.
    public mutating func refuse(_ names: String...) throws(APIError) {
        names.forEach { shape?.refuse($0) }
        for name in names where value(name) != nil {
            throw APIError(
                .unsupportedParameter, "\(path(of: name)) is not supported.", param: path(of: name))
        }
    }

    /// Accepts a field only with values that match what the server does anyway.
    public mutating func accept(_ name: String, only accepted: JSON...) throws(APIError) {
        if let first = accepted.first { shape?.note(name, kind: first.kind, ["enum": .array(accepted)]) }
        guard let value = value(name), !accepted.contains(value) else { return }
        throw APIError(
            .unsupportedValue,
            "\(path(of: name)) is supported only as \(accepted.map(\.text).joined(separator: " or ")).",
            param: path(of: name))
    }

    /// Throws for fields that were not read, unless they are `null`: clients send their newest fields so.
    public func finish() throws(APIError) {
        shape?.close()
        guard let unknown = members.first(where: { !read.contains($0.name) && $0.value != .null }) else { return }
        let path = String(path(of: unknown.name).prefix(200))
        throw APIError(.unknownParameter, "Unknown parameter: \(path).", param: path)
    }

    private func outOfBounds(_ name: String, _ found: some CustomStringConvertible, _ bounds: String) -> APIError {
        APIError(.invalidValue, "\(path(of: name)) is \(found), but must be \(bounds).", param: path(of: name))
    }
}
