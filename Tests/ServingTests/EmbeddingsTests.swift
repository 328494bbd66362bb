import Engine
import Foundation
import HTTPTypes
import HummingbirdTesting
import Images
import Serving
import Synchronization
import Testing

/// `/v1/embeddings`, `/v1/decisions`, `/v1/score` and `/v1/rerank` with a scripted engine.
@Suite struct EmbeddingsTests {
    /// Embeds each prompt as the vector (its length, 1, 0).
    private let engine = ScriptedEngine { request, events in
        events.yield(.started)
        let vector = [Float(request.prompt.count), 1, 0]
        events.yield(.finished(Completion(reason: .length, tokens: [], generatedTokens: 0, embedding: vector)))
        events.finish()
    }

    private struct Body: Decodable {
        struct Entry: Decodable {
            var index: Int
            var embedding: [Float]
        }

        var data: [Entry]
    }

    @Test func eachInputHasItsVector() async throws {
        try await withServer(engine) { client in
            for (input, count) in [(#""it is red""#, 1), (#"["a","b","c"]"#, 3), ("[5,6,7]", 1), ("[[5,6],[7]]", 2)] {
                let response = try await client.post("/v1/embeddings", #"{"model":"sft","input":\#(input)}"#)
                #expect(response.status == .ok, "\(response.text)")
                let body = try JSONDecoder().decode(Body.self, from: Data(response.text.utf8))
                #expect(body.data.map(\.index) == Array(0..<count))
                #expect(body.data.allSatisfy { $0.embedding.count == 3 })
            }
            let text = try await client.post("/v1/embeddings", #"{"model":"sft","input":[[5,6],[7]]}"#).text
            #expect(text.hasPrefix(#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[2.0,1.0,"#))
            #expect(text.hasSuffix(#""model":"sft","usage":{"prompt_tokens":3,"total_tokens":3}}"#))
        }
        #expect(engine.requests.allSatisfy { if case .embed = $0.task { true } else { false } })
    }

    @Test func base64HasTheSameNumbers() async throws {
        try await withServer(engine) { client in
            let text = try await client.post(
                "/v1/embeddings", #"{"model":"sft","input":[5,6,7],"encoding_format":"base64","dimensions":3}"#
            ).text
            let values: [Float] = [3, 1, 0]
            let bytes = values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
            #expect(text.contains("\"embedding\":\"\(Data(bytes).base64EncodedString())\""), "\(text)")
        }
    }

    @Test func imagesAreParts() async throws {
        let image = Data(ImageFile.encode(RGBImage(width: 16, height: 16, red: 255, green: 0, blue: 0)))
        let part =
            #"{"type":"image_url","image_url":{"url":"data:image/png;base64,\#(image.base64EncodedString())"}}"#
        try await withServer(engine, policies: ScriptedPolicies(vision: try .tiny())) { client in
            for input in ["[\(part)]", #"["a",[\#(part),{"type":"text","text":"b"}]]"#] {
                let response = try await client.post("/v1/embeddings", #"{"model":"sft","input":\#(input)}"#)
                #expect(response.status == .ok, "\(response.text)")
            }
        }
        // Only the image's own positions: no template surrounds them.
        #expect(engine.requests.map { $0.images.map(\.range) } == [[0..<4], [], [0..<4]])
        #expect(engine.requests[0].prompt.count == 4)
    }

    @Test(arguments: [
        (#""model":"sft""#, "input", "missing_required_parameter"),
        (#""input":"a""#, "model", "missing_required_parameter"),
        (#""model":"sft","input":"""#, "input", "invalid_value"),
        (#""model":"sft","input":[]"#, "input", "invalid_value"),
        (#""model":"sft","input":["a",""]"#, "input[1]", "invalid_value"),
        (#""model":"sft","input":[[]]"#, "input[0]", "invalid_value"),
        (#""model":"sft","input":[1.5]"#, "input[0]", "invalid_type"),
        (#""model":"sft","input":[99999999]"#, "input", "invalid_value"),
        (#""model":"sft","input":true"#, "input", "invalid_type"),
        (#""model":"sft","input":[{"type":"x"}]"#, "input[0].type", "invalid_value"),
        (#""model":"sft","input":"a","encoding_format":"int8""#, "encoding_format", "invalid_value"),
        (#""model":"sft","input":"a","dimensions":7"#, "dimensions", "unsupported_value"),
        (#""model":"none","input":"a""#, "model", "model_not_found"),
        (#""model":"sft","input":"a","x":1"#, "x", "unknown_parameter"),
    ])
    func eachWrongFieldIsNamed(_ fields: String, _ param: String, _ code: String) async throws {
        try await withServer(engine) { client in
            let response = try await client.post("/v1/embeddings", "{\(fields)}")
            #expect(response.text.contains("\"param\":\"\(param)\",\"code\":\"\(code)\""), "\(response.text)")
        }
    }
}
