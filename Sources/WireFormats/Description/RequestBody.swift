public import Support

/// A request's JSON body, which one decoder both reads and describes.
public protocol RequestBody: Sendable {
    /// Reads the fields. Throws for fields without effect.
    init(_ fields: inout FieldReader) throws(APIError)

    /// Bodies that lead the decoder down each of its ways; the first one is shown to people.
    static var examples: [JSON] { get }
}

extension RequestBody {
    /// Parses a JSON body. Throws for fields without effect.
    public init(body: [UInt8]) throws(APIError) {
        var fields = try FieldReader(body: body)
        try self.init(&fields)
    }

    /// The description of the body.
    public static var description: BodyDescription {
        get throws(APIError) {
            try BodyDescription(examples) { fields throws(APIError) in _ = try Self(&fields) }
        }
    }
}

/// The JSON Schema of a body, with examples.
public struct BodyDescription: Sendable, Equatable {
    /// The schema.
    public var schema: JSON
    /// Bodies that fit it.
    public var examples: [JSON]

    /// Describes a body by what `read` reads of `examples`.
    ///
    /// - Throws: the error of an example that `read` refuses.
    public init(_ examples: [JSON], read: (inout FieldReader) throws(APIError) -> Void) throws(APIError) {
        let shape = ObjectShape()
        for example in examples {
            var fields = try FieldReader(example, recordingIn: shape)
            try read(&fields)
        }
        schema = shape.schema
        self.examples = examples
    }

    /// Describes a body whose schema is written by hand.
    public init(schema: JSON, examples: [JSON] = []) {
        self.schema = schema
        self.examples = examples
    }

    /// The schema of an answer like `sample`, which a route has written: an object has at least its members. What is
    /// `null` in the sample may be anything.
    public static func schema(of sample: JSON) -> JSON {
        switch sample {
        case .null: return [:]
        case .bool: return ["type": "boolean"]
        case .integer: return ["type": "integer"]
        case .number: return ["type": "number"]
        case .string: return ["type": "string"]
        case .array(let elements):
            guard let first = elements.first else { return ["type": "array"] }
            return ["type": "array", "items": schema(of: first)]
        case .object(let members):
            guard !members.isEmpty else { return ["type": "object"] }
            return [
                "type": "object",
                "properties": .object(members.map { JSON.Member($0.name, schema(of: $0.value)) }),
                "required": .array(members.map { .string($0.name) }),
            ]
        }
    }
}
