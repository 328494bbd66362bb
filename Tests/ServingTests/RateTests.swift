import Engine
import Foundation
import HTTPTypes
import HummingbirdTesting
import Serving
import Synchronization
import TestSupport
import Testing

@Suite struct RateTests {
    private let chat = #"{"model":"sft","messages":[{"role":"user","content":"hi"}]}"#
    private let now = ContinuousClock.now

    @Test func bucketsFillEvenly() {
        var bucket = TokenBucket(limit: 30, at: now)
        #expect((0..<30).allSatisfy { _ in bucket.take(1, limit: 30, at: now) == nil })
        #expect(bucket.take(1, limit: 30, at: now) == .seconds(2))
        #expect(bucket.take(1, limit: 30, at: now + .seconds(1)) == .seconds(1))
        #expect(bucket.take(1, limit: 30, at: now + .seconds(2)) == nil)
        #expect(bucket.take(1, limit: 30, at: now + .seconds(2)) != nil)
        // The bucket never holds more than a minute's supply.
        #expect(bucket.take(30, limit: 30, at: now + .seconds(1_000)) == nil)
        #expect(bucket.take(1, limit: 30, at: now + .seconds(1_000)) != nil)
    }

    @Test func whatIsMoreThanABucketHoldsLeavesADebt() {
        var bucket = TokenBucket(limit: 60, at: now)
        #expect(bucket.take(180, limit: 60, at: now) == nil)
        #expect(bucket.take(1, limit: 60, at: now) == .seconds(121))
        #expect(bucket.take(180, limit: 60, at: now + .seconds(120)) == .seconds(60))
        #expect(bucket.take(180, limit: 60, at: now + .seconds(180)) == nil)
    }

    @Test func keysAreKeptToTheirLimits() async throws {
        let engine = ScriptedEngine(ScriptedEngine.saying(["x"]))
        for (limits, scope) in [
            (KeyLimits(requests: 2), "requests"), (KeyLimits(promptTokens: 2), "prompt_tokens"),
        ] {
            let (limited, key) = KeyRecord.make(name: "a", scopes: [.ask], expires: nil, limits: limits)
            let (other, otherKey) = KeyRecord.make(name: "b", scopes: [.ask], expires: nil)
            try await withServer(engine, keys: KeyRing([limited, other])) { client in
                var statuses: [Int] = []
                for _ in 0..<3 {
                    let answer = try await client.post("/v1/chat/completions", chat, headers: [.xAPIKey: key])
                    statuses.append(answer.status.code)
                    guard answer.status == .tooManyRequests else { continue }
                    #expect(
                        answer.text.contains(#""type":"rate_limit_error","param":null,"code":"rate_limit_exceeded""#))
                    let wait = try #require(answer.headers[.retryAfter].flatMap { Int($0) })
                    #expect((1...60).contains(wait))
                }
                // A prompt larger than its limit is accepted once.
                #expect(statuses == (scope == "requests" ? [200, 200, 429] : [200, 429, 429]))
                // Other keys are not affected, nor are routes that generate nothing.
                #expect(
                    try await client.post("/v1/chat/completions", chat, headers: [.xAPIKey: otherKey]).status == .ok)
                let models = try await client.execute(uri: "/v1/models", method: .get, headers: [.xAPIKey: key])
                #expect(models.status == .ok)
                let metrics = try await client.execute(uri: "/metrics", method: .get).text
                #expect(metrics.contains("apus_rate_limited_total{scope=\"\(scope)\"}"))
            }
        }
    }

    /// A slot among the open requests is free again once the answer is complete.
    @Test(.timeLimit(.minutes(1))) func openRequestsAreCounted() async throws {
        let (limited, key) = KeyRecord.make(
            name: "a", scopes: [.ask], expires: nil, limits: KeyLimits(streams: 1))
        let isFirst = Mutex(true)
        let engine = ScriptedEngine { request, events in
            let waits = isFirst.withLock { first in
                defer { first = false }
                return first
            }
            if !waits { ScriptedEngine.saying(["x"])(request, events) }
        }
        try await withServer(engine, keys: KeyRing([limited])) { client in
            func status() async throws -> HTTPResponse.Status {
                try await client.post("/v1/chat/completions", chat, headers: [.xAPIKey: key]).status
            }
            let port = try #require(client.port)
            try await withSocket(port: port, post: "/v1/chat/completions", headers: ["x-api-key: \(key)"], chat) { _ in
                var submissions = engine.submissions.makeAsyncIterator()
                _ = await submissions.next()
                let refused = try await status()
                #expect(refused == .tooManyRequests)
            }
            while try await status() != .ok { await Task.yield() }
            #expect(try await status() == .ok)
        }
    }

    @Test func limitsAreKeptInTheFile() throws {
        let limits = KeyLimits(requests: 60, promptTokens: 100_000, streams: 4)
        let (record, _) = KeyRecord.make(name: "a", scopes: [.ask], expires: nil, limits: limits)
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("keys").path
            func write(_ line: String) {
                #expect(
                    FileManager.default.createFile(
                        atPath: path, contents: Data(line.utf8), attributes: [.posixPermissions: 0o600]))
            }
            write(record.line)
            let read = try KeyRing.records(path: path)
            #expect(read == [record])
            #expect(record.limits == limits && record.line.contains("\"rate\":60"))
            for wrong in ["\"rate\":0", "\"rate\":-1", "\"rate\":\"60\"", "\"rate\":1.5"] {
                write(record.line.replacing("\"rate\":60", with: wrong))
                #expect(throws: KeyFileError.self) { try KeyRing(path: path) }
            }
        }
    }
}
