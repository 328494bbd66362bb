public import Support

/// A function that the model may ask the caller to run.
public struct ToolDefinition: Sendable, Equatable {
    /// Its name.
    public var name: String
    /// What it does, for the model.
    public var description: String?
    /// The JSON Schema of its arguments, an object; nil: it takes none.
    public var parameters: JSON?
    /// The field of the request that has the schema.
    public var param: String

    /// A function.
    public init(name: String, description: String? = nil, parameters: JSON? = nil, param: String = "tools") {
        self.name = name
        self.description = description
        self.parameters = parameters
        self.param = param
    }

    /// The JSON Schema of its arguments.
    public var schema: JSON { parameters ?? ["type": "object", "properties": [:]] }

    /// The definition in the form that models are trained on.
    public var json: JSON {
        var function = [JSON.Member("name", .string(name))]
        if let description { function.append(.init("description", .string(description))) }
        function.append(.init("parameters", schema))
        return ["type": "function", "function": .object(function)]
    }
}

/// Whether the model calls a function.
public enum ToolChoice: Sendable, Equatable {
    /// It does not.
    case none
    /// It decides.
    case auto
    /// It calls at least one.
    case required
    /// It calls the function of this name.
    case named(String)
}

/// The functions of a request.
public struct ToolUse: Sendable, Equatable {
    /// The functions; 1 to 64, with different names.
    public var definitions: [ToolDefinition]
    /// Whether the model calls one.
    public var choice: ToolChoice
    /// Whether an answer may have several calls.
    public var isParallel: Bool

    /// The functions of a request. Throws if two have one name, or if the choice names another one.
    ///
    /// - Parameters:
    ///   - param: the field that has the functions.
    ///   - choiceParam: the field that has the choice.
    public init(
        _ definitions: [ToolDefinition], choice: ToolChoice = .auto, isParallel: Bool = true, param: String = "tools",
        choiceParam: String = "tool_choice"
    ) throws(APIError) {
        guard (1...Self.maximumCount).contains(definitions.count) else {
            throw APIError(
                .invalidValue, "\(param) has \(definitions.count) tools, but must have 1 to \(Self.maximumCount).",
                param: param)
        }
        var names: Set<String> = []
        for definition in definitions where !names.insert(definition.name).inserted {
            throw APIError(.invalidValue, "\(param) has two tools with the name \(definition.name).", param: param)
        }
        if case .named(let name) = choice, !names.contains(name) {
            throw APIError(.invalidValue, "\(choiceParam) names \(name), which is no tool.", param: choiceParam)
        }
        self.definitions = definitions
        self.choice = choice
        self.isParallel = isParallel
    }

    private static let maximumCount = 64

    /// Reads the fields `tools`, `tool_choice` and `parallel_tool_calls` of a chat; nil without tools.
    package init?(chat fields: inout FieldReader) throws(APIError) {
        let values = try fields.objects("tools", count: 0...Self.maximumCount) ?? []
        let isParallel = try fields.bool("parallel_tool_calls", default: true)
        let choice = try ToolChoice(chat: &fields)
        guard !values.isEmpty else {
            guard choice == nil || choice == ToolChoice.none || choice == .auto else {
                throw APIError(.invalidValue, "tool_choice is allowed only with tools.", param: "tool_choice")
            }
            return nil
        }
        var definitions: [ToolDefinition] = []
        for value in values {
            var tool = value
            try tool.acceptFunction()
            var function = try tool.require(tool.object("function"), "function")
            definitions.append(try ToolDefinition(&function))
            try function.finish()
            try tool.finish()
        }
        try self.init(definitions, choice: choice ?? .auto, isParallel: isParallel)
    }
}

extension ToolDefinition {
    /// Reads `name`, `description`, `parameters` and `strict`; the caller finishes the reader.
    package init(_ fields: inout FieldReader) throws(APIError) {
        name = try fields.require(fields.string("name"), "name")
        try fields.checkName(name, "name")
        description = try fields.string("description")
        // Arguments always fit the schema.
        _ = try fields.bool("strict")
        param = fields.path(of: "parameters")
        parameters = fields.value("parameters")
        if let parameters, case .object = parameters { return }
        if let parameters { throw fields.wrongType("parameters", parameters, expected: "an object") }
    }
}

extension ToolChoice {
    fileprivate init?(chat fields: inout FieldReader) throws(APIError) {
        guard let value = fields.value("tool_choice") else { return nil }
        if case .string(let name) = value {
            switch name {
            case "none": self = .none
            case "auto": self = .auto
            case "required": self = .required
            default:
                throw APIError(
                    .invalidValue, "tool_choice must be none, auto, required or a function.", param: "tool_choice")
            }
            return
        }
        guard var choice = try fields.object("tool_choice") else { return nil }
        try choice.acceptFunction()
        var function = try choice.require(choice.object("function"), "function")
        self = .named(try function.require(function.string("name"), "name"))
        try function.finish()
        try choice.finish()
    }
}

extension FieldReader {
    /// Reads `type`, which must be `function`.
    package mutating func acceptFunction() throws(APIError) {
        let type = try require(string("type"), "type")
        guard type == "function" else {
            throw APIError(
                .unsupportedValue, "\(path(of: "type")) is \(type.prefix(64)); only function is supported.",
                param: path(of: "type"))
        }
    }
}
