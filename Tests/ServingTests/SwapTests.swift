import Checkpoints
import Engine
import Foundation
import HTTPTypes
import HummingbirdTesting
import Models
import Policies
import Serving
import Tensors
import TestSupport
import Testing

/// Generations change under load, with a tiny model and the real engine.
@Suite struct SwapTests {
    private let admin: KeyRecord
    private let key: String
    private let chat =
        #"{"model":"sft","messages":[{"role":"user","content":"hi"}],"stream":true,"max_tokens":60,"ignore_eos":true}"#

    init() {
        (admin, key) = KeyRecord.make(name: "operator", scopes: [.ask, .admin], expires: nil)
    }

    private struct Answer: Equatable {
        var generation: Int
        var text: String
    }

    /// The answer in one stream, which must have ended once, on the generation that it started with.
    private func ask(_ client: any TestClientProtocol) async throws -> Answer {
        let response = try await client.post("/v1/chat/completions", chat, headers: [.xAPIKey: key])
        let policy = try #require(response.headers[.apusPolicy])
        let generation = try #require(Int(policy.dropFirst("sft@".count)))
        let frames = response.frames
        #expect(frames.last == "[DONE]")
        #expect(frames.count { $0.contains("\"finish_reason\":\"length\"") } == 1)
        #expect(frames.dropLast().allSatisfy { $0.contains("-\(policy)\"") })
        struct Chunk: Decodable {
            struct Choice: Decodable {
                struct Delta: Decodable { var content: String? }
                var delta: Delta
            }
            var choices: [Choice]
        }
        let text = try frames.dropLast().map { frame in
            try JSONDecoder().decode(Chunk.self, from: Data(frame.utf8)).choices[0].delta.content ?? ""
        }
        return Answer(generation: generation, text: text.joined())
    }

    private func publish(_ generation: Int, _ client: any TestClientProtocol) async throws {
        let answer = try await client.post(
            "/v1/admin/policies", "{\"name\":\"sft\",\"generation\":\(generation)}", headers: [.xAPIKey: key])
        #expect(answer.status == .ok, "\(answer.text)")
    }

    @Test(.timeLimit(.minutes(5))) func openStreamsKeepTheirGeneration() async throws {
        try await withTemporaryFolder { folder in
            try TinyPolicy.publish(generation: 1, in: folder.path, alpha: 8)
            try TinyPolicy.publish(generation: 2, in: folder.path, alpha: 80)
            let decoder = try TransformerDecoder(TinyLlama.file(), compute: Compute(threads: 2))
            let loader = PolicyLoader(
                decoder: decoder, base: BaseModel(digest: TinyPolicy.backbone),
                library: .init(published: folder.path, shipped: folder.path + "/none"))
            var configuration = EngineConfiguration(contextLength: 128)
            configuration.cacheBytes = 1 << 22
            let engine = Engine(
                decoder: decoder, tokenizer: try TinyLlama.tokenizer(), endTokens: [2], configuration: configuration)
            try await withServer(engine, policies: loader, keys: KeyRing([admin])) { client in
                var alone: [Int: Answer] = [:]
                for generation in [2, 1] {
                    try await publish(generation, client)
                    alone[generation] = try await ask(client)
                }
                #expect(alone[1]?.generation == 1 && alone[2]?.generation == 2 && alone[1]?.text != alone[2]?.text)
                try await withThrowingTaskGroup(of: Answer.self) { group in
                    for index in 0..<96 {
                        group.addTask { try await ask(client) }
                        if index.isMultiple(of: 4) { try await publish(1 + index / 4 % 2, client) }
                    }
                    var seen: Set<Int> = []
                    for try await answer in group {
                        #expect(answer == alone[answer.generation])
                        seen.insert(answer.generation)
                    }
                    #expect(seen == [1, 2])
                }
            }
            engine.stop()
            #expect(engine.load.usedBlocks == 0 && engine.load.running == 0 && engine.load.waiting == 0)
        }
    }
}
