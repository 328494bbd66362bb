public import Support

/// The form that an answer's text must have. The server enforces it token by token.
public enum AnswerFormat: Sendable, Equatable {
    /// Any text.
    case text
    /// A JSON object with any members.
    case jsonObject
    /// An instance of a JSON Schema, which the request has in the field `param`.
    case jsonSchema(JSON, param: String)
    /// A text of a grammar in GBNF, the notation of llama.cpp.
    case grammar(String)
    /// A text that matches a regular expression from its beginning to its end.
    case regex(String)

    /// Reads `{"type": …, "json_schema": {"name", "schema", …}}`.
    package init(chat fields: inout FieldReader) throws(APIError) {
        switch try fields.require(fields.string("type"), "type") {
        case "json_schema":
            var named = try fields.require(fields.object("json_schema"), "json_schema")
            self = try Self.schema(&named)
            try named.finish()
        case let type: self = try Self.simple(type, fields)
        }
        try fields.finish()
    }

    /// Reads `{"type": …, "name", "schema", …}`, the form of `/v1/responses`.
    package init(flat fields: inout FieldReader) throws(APIError) {
        switch try fields.require(fields.string("type"), "type") {
        case "json_schema": self = try Self.schema(&fields)
        case let type: self = try Self.simple(type, fields)
        }
        try fields.finish()
    }

    private static func simple(_ type: String, _ fields: FieldReader) throws(APIError) -> AnswerFormat {
        switch type {
        case "text": return .text
        case "json_object": return .jsonObject
        default:
            throw APIError(
                .unsupportedValue, "\(fields.path(of: "type")) must be text, json_object or json_schema.",
                param: fields.path(of: "type"))
        }
    }

    private static func schema(_ fields: inout FieldReader) throws(APIError) -> AnswerFormat {
        try fields.checkName(try fields.require(fields.string("name"), "name"), "name")
        _ = try fields.string("description")
        // The answer always fits the schema, whether or not the caller insists.
        _ = try fields.bool("strict")
        let schema = try fields.require(fields.value("schema"), "schema")
        return .jsonSchema(schema, param: fields.path(of: "schema"))
    }

    /// The limit of a grammar and of a regular expression, in bytes.
    private static let maximumBytes = 64 << 10

    /// Reads the fields `response_format`, `grammar` and `regex`, of which a request may have one.
    package init(_ fields: inout FieldReader) throws(APIError) {
        var found: [(name: String, format: AnswerFormat)] = []
        if var format = try fields.object("response_format") {
            found.append(("response_format", try AnswerFormat(chat: &format)))
        }
        for (name, format) in [("grammar", AnswerFormat.grammar), ("regex", AnswerFormat.regex)] {
            guard let text = try fields.string(name) else { continue }
            guard text.utf8.count <= Self.maximumBytes else {
                throw APIError(
                    .invalidValue, "\(name) has \(text.utf8.count) bytes, more than \(Self.maximumBytes).", param: name)
            }
            found.append((name, format(text)))
        }
        found.removeAll { $0.format == .text }
        guard found.count < 2 else {
            throw APIError(
                .invalidValue,
                "\(found[1].name) is not allowed beside \(found[0].name): they are two forms of one text.",
                param: found[1].name)
        }
        self = found.first?.format ?? .text
    }
}

extension FieldReader {
    /// Throws if a name has other characters than OpenAI's API allows.
    func checkName(_ name: String, _ field: String) throws(APIError) {
        let isName = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard isName, (1...64).contains(name.utf8.count) else {
            throw APIError(
                .invalidValue, "\(path(of: field)) must have 1 to 64 letters, digits, underscores and dashes.",
                param: path(of: field))
        }
    }
}
