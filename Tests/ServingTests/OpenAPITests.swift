import Engine
import Feedback
import Foundation
import HTTPTypes
import HummingbirdTesting
import Policies
import Serving
import Support
import TestSupport
import Testing

/// `/openapi.json`: it comes from the decoders, so what is checked is that it reaches all of them.
@Suite struct OpenAPITests {
    private let engine = ScriptedEngine(ScriptedEngine.saying(["A"]))

    private func document(_ client: any TestClientProtocol) async throws -> JSON {
        let response = try await client.execute(uri: "/openapi.json", method: .get)
        #expect(response.status == .ok && response.headers[.contentType] == "application/json", "\(response.text)")
        return try JSON.parse(Array(response.text.utf8))
    }

    @Test func everyRouteIsDescribed() async throws {
        try await withServer(engine) { client in
            let document = try await document(client)
            #expect(document["openapi"] == "3.1.0")
            let paths = document["paths"]?.members ?? []
            #expect(paths.count > 25)
            for path in paths {
                for operation in path.value.members {
                    // A route without a description of its own has its path for a summary.
                    #expect(operation.value["summary"] != .string(path.name), "\(operation.name) \(path.name)")
                    #expect(operation.value["responses"]?["400"] != nil)
                    #expect(operation.value["responses"]?["500"] != nil)
                }
            }
            let ids = paths.flatMap { $0.value.members.map { $0.value["operationId"]?.text ?? "" } }
            #expect(Set(ids).count == ids.count)
        }
    }

    /// The schema says what the decoder says: types, bounds, and which fields there are.
    @Test func schemasHaveTheDecodersRules() async throws {
        try await withServer(engine) { client in
            let document = try await document(client)
            let body = document["paths"]?["/v1/chat/completions"]?["post"]?["requestBody"]
            let schema = try #require(body?["content"]?["application/json"]?["schema"])
            #expect(schema["required"] == ["model", "messages"] && schema["additionalProperties"] == false)
            let number: JSON = ["type": "number", "minimum": .number(0), "maximum": .number(2)]
            #expect(schema["properties"]?["temperature"] == ["anyOf": [number, ["type": "null"]]])
            let count: JSON = ["type": "integer", "minimum": 1, "maximum": 16]
            #expect(schema["properties"]?["n"] == ["anyOf": [count, ["type": "null"]], "default": 1])
            #expect(schema["properties"]?["audio"] == nil)
            #expect(schema["properties"]?["messages"]?["minItems"] == 1)
            #expect(schema["properties"]?["messages"]?["maxItems"] == 1_024)
            let message = schema["properties"]?["messages"]?["items"]
            #expect(message?["required"] == ["role"] && message?["additionalProperties"] == false)
            #expect(message?["properties"]?["content"]?.text.contains("image_url") == true)
            #expect(
                schema["properties"]?["logit_bias"]?.text.contains(#""additionalProperties":{"type":"number""#) == true)
        }
    }

    /// No example has a field that its route does not take.
    @Test func eachExampleIsTakenByItsRoute() async throws {
        try await withTemporaryFolder { folder in
            let policies = ScriptedPolicies(
                vision: try .tiny(), aliases: ["ppo": "sft", "base": "sft"], readers: ["reward"])
            try await withServer(engine, policies: policies, feedback: FeedbackFolder(path: folder.path)) { client in
                let document = try await document(client)
                var count = 0
                for path in document["paths"]?.members ?? [] {
                    let body = path.value["post"]?["requestBody"]?["content"]?["application/json"]
                    guard !path.name.hasPrefix("/v1/admin") else { continue }
                    for example in body?["examples"]?.members ?? [] {
                        let value = try #require(example.value["value"])
                        let response = try await client.post(path.name, value.text)
                        count += 1
                        for code in ["unknown_parameter", "invalid_type", "missing_required_parameter", "invalid_json"]
                        {
                            #expect(
                                !response.text.contains("\"\(code)\""), "\(path.name) \(value.text) \(response.text)")
                        }
                        #expect(response.status.code < 500, "\(path.name) \(value.text) \(response.text)")
                        let answers = path.value["post"]?["responses"]
                        #expect(answers?["\(response.status.code)"] != nil, "\(path.name) \(response.status)")
                    }
                }
                #expect(count > 35)
            }
        }
    }
}

extension JSON {
    /// The members of an object; none of another value.
    fileprivate var members: [Member] { if case .object(let members) = self { members } else { [] } }

    fileprivate subscript(_ name: String) -> JSON? { members.first { $0.name == name }?.value }
}
