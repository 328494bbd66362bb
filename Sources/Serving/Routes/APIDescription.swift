import HTTPTypes
import Support
import WireFormats

/// The description of all routes in OpenAPI 3.1, made from the types that decode requests and write answers.
struct APIDescription {
    /// A method of a path.
    struct Operation {
        /// What it does, in a few words.
        var summary: String
        /// The JSON body; nil if there is none.
        var body: BodyDescription?
        /// The schema of a form; nil if the route takes none.
        var form: JSON?
        /// The media types of its answer with their schemas.
        var answers: [(type: String, schema: JSON)]
        /// The status of its answer.
        var status = 200
        /// When it is a 409; nil if it never is.
        var conflict: String?

        init(
            _ summary: String, body: BodyDescription? = nil, form: JSON? = nil,
            answers: [(type: String, schema: JSON)] = [("application/json", ["type": "object"])], status: Int = 200,
            conflict: String? = nil
        ) {
            self.summary = summary
            self.body = body
            self.form = form
            self.answers = answers
            self.status = status
            self.conflict = conflict
        }
    }

    let entries: [RouteTable.Entry]
    let version: String

    /// The whole document. Throws if an example of a request is refused by its own decoder.
    func json() throws(APIError) -> JSON {
        let operations = try Self.operations()
        var paths: [JSON.Member] = []
        for entry in entries where entry.path != "/" && !entry.path.hasSuffix("**") {
            var members: [JSON.Member] = []
            for method in entry.methods {
                let operation = operations["\(method.rawValue) \(entry.path)"]
                members.append(.init(method.rawValue.lowercased(), json(of: operation, method: method, entry: entry)))
            }
            paths.append(.init(entry.path, .object(members)))
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Apus", "version": .string(version),
                "description": "Questions about images and text, answered on CPUs.",
                "license": ["name": "Apache 2.0", "identifier": "Apache-2.0"],
            ],
            "paths": .object(paths),
            "components": [
                "schemas": [
                    "Error": Self.errorSchema(.openAI), "AnthropicError": Self.errorSchema(.anthropic(requestID: "")),
                ],
                "securitySchemes": [
                    "bearer": ["type": "http", "scheme": "bearer"],
                    "key": ["type": "apiKey", "in": "header", "name": "x-api-key"],
                ],
            ],
        ]
    }

    private func json(of operation: Operation?, method: HTTPRequest.Method, entry: RouteTable.Entry) -> JSON {
        let operation = operation ?? Operation(entry.path)
        var members: [JSON.Member] = [
            .init("summary", .string(operation.summary)),
            .init("operationId", .string(Self.name(of: entry.path, method: method))),
        ]
        let parameters = entry.path.split(separator: "/").filter { $0.hasPrefix("{") }.map { part -> JSON in
            [
                "name": .string(String(part.dropFirst().dropLast())), "in": "path", "required": true,
                "schema": ["type": "string"],
            ]
        }
        if !parameters.isEmpty { members.append(.init("parameters", .array(parameters))) }
        if let body = Self.body(of: operation) { members.append(.init("requestBody", body)) }
        members.append(.init("responses", responses(of: operation, method: method, entry: entry)))
        if case .everyone = entry.access {} else { members.append(.init("security", security(of: entry.access))) }
        return .object(members)
    }

    /// A key is needed only where the server has a key file, except for admin routes.
    private func security(of access: Access) -> JSON {
        let keys: [JSON] = [["bearer": []], ["key": []]]
        if case .scope(.admin) = access { return .array(keys) }
        return .array(keys + [[:]])
    }

    private static func name(of path: String, method: HTTPRequest.Method) -> String {
        let words = path.split { "/{}".contains($0) }.map(String.init).filter { $0 != "v1" }
        return ([method.rawValue.lowercased()] + words.map { $0.replacing(".", with: "_") }).joined(separator: "_")
    }

    private static func body(of operation: Operation) -> JSON? {
        var content: [JSON.Member] = []
        if let body = operation.body {
            let examples = body.examples.enumerated().map { index, example in
                JSON.Member("example\(index + 1)", ["value": example])
            }
            content.append(.init("application/json", ["schema": body.schema, "examples": .object(examples)]))
        }
        if let form = operation.form { content.append(.init("multipart/form-data", ["schema": form])) }
        return content.isEmpty ? nil : ["required": true, "content": .object(content)]
    }

    private func responses(of operation: Operation, method: HTTPRequest.Method, entry: RouteTable.Entry) -> JSON {
        let content = operation.answers.map { JSON.Member($0.type, ["schema": $0.schema]) }
        var members: [JSON.Member] = [
            .init("\(operation.status)", ["description": "The answer.", "content": .object(content)])
        ]
        let isAnthropic = if case .anthropic = ErrorFormat(path: entry.path, requestID: "") { true } else { false }
        let reference: JSON = ["$ref": .string("#/components/schemas/\(isAnthropic ? "AnthropicError" : "Error")")]
        for (status, reason) in Self.errors(of: operation) {
            members.append(
                .init(
                    "\(status)",
                    [
                        "description": .string(reason),
                        "content": ["application/json": ["schema": reference]],
                    ]))
        }
        return .object(members)
    }

    /// The statuses of errors with their reasons.
    private static func errors(of operation: Operation) -> [(status: Int, reason: String)] {
        var errors = [
            (400, "The request is invalid; `param` names the field."), (401, "The key is missing or invalid."),
            (403, "The key has not the route's scope, or the host or origin is not allowed."),
            (404, "The route, the model or the object does not exist."), (405, "The route has other methods."),
            (408, "The request did not come in time."), (429, "The queue is full, or a limit of the key is reached."),
            (431, "Request line and headers are too large."), (500, "A bug."),
            (503, "The server is loading, stopping, or cannot store anything."), (504, "The answer took too long."),
        ]
        if operation.body != nil || operation.form != nil {
            errors += [(413, "The body is too large."), (415, "The media type, or the image's format, is not taken.")]
        }
        if let conflict = operation.conflict { errors.append((409, conflict)) }
        return errors.sorted { $0.0 < $1.0 }
    }

    private static func errorSchema(_ format: ErrorFormat) -> JSON {
        BodyDescription.schema(of: format.json(of: APIError(.invalidValue, "…")))
    }
}
