import Datasets
import Engine
import Feedback
import Foundation
import HTTPTypes
import HummingbirdTesting
import Images
import Models
import NIOCore
import Policies
import Serving
import Support
import Synchronization
import Tensors
import TestSupport
import Testing

/// `/v1/comparisons`, `/v1/feedback` and `/v1/images` with a scripted engine.
@Suite struct ComparisonTests {
    /// An engine whose answers differ, and whose rewards are as many as the answers' tokens.
    private func engine() -> ScriptedEngine {
        let count = Mutex(0)
        let scoring = ScriptedEngine.saying([])
        return ScriptedEngine { request, events in
            guard request.scoredAnswers == nil else { return scoring(request, events) }
            let number = count.withLock { number in
                number += 1
                return number
            }
            ScriptedEngine.saying(["answer ", "\(number)"])(request, events)
        }
    }

    private func withFolder<Result>(
        policies: any PolicySource = ScriptedPolicies(), engine: ScriptedEngine? = nil,
        _ test: @Sendable (any TestClientProtocol, FeedbackFolder) async throws -> Result
    ) async throws -> Result {
        try await withTemporaryFolder { url in
            let folder = try FeedbackFolder(path: url.path)
            return try await withServer(engine ?? self.engine(), policies: policies, feedback: folder) { client in
                try await test(client, folder)
            }
        }
    }

    private func json(_ response: TestResponse) throws -> JSON {
        try JSON.parse([UInt8](response.text.utf8))
    }

    private func candidates(_ comparison: JSON) -> [String] {
        comparison["candidates"].elements.map { $0["id"].text }
    }

    private func get(_ client: any TestClientProtocol, _ path: String) async throws -> TestResponse {
        try await client.execute(uri: path, method: .get)
    }

