import Engine
import Foundation
import HTTPTypes
import HummingbirdTesting
import Serving
import Testing

/// `/v1/decisions`, `/v1/score` and `/v1/rerank` with a scripted engine.
@Suite struct DecisionTests {
    /// The log-probability of an answer is minus its number of tokens; its reward is that number.
    private static func engine() -> ScriptedEngine {
        ScriptedEngine(
            ScriptedEngine.saying([]) { scoring in
                scoring.answers.enumerated().map { index, answer in
                    switch scoring.quantity {
                    case .logProbability: -Double(index)
                    case .head: Double(answer.count)
                    }
                }
            })
    }

    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func choicesHaveNormalizedLikelihoods() async throws {
        let engine = Self.engine()
        try await withServer(engine) { client in
            let text = try await client.post(
                "/v1/decisions", #"{"question":"Which?","kind":"choice","choices":["red","blue","green"]}"#
            ).text
            let decision = try object(text)
            #expect(text.hasPrefix(#"{"object":"decision","model":"sft","generation":3,"probabilities":["#))
            #expect(decision["choice"] as? String == "red")
            let found = try #require(decision["probabilities"] as? [Double])
            #expect(abs(found.reduce(0, +) - 1) < 1e-12 && abs(found[0] / found[1] - M_E) < 1e-12)
        }
        // One request: the choices share the prompt.
        #expect(engine.requests.count == 1 && engine.requests[0].scoredAnswers?.count == 3)
    }

    @Test func yesAndNoCountAllSpellings() async throws {
        try await withServer(Self.engine()) { client in
            let decision = try object(
                try await client.post(
                    "/v1/decisions", #"{"messages":[{"role":"user","content":"Is it?"}],"kind":"yes_no"}"#
                ).text)
            let found = try #require(decision["probabilities"] as? [Double])
            let weights = (0..<4).map { exp(-Double($0)) }
            #expect(abs(found[0] - (weights[0] + weights[1]) / weights.reduce(0, +)) < 1e-12 && found.count == 2)
            #expect(decision["answer"] as? String == "yes")
        }
    }

    @Test func aScoreIsTheMeanOfItsRange() async throws {
        try await withServer(Self.engine()) { client in
            let decision = try object(
                try await client.post("/v1/decisions", #"{"question":"How good?","kind":"score","range":[1,3]}"#).text)
            let weights = (0..<3).map { exp(-Double($0)) }
            let mean = (weights[0] + 2 * weights[1] + 3 * weights[2]) / weights.reduce(0, +)
            #expect(abs((decision["score"] as? Double ?? 0) - mean) < 1e-12)
            #expect((decision["probabilities"] as? [Double])?.count == 3)
        }
    }

    @Test func documentsAreRankedByReward() async throws {
        let body = #"{"query":"What?","documents":["a","a longer one by far",{"type":"text","text":"a bit longer"}]"#
        try await withServer(Self.engine(), policies: ScriptedPolicies(readers: ["reward"])) { client in
            let scored = try object(try await client.post("/v1/score", body + "}").text)
            #expect(scored["method"] as? String == "reward" && scored["object"] as? String == "list")
            let data = try #require(scored["data"] as? [[String: Any]])
            let scores = data.compactMap { $0["score"] as? Double }
            #expect(scores[1] > scores[2] && scores[2] > scores[0])
            let ranked = try object(
                try await client.post("/v1/rerank", body + #","top_n":2,"return_documents":true}"#).text)
            let results = try #require(ranked["results"] as? [[String: Any]])
            #expect(results.compactMap { $0["index"] as? Int } == [1, 2])
            #expect((results[0]["document"] as? [String: String]) == ["text": "a longer one by far"])
            #expect(results.allSatisfy { (0...1).contains($0["relevance_score"] as? Double ?? -1) })
        }
    }

    @Test func withoutARewardModelTheLikelihoodOfTheQueryRanks() async throws {
        let engine = Self.engine()
        try await withServer(engine) { client in
            let ranked = try object(try await client.post("/v1/rerank", #"{"query":"q","documents":["a","b"]}"#).text)
            #expect(ranked["method"] as? String == "likelihood")
            #expect((ranked["results"] as? [[String: Any]])?.compactMap { $0["index"] as? Int } == [0, 1])
        }
        #expect(engine.requests.count == 2 && engine.requests.allSatisfy { $0.scoredAnswers?.count == 1 })
    }

    @Test(arguments: [
        ("/v1/decisions", #""kind":"choice","choices":["a","b"]"#, "question", "missing_required_parameter"),
        ("/v1/decisions", #""question":"q""#, "kind", "missing_required_parameter"),
        ("/v1/decisions", #""question":"q","kind":"x""#, "kind", "invalid_value"),
        ("/v1/decisions", #""question":"q","kind":"choice""#, "choices", "missing_required_parameter"),
        ("/v1/decisions", #""question":"q","kind":"choice","choices":["a"]"#, "choices", "invalid_value"),
        ("/v1/decisions", #""question":"q","kind":"choice","choices":["a","a"]"#, "choices[1]", "invalid_value"),
        ("/v1/decisions", #""question":"q","kind":"choice","choices":["a",1]"#, "choices[1]", "invalid_type"),
        ("/v1/decisions", #""question":"q","kind":"yes_no","range":[1,2]"#, "range", "invalid_value"),
        ("/v1/decisions", #""question":"q","kind":"score","range":[2,1]"#, "range", "invalid_value"),
        ("/v1/decisions", #""question":"q","kind":"score","range":[0,64]"#, "range", "invalid_value"),
        (
            "/v1/decisions", #""question":"q","kind":"score","range":[-9223372036854775808,1]"#, "range",
            "invalid_value"
        ),
        ("/v1/score", #""query":"q""#, "documents", "missing_required_parameter"),
        ("/v1/score", #""query":"","documents":["a"]"#, "query", "invalid_value"),
        ("/v1/score", #""query":"q","documents":[]"#, "documents", "invalid_value"),
        ("/v1/score", #""query":"q","documents":[1]"#, "documents[0]", "invalid_type"),
        ("/v1/score", #""query":"q","documents":["a"],"top_n":1"#, "top_n", "unknown_parameter"),
        ("/v1/rerank", #""query":"q","documents":["a"],"top_n":0"#, "top_n", "invalid_value"),
        ("/v1/rerank", #""query":"q","documents":["a"],"model":"none""#, "model", "model_not_found"),
    ])
    func eachWrongFieldIsNamed(_ path: String, _ fields: String, _ param: String, _ code: String) async throws {
        try await withServer(Self.engine()) { client in
            let response = try await client.post(path, "{\(fields)}")
            #expect(response.text.contains("\"param\":\"\(param)\",\"code\":\"\(code)\""), "\(response.text)")
        }
    }
}
