import Engine
import Foundation
import HTTPTypes
import HummingbirdTesting
import Policies
import Serving
import Synchronization
import Testing

/// `/v1/reward`, `best_of` and `scores` with a scripted engine.
@Suite struct RewardTests {
    private let scored = #"{"question":"What?","answers":["","a"]}"#
    private let engine = ScriptedEngine(ScriptedEngine.saying(["A ", "red"]))
    private let both = ScriptedPolicies(readers: ["reward", "value"])

    @Test func answersAreScored() async throws {
        try await withServer(engine, policies: both) { client in
            let response = try await client.post("/v1/reward", scored)
            #expect(response.status == .ok && response.headers[.apusPolicy] == "reward@7")
            let head =
                #"{"object":"reward","model":"reward","generation":7,"data":[{"index":0,"reward":1.0,"tokens":1},"#
                + #"{"index":1,"reward":2.0,"tokens":2}],"usage":{"prompt_tokens":"#
            #expect(response.text.hasPrefix(head), "\(response.text)")
            #expect(response.text.contains(#""completion_tokens":0"#))
            // The one reward model scores the answers of every policy; the response repeats the name in the request.
            for model in ["reward", "sft"] {
                let named = try await client.post(
                    "/v1/reward", "{\"model\":\"\(model)\"," + scored.dropFirst())
                #expect(named.text.contains("\"model\":\"\(model)\",\"generation\":7"))
            }
            let metrics = try await client.execute(uri: "/metrics", method: .get).text
            #expect(
                metrics.contains(
                    "apus_requests_total{route=\"/v1/reward\",model=\"reward\",modality=\"text\",outcome=\"stop\"} 3\n")
            )
            #expect(metrics.contains("apus_policy_generation{model=\"reward\"} 7.0\n"))
        }
        let request = try #require(engine.requests.first)
        #expect(request.scoredAnswers?.map(\.last) == [2, 2] && request.policy.name == "reward")
    }

    @Test func whatCannotBeScoredIsRefused() async throws {
        let policies = ScriptedPolicies(readers: ["reward"])
        let long = String(repeating: "ab ", count: 2_000)
        try await withServer(engine, policies: policies) { client in
            for (body, status, code, param) in [
                (#"{"model":"ppo","question":"q","answers":["a"]}"#, 404, "model_not_found", "model"),
                ("{\"question\":\"q\",\"answers\":[\"a\",\"\(long)\"]}", 400, "context_length_exceeded", "answers[1]"),
                (#"{"question":"q","images":["http://x"],"answers":["a"]}"#, 400, "unsupported_value", "images[0]"),
                (#"{"question":"q"}"#, 400, "missing_required_parameter", "answers"),
            ] {
                let refused = try await client.post("/v1/reward", body)
                #expect(refused.status.code == status)
                #expect(refused.text.contains("\"param\":\"\(param)\",\"code\":\"\(code)\""), "\(refused.text)")
            }
            #expect(try await client.execute(uri: "/v1/reward", method: .get).status == .methodNotAllowed)
            let form = try await client.execute(
                uri: "/v1/reward", method: .post, headers: [.contentType: "multipart/form-data; boundary=B"])
            #expect(form.status == .unsupportedMediaType)
        }
        try await withServer(ScriptedEngine(limit: 0, ScriptedEngine.saying([])), policies: policies) { client in
            let refused = try await client.post("/v1/reward", scored)
            #expect(refused.status == .tooManyRequests && refused.headers[.retryAfter] != nil)
        }
    }

    @Test func withoutARewardModelNothingIsScored() async throws {
        try await withServer(engine, policies: ScriptedPolicies(readers: ["value"])) { client in
            let reward = try await client.post("/v1/reward", scored)
            #expect(reward.status == .notFound && reward.text.contains(#""param":"model","code":"model_not_found""#))
            for field in ["best_of", "scores"] {
                let body = #"{"question":"q","\#(field)":\#(field == "scores" ? "true" : "2")}"#
                let refused = try await client.post("/v1/ask", body)
                #expect(refused.status == .badRequest)
                #expect(refused.text.contains("\"param\":\"\(field)\",\"code\":\"unsupported_parameter\""))
            }
            // Fields that ask for nothing are no errors.
            let neutral = try await client.post("/v1/ask", #"{"question":"q","best_of":1,"scores":false}"#)
            #expect(neutral.status == .ok && !neutral.text.contains("scores"))
        }
    }

    @Test func rewardsNeedTheScopeOfFeedback() async throws {
        let (asker, askKey) = KeyRecord.make(name: "asker", scopes: [.ask], expires: nil)
        let (labeler, feedbackKey) = KeyRecord.make(name: "labeler", scopes: [.feedback], expires: nil)
        try await withServer(engine, policies: both, keys: KeyRing([asker, labeler])) { client in
            let refused = try await client.post("/v1/reward", scored, headers: [.xAPIKey: askKey])
            #expect(refused.status == .forbidden)
            let taken = try await client.post("/v1/reward", scored, headers: [.xAPIKey: feedbackKey])
            #expect(taken.status == .ok)
        }
    }

    @Test func scoresComeWithTheEnd() async throws {
        let body = #"{"question":"What?","scores":true}"#
        // The scores for the answer's three tokens; the value before the first token; `sft` has no KL to itself.
        let scores = #""scores":{"reward":3.0,"value":0.0,"kl":0.0}}"#
        try await withServer(engine, policies: both) { client in
            let frames = try await client.post("/v1/ask", body).frames
            #expect(frames.count == 4 && frames[1].contains("A ") && frames[2].contains("red"))
            #expect(frames[3].hasPrefix("event: done\n") && frames[3].hasSuffix(scores), "\(frames[3])")
            let whole = try await client.post("/v1/ask", body, headers: [.accept: "application/json"])
            #expect(whole.text.contains(#""answer":"A red""#) && whole.text.hasSuffix(scores))
            let plain = try await client.post("/v1/ask", body, headers: [.accept: "text/plain"])
            #expect(plain.status == .badRequest && plain.text.contains(#""param":"scores""#))
            let metrics = try await client.execute(uri: "/metrics", method: .get).text
            #expect(metrics.contains("apus_answer_reward_count{model=\"sft\"} 2\n"))
        }
        try await withServer(engine, policies: ScriptedPolicies(readers: ["reward"])) { client in
            let frames = try await client.post("/v1/ask", body).frames
            #expect(frames.last?.hasSuffix(#""scores":{"reward":3.0,"value":null,"kl":0.0}}"#) == true)
        }
    }

    @Test func theBestCandidateStreams() async throws {
        let count = Mutex(0)
        let script = ScriptedEngine.saying([], scoring: { _ in [0.5, 2, 2, -1] })
        let engine = ScriptedEngine { request, events in
            guard request.scoredAnswers == nil else { return script(request, events) }
            let number = count.withLock { number in
                defer { number += 1 }
                return number
            }
            ScriptedEngine.saying(["answer ", "\(number)"], reason: number == 1 ? .length : .endToken)(request, events)
        }
        try await withServer(engine, policies: both) { client in
            let response = try await client.post("/v1/ask", #"{"question":"What?","best_of":4,"seed":5,"scores":true}"#)
            let texts = response.frames.filter { $0.hasPrefix("event: text") }
            // The first one of equal rewards.
            let data = [#"{"text":"answer "}"#, #"{"text":"1"}"#]
            #expect(texts == data.map { "event: text\ndata: \($0)" })
            #expect(response.frames.last?.contains(#""finish_reason":"length""#) == true)
            // All drawn tokens count; the prompt counts once.
            #expect(response.frames.last?.contains(#""completion_tokens":12"#) == true)
            #expect(response.frames.last?.contains(#""scores":{"reward":2.0"#) == true)
            let plain = try await client.post(
                "/v1/ask", #"{"question":"What?","best_of":4}"#, headers: [.accept: "text/plain"])
            #expect(plain.text == "answer 5\n")
        }
        let drawn = engine.requests.filter { $0.scoredAnswers == nil }.prefix(4)
        #expect(Set(drawn.map(\.sampling.seed)).count == 4 && drawn.first?.sampling.seed == 5)
    }

    /// If scoring fails, the failure is the stream's one terminal event.
    @Test func failuresOfScoringAreEvents() async throws {
        let engine = ScriptedEngine { request, events in
            guard request.scoredAnswers != nil else { return ScriptedEngine.saying(["x"])(request, events) }
            ScriptedEngine.failing(after: [], .deadlineExceeded)(request, events)
        }
        try await withServer(engine, policies: both) { client in
            let frames = try await client.post("/v1/ask", #"{"question":"q","scores":true}"#).frames
            #expect(frames.count == 3 && frames[2].hasPrefix("event: error\n"))
            #expect(frames[2].contains("generation_timeout"))
            let reward = try await client.post("/v1/reward", scored)
            #expect(reward.status == .gatewayTimeout)
        }
    }

    /// A disconnect during scoring is detected too.
    @Test(.timeLimit(.minutes(1)), arguments: ["/v1/reward", "/v1/ask"])
    func closingWhileScoringCancels(_ path: String) async throws {
        let engine = ScriptedEngine { request, events in
            if request.scoredAnswers == nil { ScriptedEngine.saying(["x"])(request, events) }
        }
        let body = path == "/v1/ask" ? #"{"question":"q","best_of":2}"# : scored
        try await withServer(engine, policies: both) { client in
            try await withSocket(port: try #require(client.port), post: path, body) { _ in
                var submissions = engine.submissions.makeAsyncIterator()
                for _ in 0..<(path == "/v1/ask" ? 3 : 1) { _ = await submissions.next() }
            }
            var cancellations = engine.cancellations.makeAsyncIterator()
            await cancellations.next()
        }
    }
}