    @Test func answersAreShownBlindAndRankedOnce() async throws {
        let engine = engine()
        try await withFolder(policies: ScriptedPolicies(aliases: ["mine": "sft"]), engine: engine) { client, folder in
            let asked = try await client.post(
                "/v1/comparisons", #"{"question":"What?","k":3,"seed":5,"labeler":"ann","models":["sft","mine"]}"#)
            #expect(asked.status == .created, "\(asked.text)")
            let comparison = try json(asked)
            let id = comparison["id"].text
            #expect(comparison["object"].text == "comparison" && comparison["status"].text == "open")
            #expect(comparison["prompt"].text(at: 0, "content") == "What?" && candidates(comparison).count == 3)
            #expect(comparison["candidates"].elements.allSatisfy { $0.names == ["id", "answer", "finish_reason"] })
            #expect(!asked.text.contains("sft") && asked.headers[.apusPolicy] == nil)
            let ids = candidates(comparison)
            let ranked = try await client.post(
                "/v1/feedback",
                """
                {"comparison_id":"\(id)","ranking":[["\(ids[1])"],["\(ids[0])","\(ids[2])"]],"labeler":"ann",
                 "flags":{"\(ids[0])":["wrong"]},"better":"It is red.","seconds":3.5,"comment":"<script>",
                 "consent":true,"all_bad":false}
                """)
            #expect(ranked.status == .created, "\(ranked.text)")
            let feedback = try json(ranked)
            #expect(feedback["kind"].text == "ranking" && feedback["pairs"] == .integer(2))
            #expect(feedback["comparison_id"].text == id && feedback["object"].text == "feedback")
            let shown = try json(try await get(client, "/v1/comparisons/\(id)?labeler=ann"))
            #expect(shown["status"].text == "ranked" && shown["ranking"].elements.count == 2)
            let origins = shown["candidates"].elements.map { $0["model"].text }
            #expect(origins == ["sft", "sft", "sft"])
            #expect(shown["candidates"].elements.allSatisfy { $0["seed"] != .null && $0["generation"] != .null })
            #expect(try folder.store.judgements().first?.details.better == "It is red.")
            let metrics = try await get(client, "/metrics").text
            #expect(metrics.contains("apus_feedback_records_total 1\n"))
        }
        // Answers need sampling, also by policies that are greedy by default.
        #expect(Set(engine.requests.map(\.sampling.seed)).count == 3)
        #expect(engine.requests.allSatisfy { $0.sampling.temperature == 1 })
    }

    @Test func theSameSeedGivesTheSameSeedsInTheSameOrder() async throws {
        try await withFolder(policies: ScriptedPolicies(aliases: ["mine": "sft"])) { client, folder in
            for _ in 0..<2 {
                _ = try await client.post(
                    "/v1/comparisons", #"{"question":"What?","k":4,"seed":-5,"models":["sft","mine"]}"#)
            }
            let page = try folder.store.comparisons(nil, for: "ann", order: .created, limit: 9, after: nil).page
            let origins = page.map { $0.comparison.candidates.map { "\($0.completion.policy ?? "") \($0.seed ?? 0)" } }
            #expect(origins.count == 2 && origins[0] == origins[1] && Set(origins[0]).count == 4)
        }
    }

    @Test func imagesAreKeptAndServedToPeopleWhoRank() async throws {
        let sizes = try VisionConfiguration(
            imageSize: 16, patchSize: 4, hidden: 16, layers: 1, heads: 2, feedForward: 32, scale: 2, textHidden: 64)
        var random = SplitMix64(seed: 1, stream: 0)
        let vision = Policy.Vision(
            generation: 1,
            encoder: VisionEncoder(VisionWeights(configuration: sizes, using: &random), on: Compute(threads: 1)),
            processor: ImageProcessor(tileSize: 16))
        let image = ImageFile.encode(RGBImage(width: 16, height: 16, red: 255, green: 0, blue: 0))
        let url = "data:image/png;base64," + Data(image).base64EncodedString()
        try await withFolder(policies: ScriptedPolicies(vision: vision)) { client, folder in
            let asked = try await client.post(
                "/v1/comparisons", "{\"question\":\"What?\",\"images\":[\"\(url)\"],\"k\":2}")
            let comparison = try json(asked)
            let digest = comparison["images"].elements.first?.string ?? ""
            #expect(digest.count == 64 && asked.text.contains(#"{"type":"image","sha256":"\#(digest)"}"#))
            let file = try await get(client, "/v1/images/\(digest)")
            #expect([UInt8](buffer: file.body) == image && file.headers[.contentType] == "image/png")
            for wrong in [String(repeating: "0", count: 64), "..%2Ffeedback.sqlite", "x", digest.uppercased()] {
                #expect(try await get(client, "/v1/images/\(wrong)").status == .notFound)
            }
            let thumb = try await client.post(
                "/v1/feedback",
                """
                {"thumb":"down","question":"What?","images":["\(url)"],"answer":"blue","model":"sft","generation":3,
                 "better":"red","labeler":"ann"}
                """)
            #expect(thumb.status == .created && thumb.text.contains(#""comparison_id":null,"kind":"thumb""#))
            let kto = try await get(client, "/v1/feedback?format=kto")
            #expect(kto.headers[.contentType] == "application/jsonl")
            #expect(
                kto.text.hasPrefix(
                    #"{"prompt":[{"role":"user","content":"What?"}],"completion":[{"role":"assistant","content":"blue"}],"#
                        + #""label":false,"images":["/v1/images/\#(digest)"],"labeler":"ann","model":"sft@3","#),
                "\(kto.text)")
            let damaged = try await client.post(
                "/v1/feedback",
                #"{"thumb":"up","question":"q","images":["data:image/png;base64,AAAA"],"answer":"a"}"#)
            #expect(damaged.status == .badRequest && damaged.text.contains(#""param":"images[0]""#))
            #expect(try folder.store.counts().count == 1)
        }
    }

    @Test func hostileFeedbackIsRefusedAndLeavesNothing() async throws {
        try await withFolder { client, folder in
            let asked = try json(try await client.post("/v1/comparisons", #"{"question":"q","k":2}"#))
            let own = try json(try await client.post("/v1/comparisons", #"{"question":"q","k":2,"labeler":"bob"}"#))
            let (id, ids) = (asked["id"].text, candidates(asked))
            let (foreign, others) = (own["id"].text, candidates(own))
            let ranking = #""comparison_id":"\#(id)","ranking":[["\#(ids[0])"],["\#(ids[1])"]]"#
            let cases: [(String, Int, String)] = [
                (#"{\#(ranking),"labeler":"<script>alert(1)</script>"}"#, 400, "labeler"),
                (#"{\#(ranking),"labeler":""}"#, 400, "labeler"),
                (#"{\#(ranking),"labeler":"\#(String(repeating: "a", count: 65))"}"#, 400, "labeler"),
                (#"{\#(ranking),"comment":"\#(String(repeating: "é", count: 4_001))"}"#, 400, "comment"),
                (#"{\#(ranking),"better":"\#(String(repeating: "x", count: 70_000))"}"#, 400, "better"),
                (#"{\#(ranking),"seconds":-1}"#, 400, "seconds"), (#"{\#(ranking),"mood":"good"}"#, 400, "mood"),
                (#"{\#(ranking),"thumb":"up"}"#, 400, "thumb"), ("{}", 400, "ranking"),
                (#"{\#(ranking),"flags":{"\#(ids[0])":["ugly"]}}"#, 400, "flags.\(ids[0])"),
                (#"{\#(ranking),"flags":{"cand_0":["wrong"]}}"#, 400, "flags"),
                (#"{"comparison_id":"\#(id)","ranking":[["\#(ids[0])"]]}"#, 400, "ranking"),
                (#"{"comparison_id":"\#(id)","ranking":[["\#(ids[0])"],["\#(ids[0])"]]}"#, 400, "ranking"),
                (#"{"comparison_id":"\#(id)","ranking":[["\#(ids[0])"],["\#(others[1])"]]}"#, 400, "ranking"),
                (#"{"comparison_id":"\#(id)","ranking":[["\#(ids[0])","\#(ids[1])"],[]]}"#, 400, "ranking"),
                (#"{"comparison_id":"\#(id)","ranking":["\#(ids[0])","\#(ids[1])"]}"#, 400, "ranking[0]"),
                (#"{"comparison_id":"cmp_0","ranking":[["\#(ids[0])"],["\#(ids[1])"]]}"#, 404, "comparison_id"),
                (
                    #"{"comparison_id":"\#(foreign)","ranking":[["\#(others[0])"],["\#(others[1])"]],"labeler":"ann"}"#,
                    404, "comparison_id"
                ),
                (#"{"comparison_id":"\#(foreign)","skip":true,"labeler":"ann"}"#, 404, "comparison_id"),
                (#"{"comparison_id":"\#(id)","skip":false}"#, 400, "skip"),
                (#"{"comparison_id":"\#(id)","skip":true,"comment":"c"}"#, 400, "comment"),
                (#"{"thumb":"sideways","question":"q","answer":"a"}"#, 400, "thumb"),
                (#"{"thumb":"up","question":"q"}"#, 400, "answer"),
                (
                    #"{"thumb":"up","question":"\#(String(repeating: "x", count: 300_000))","answer":"a"}"#, 400,
                    "question"
                ),
            ]
            for (body, status, param) in cases {
                let refused = try await client.post("/v1/feedback", body)
                #expect(refused.status.code == status, "\(body.prefix(200)): \(refused.text)")
                #expect(refused.text.contains("\"param\":\"\(param)\""), "\(body.prefix(200)): \(refused.text)")
            }
            #expect(try folder.store.counts().isEmpty)
            #expect(try await get(client, "/v1/comparisons/\(foreign)?labeler=ann").status == .notFound)
            for query in ["status=shut", "limit=0", "limit=x", "after=cmp_0", "labeler=%3Cb%3E", "order=best"] {
                let refused = try await get(client, "/v1/comparisons?\(query)")
                #expect([400, 404].contains(refused.status.code), "\(query)")
            }
            #expect(try await get(client, "/v1/feedback?format=csv").status == .badRequest)
            #expect(try await get(client, "/v1/feedback?since=fb_0").status == .notFound)
            for body in [
                #"{"question":"q","k":1}"#, #"{"question":"q","k":10}"#, #"{"k":2}"#, #"{"question":"q","n":2}"#,
                #"{"question":"q","models":["sft","sft"]}"#, #"{"question":"q","k":2,"models":["a","b","c"]}"#,
            ] {
                #expect(try await client.post("/v1/comparisons", body).status == .badRequest, "\(body)")
            }
            let unknown = try await client.post("/v1/comparisons", #"{"question":"q","models":["sft","none"]}"#)
            #expect(unknown.status == .notFound && unknown.text.contains(#""param":"models[1]""#))
        }
    }

    @Test func undoIsForTheSameLabelerAndOpensTheComparisonAgain() async throws {
        try await withFolder { client, folder in
            let asked = try json(try await client.post("/v1/comparisons", #"{"question":"q","k":2}"#))
            let ids = candidates(asked)
            let done = try json(
                try await client.post(
                    "/v1/feedback",
                    """
                    {"comparison_id":"\(asked["id"].text)","ranking":[["\(ids[0])"],["\(ids[1])"]],"labeler":"ann"}
                    """))
            let path = "/v1/feedback/\(done["id"].text)"
            #expect(try await client.execute(uri: path + "?labeler=bob", method: .delete).status == .notFound)
            #expect(try await client.execute(uri: path, method: .delete).status == .notFound)
            let line = try await get(client, "/v1/feedback").text
            #expect(line.contains(#""chosen_model":"sft@3""#) && line.hasSuffix("\n"))
            let undone = try await client.execute(uri: path + "?labeler=ann", method: .delete)
            #expect(undone.text.hasSuffix(#""object":"feedback","deleted":true}"#))
            #expect(try await get(client, "/v1/feedback").text.isEmpty)
            let open = try await get(client, "/v1/comparisons?status=open&labeler=ann")
            #expect(try json(open)["data"].elements.count == 1)
            #expect(try folder.store.count() == 0)
        }
    }

    @Test func theQueueBecomesComparisonsWhenTheyAreAskedFor() async throws {
        try await withFolder(policies: ScriptedPolicies(readers: ["reward"])) { client, folder in
            let next = #"{"labeler":"ann"}"#
            let empty = try await client.post("/v1/comparisons/next", next)
            #expect(empty.status == .notFound && empty.text.contains(#""code":"queue_empty""#))
            let prompts = ["one", "two", String(repeating: "long ", count: 2_000), "four"].map {
                FeedbackStore.QueueItem(
                    content: .init(prompt: [FeedbackMessage(role: .user, parts: [.text($0)])], samples: 3))
            }
            _ = try folder.store.enqueue(prompts, images: folder.images, at: Date())
            var seen: Set<String> = []
            for _ in 0..<3 {
                let response = try await client.post("/v1/comparisons/next", next)
                #expect(response.status == .ok, "\(response.text)")
                let comparison = try json(response)
                #expect(candidates(comparison).count == 3)
                seen.insert(comparison["prompt"].text(at: 0, "content"))
                let skip = #"{"comparison_id":"\#(comparison["id"].text)","skip":true,"labeler":"ann"}"#
                #expect(try await client.post("/v1/feedback", skip).status == .created)
            }
            #expect(seen == ["one", "two", "four"])
            #expect(try await client.post("/v1/comparisons/next", next).status == .notFound)
            // What nobody can answer is out of the queue, with its reason.
            #expect(try folder.store.failures().first?.reason.contains("context length") == true)
            let wanted = try await client.post("/v1/comparisons/next", #"{"labeler":"bob","k":3,"models":["sft"]}"#)
            #expect(wanted.status == .ok)
            let other = try await client.post("/v1/comparisons/next", #"{"labeler":"bob","k":4}"#)
            #expect(other.status == .notFound)
            let summary = try json(try await get(client, "/v1/feedback/summary?labeler=ann"))
            #expect(summary["skipped"] == .integer(3) && summary["yours"]["skipped"] == .integer(3))
            #expect(summary["queue"]["waiting"] == .integer(0) && summary["agreement"]["value"] == .null)
        }
    }

    /// A prompt that names a generation is answered by that one alone.
    @Test func aPromptMayNameAGeneration() async throws {
        try await withFolder { client, folder in
            let items = ["sft@3", "sft@4"].map { model in
                FeedbackStore.QueueItem(
                    content: .init(
                        prompt: [FeedbackMessage(role: .user, parts: [.text("What?")])], models: [model], samples: 2))
            }
            _ = try folder.store.enqueue(items, images: folder.images, at: Date())
            let first = try await client.post("/v1/comparisons/next", #"{"labeler":"ann"}"#)
            #expect(first.status == .ok, "\(first.text)")
            let skip = #"{"comparison_id":"\#(try json(first)["id"].text)","skip":true,"labeler":"ann"}"#
            #expect(try await client.post("/v1/feedback", skip).status == .created)
            #expect(try await client.post("/v1/comparisons/next", #"{"labeler":"ann"}"#).status == .notFound)
            #expect(try folder.store.failures().map(\.reason) == ["This server does not serve sft@4."])
        }
    }

    @Test func equalAnswersAreNotAskedAbout() async throws {
        try await withFolder(engine: ScriptedEngine(ScriptedEngine.saying(["yes"]))) { client, folder in
            let prompt = FeedbackMessage(role: .user, parts: [.text("Is it?")])
            _ = try folder.store.enqueue([.init(content: .init(prompt: [prompt]))], images: folder.images, at: Date())
            #expect(try await client.post("/v1/comparisons/next", "{}").status == .notFound)
            #expect(try folder.store.failures().map(\.reason) == ["all sampled answers are the same"])
        }
    }

    /// One caller's policies and number of answers take no prompt from the others.
    @Test func aWishTakesNoPromptOutOfTheQueue() async throws {
        let same = ScriptedEngine(ScriptedEngine.saying(["yes"]))
        try await withFolder(engine: same) { client, folder in
            let texts = ["Is it?", String(repeating: "long ", count: 2_000)]
            let prompts = texts.map { FeedbackMessage(role: .user, parts: [.text($0)]) }
            _ = try folder.store.enqueue(
                prompts.map { .init(content: .init(prompt: [$0])) }, images: folder.images, at: Date())
            for wish in [#"{"k":2}"#, #"{"models":["sft"]}"#] {
                let refused = try await client.post("/v1/comparisons/next", wish)
                #expect([.badRequest, .notFound].contains(refused.status), "\(refused.text)")
                #expect(try folder.store.failures().isEmpty)
                #expect(try folder.store.waitingPrompts(limit: 9).count == 2)
            }
        }
    }

    @Test func aPromptIsAnsweredByThePoliciesThatItNames() async throws {
        try await withFolder(policies: ScriptedPolicies(aliases: ["mine": "sft"])) { client, folder in
            let prompt = FeedbackMessage(role: .user, parts: [.text("What?")])
            _ = try folder.store.enqueue(
                [.init(content: .init(prompt: [prompt], models: ["sft@3"], samples: 3))], images: folder.images,
                at: Date())
            for wish in [#"{"models":["base"]}"#, #"{"k":2}"#] {
                #expect(try await client.post("/v1/comparisons/next", wish).status == .notFound)
            }
            #expect(try folder.store.waitingPrompts(limit: 1).count == 1)
            let asked = try await client.post("/v1/comparisons/next", #"{"models":["mine"],"k":3}"#)
            #expect(asked.status == .ok, "\(asked.text)")
            let again = try await client.post("/v1/comparisons/next", #"{"models":["mine"]}"#)
            #expect(try json(again)["id"] == json(asked)["id"])
        }
    }

    /// What a wish makes of a prompt is given to the caller at once.
    @Test func aPromptThatNamesNoPoliciesIsAnsweredAsWished() async throws {
        try await withFolder(policies: ScriptedPolicies(aliases: ["mine": "sft"])) { client, folder in
            let prompts = ["One?", "Two?"].map { FeedbackMessage(role: .user, parts: [.text($0)]) }
            _ = try folder.store.enqueue(
                prompts.map { .init(content: .init(prompt: [$0], samples: 2)) }, images: folder.images, at: Date())
            let asked = try await client.post("/v1/comparisons/next", #"{"models":["mine"]}"#)
            #expect(asked.status == .ok, "\(asked.text)")
            #expect(candidates(try json(asked)).count == 2)
            #expect(try folder.store.waitingPrompts(limit: 9).count == 1)
        }
    }

    @Test func withoutADataFolderNothingIsKept() async throws {
        try await withServer(engine()) { client in
            for path in [
                "/v1/comparisons", "/v1/feedback", "/v1/images/x", "/v1/comparisons/x", "/v1/feedback/blind-test",
            ] {
                let refused = try await get(client, path)
                #expect(refused.status == .notFound && refused.text.contains("without a data folder"), "\(path)")
            }
            for path in ["/v1/comparisons", "/v1/comparisons/next", "/v1/feedback"] {
                #expect(try await client.post(path, "{}").status == .notFound)
            }
            let summary = try json(try await get(client, "/v1/feedback/summary"))
            #expect(summary["kept"] == .bool(false) && summary["rankings"] == .integer(0))
        }
    }

    @Test func feedbackNeedsItsScope() async throws {
        let (asker, askKey) = KeyRecord.make(name: "asker", scopes: [.ask], expires: nil)
        try await withServer(engine(), keys: KeyRing([asker])) { client in
            let headers: HTTPFields = [.xAPIKey: askKey]
            for (path, method) in [
                ("/v1/comparisons", HTTPRequest.Method.get), ("/v1/feedback", .get), ("/v1/feedback/fb_1", .delete),
                ("/v1/images/x", .get), ("/v1/comparisons/next", .post),
            ] {
                let refused = try await client.execute(uri: path, method: method, headers: headers)
                #expect(refused.status == .forbidden, "\(path)")
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func closingWhileAnswersAreSampledCancels() async throws {
        let engine = ScriptedEngine { _, _ in }
        try await withFolder(engine: engine) { client, folder in
            try await withSocket(
                port: try #require(client.port), post: "/v1/comparisons", #"{"question":"q","k":2}"#
            ) { _ in
                var submissions = engine.submissions.makeAsyncIterator()
                for _ in 0..<2 { _ = await submissions.next() }
            }
            var cancellations = engine.cancellations.makeAsyncIterator()
            for _ in 0..<2 { await cancellations.next() }
            #expect(try folder.store.comparisons(nil, for: "ann", order: .created, limit: 9, after: nil).page.isEmpty)
        }
    }
}

extension JSON {
    /// The member's value; null if there is none.
    fileprivate subscript(name: String) -> JSON {
        guard case .object(let members) = self else { return .null }
        return members.first { $0.name == name }?.value ?? .null
    }

    fileprivate var names: [String] { if case .object(let members) = self { members.map(\.name) } else { [] } }

    fileprivate var elements: [JSON] { if case .array(let elements) = self { elements } else { [] } }

    fileprivate var string: String? { if case .string(let text) = self { text } else { nil } }

    fileprivate var text: String { string ?? "" }

    fileprivate func text(at index: Int, _ name: String) -> String { elements[index][name].text }
}
