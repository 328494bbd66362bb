import Support

/// The fields of a JSON object, as the decoder that reads them asks for them.
///
/// A `FieldReader` with a shape records each read: the field's name, its type and its bounds. So the description of a
/// request comes from the code that decodes it, and the two cannot differ. One shape collects the reads of all
/// examples: together they must lead the decoder down each of its ways.
final class ObjectShape {
    /// A field.
    private final class Field {
        /// The schemas that its value may have, by the kind of value.
        var kinds: [(kind: String, schema: JSON)] = []
        /// The objects that it holds, or that its array holds.
        var object: ObjectShape?
        var isArray = false
        /// The elements of its array that are no objects.
        var elements: [JSON] = []
        /// The numbers of elements that its array may have.
        var count: ClosedRange<Int>?
        /// Its value if it is absent.
        var absent: JSON?
        var requirements = 0
    }

    /// One of the objects; several may be read at the same time.
    final class Visit {
        /// The fields that it must have.
        fileprivate var required: Set<String> = []
    }

    private var fields: [(name: String, field: Field)] = []
    private var refused: Set<String> = []
    private var visits = 0
    /// Whether a decoder refused fields that it had not read.
    private var isClosed = false
    /// Whether the names of fields are the caller's own.
    private var isMap = false

    /// Begins another object.
    func visit() -> Visit {
        visits += 1
        return Visit()
    }

    /// Records that all other fields are refused.
    func close() { isClosed = true }

    /// Records that a field is known, but refused.
    func refuse(_ name: String) { refused.insert(name) }

    /// Records that a field must be there.
    func require(_ name: String, in visit: Visit) {
        if visit.required.insert(name).inserted { field(name).requirements += 1 }
    }

    /// Records that the names of fields are the caller's own.
    func noteNames() { isMap = true }

    /// Records a value that a decoder looks at without saying what it must be.
    func see(_ name: String, _ value: JSON?) {
        let field = field(name)
        guard let value else { return }
        let kind = value.kind
        switch value {
        case .array(let elements):
            for element in elements { note(element: Self.schema(of: element), of: name) }
            field.isArray = true
        default:
            // An integer is a number too.
            let isKnown = field.kinds.contains { $0.kind == kind || (kind == "an integer" && $0.kind == "a number") }
            if !isKnown { field.kinds.append((kind, Self.schema(of: value))) }
        }
    }

    /// Records the schema of a field's value of one kind.
    func note(_ name: String, kind: String, _ schema: JSON) {
        let field = field(name)
        let known = field.kinds.first { $0.kind == kind }?.schema
        // A field that one way of the decoder takes as any boolean takes any, whatever another way insists on.
        if known == ["type": "boolean"] { return }
        // "A number" says more than the integer of an example.
        field.kinds.removeAll { $0.kind == kind || (kind == "a number" && $0.kind == "an integer") }
        field.kinds.append((kind, schema))
    }

    /// Records the value of a field that is absent.
    func note(_ name: String, default absent: JSON) { field(name).absent = absent }

    /// Records how many elements the array in a field may have.
    func note(_ name: String, count: ClosedRange<Int>) { field(name).count = count }

    /// Records that a field may be an array.
    func noteArray(_ name: String) { field(name).isArray = true }

    private func note(element schema: JSON, of name: String) {
        let field = field(name)
        if !field.elements.contains(schema), schema != ["type": "object"] { field.elements.append(schema) }
    }

    /// The shape of the object in a field.
    func object(_ name: String) -> ObjectShape {
        let field = field(name)
        let object = field.object ?? ObjectShape()
        field.object = object
        if !field.isArray { note(name, kind: "an object", ["type": "object"]) }
        return object
    }

    /// The shape of the objects in a field's array.
    func elements(_ name: String) -> ObjectShape {
        let field = field(name)
        field.isArray = true
        let object = field.object ?? ObjectShape()
        field.object = object
        return object
    }

    private func field(_ name: String) -> Field {
        if let known = fields.first(where: { $0.name == name }) { return known.field }
        let field = Field()
        fields.append((name, field))
        return field
    }

    /// The JSON Schema of the objects so far.
    var schema: JSON {
        if isMap {
            let values = fields.first.map { Self.schema(of: $0.field, isRequired: true) }
            return ["type": "object", "additionalProperties": values ?? true]
        }
        let shown = fields.filter { !refused.contains($0.name) }
        let required = shown.filter { $0.field.requirements >= visits && visits > 0 }.map(\.name)
        let properties = shown.map { name, field in
            JSON.Member(name, Self.schema(of: field, isRequired: required.contains(name)))
        }
        var members: [JSON.Member] = [.init("type", "object"), .init("properties", .object(properties))]
        if !required.isEmpty { members.append(.init("required", .array(required.map { .string($0) }))) }
        if isClosed { members.append(.init("additionalProperties", false)) }
        return .object(members)
    }

    private static func schema(of field: Field, isRequired: Bool) -> JSON {
        var alternatives = field.kinds.compactMap { kind, schema -> JSON? in
            if kind == "an object", let object = field.object, !field.isArray { return object.schema }
            return schema
        }
        if field.isArray, !field.kinds.contains(where: { $0.kind == "an array" }) {
            let items = field.elements + (field.object.map { [$0.schema] } ?? [])
            var members: [JSON.Member] = [.init("type", "array")]
            if !items.isEmpty { members.append(.init("items", any(of: items))) }
            if let least = field.count?.lowerBound, least > 0 {
                members.append(.init("minItems", .integer(Int64(least))))
            }
            if let most = field.count?.upperBound, most < .max {
                members.append(.init("maxItems", .integer(Int64(most))))
            }
            alternatives.append(.object(members))
        }
        // `null` means absent.
        let schema = any(of: alternatives + (isRequired || alternatives.isEmpty ? [] : [["type": "null"]]))
        guard let absent = field.absent, case .object(let members) = schema else { return schema }
        return .object(members + [.init("default", absent)])
    }

    private static func any(of schemas: [JSON]) -> JSON {
        switch schemas.count {
        case 0: [:]
        case 1: schemas[0]
        default: ["anyOf": .array(schemas)]
        }
    }

    /// The schema of values like `value`.
    private static func schema(of value: JSON) -> JSON {
        switch value {
        case .null: return ["type": "null"]
        case .bool: return ["type": "boolean"]
        case .integer: return ["type": "integer"]
        case .number: return ["type": "number"]
        case .string: return ["type": "string"]
        case .object: return ["type": "object"]
        case .array(let elements):
            let items = elements.map { schema(of: $0) }
            guard let first = items.first, items.allSatisfy({ $0 == first }) else { return ["type": "array"] }
            return ["type": "array", "items": first]
        }
    }
}
