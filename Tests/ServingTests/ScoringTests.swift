import Checkpoints
import Engine
import Foundation
import HummingbirdTesting
import Models
import Policies
import Serving
import Tensors
import TestSupport
import Testing

/// Scores with a tiny model and the real engine.
@Suite struct ScoringTests {
    private struct Answer: Decodable, Equatable {
        struct Scores: Decodable, Equatable {
            var reward: Double
            var value: Double?
            var kl: Double?
        }

        var answer: String
        var finishReason: String
        var scores: Scores?
    }

    private struct Rewards: Decodable {
        struct Entry: Decodable { var reward: Double }
        var data: [Entry]
    }

    /// A server with `sft`, `ppo` (a stronger adapter), a reward and a value model.
    private func withModels(_ test: @Sendable (any TestClientProtocol) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            try TinyPolicy.publish(generation: 1, in: folder.path)
            try TinyPolicy.publish("ppo", generation: 1, in: folder.path, alpha: 40)
            try TinyPolicy.publish("reward", generation: 1, in: folder.path, alpha: 16, head: TinyPolicy.head(seed: 1))
            try TinyPolicy.publish("value", generation: 1, in: folder.path, alpha: 4, head: TinyPolicy.head(seed: 2))
            let decoder = try TransformerDecoder(TinyLlama.file(), compute: Compute(threads: 2))
            let loader = PolicyLoader(
                decoder: decoder, base: BaseModel(digest: TinyPolicy.backbone),
                library: .init(published: nil, shipped: folder.path))
            var configuration = EngineConfiguration(contextLength: 1_024)
            configuration.cacheBytes = 1 << 22
            let engine = Engine(
                decoder: decoder, tokenizer: try TinyLlama.tokenizer(), endTokens: [2], configuration: configuration)
            try await withServer(engine, policies: loader, test)
            engine.stop()
            #expect(engine.load.usedBlocks == 0 && engine.load.running == 0 && engine.load.waiting == 0)
        }
    }

    private func ask(_ fields: String, _ client: any TestClientProtocol) async throws -> Answer {
        let response = try await client.post(
            "/v1/ask", "{\"question\":\"What color is it?\",\"stream\":false,\"max_tokens\":24,\(fields)}")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Answer.self, from: Data(response.text.utf8))
    }

    /// The pick is the candidate with the highest reward. The same candidates come from the seed's streams one by one.
    @Test(.timeLimit(.minutes(5))) func bestOfPicksTheHighestReward() async throws {
        try await withModels { client in
            for seed in [0, 7, -3] as [Int64] {
                var single: [Answer] = []
                for choice in 0..<5 {
                    let stream = UInt64(bitPattern: seed) &+ UInt64(choice) &* 0xD1B5_4A32_D192_ED03
                    single.append(
                        try await ask(
                            "\"seed\":\(Int64(bitPattern: stream)),\"temperature\":1,\"scores\":true", client))
                }
                #expect(Set(single.map(\.answer)).count == 5)
                let best = try #require(single.max { ($0.scores?.reward ?? 0) < ($1.scores?.reward ?? 0) })
                // The policy is greedy by default, but candidates differ all the same. Repeated beside other requests.
                try await withThrowingTaskGroup(of: Answer.self) { group in
                    for _ in 0..<4 {
                        group.addTask { try await ask("\"best_of\":5,\"seed\":\(seed),\"scores\":true", client) }
                    }
                    for try await picked in group { #expect(picked == best) }
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(5))) func scoresAreThoseOfTheModels() async throws {
        try await withModels { client in
            // A stop string ends these answers, so that `/v1/reward` reads them as complete.
            var stopped = 0
            for seed in 0..<40 {
                let fields = "\"seed\":\(seed),\"temperature\":1,\"scores\":true,\"stop\":[\"e\",\"a\",\"i\"]"
                let answer = try await ask(fields, client)
                // A random model draws bytes that are not valid text; JSON cannot send these back.
                guard answer.finishReason == "stop", !answer.answer.contains("\u{FFFD}") else { continue }
                stopped += 1
                let body = JSONBody(question: "What color is it?", answers: [answer.answer, "", answer.answer])
                let response = try await client.post(
                    "/v1/reward", String(decoding: try JSONEncoder().encode(body), as: UTF8.self))
                let rewards = try JSONDecoder().decode(Rewards.self, from: Data(response.text.utf8)).data.map(\.reward)
                #expect(rewards[0] == answer.scores?.reward && rewards[2] == rewards[0], "\(answer)")
                #expect((rewards[0] == rewards[1]) == answer.answer.isEmpty)
            }
            #expect(stopped > 1)
            let sft = try await ask("\"model\":\"sft\",\"scores\":true", client)
            let ppo = try await ask("\"model\":\"ppo\",\"scores\":true", client)
            let base = try await ask("\"model\":\"base\",\"scores\":true", client)
            #expect(sft.scores?.kl == 0)
            // The answer that a policy prefers is less likely under another policy.
            #expect(try #require(ppo.scores?.kl) > 0.01 && #require(base.scores?.kl) != 0)
            // The value comes before the answer, whichever policy gives the answer.
            #expect(sft.scores?.value != nil && sft.scores?.value == ppo.scores?.value)
            #expect(base.scores?.value == sft.scores?.value)
        }
    }

    private struct JSONBody: Encodable {
        var question: String
        var answers: [String]
    }
}
