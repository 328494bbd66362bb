import Engine
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Policies
import Serving
import Synchronization
import Testing

/// Several models in one server.
@Suite struct ModelPoolTests {
    /// A source that counts its loadings; each loading has an engine of its own.
    private final class Shelf: Sendable {
        let name: String?
        private let engines = Mutex<[ScriptedEngine]>([])
        private let script: ScriptedEngine.Script

        init(_ name: String?, _ script: @escaping ScriptedEngine.Script = ScriptedEngine.saying(["A"])) {
            self.name = name
            self.script = script
        }

        var loadings: [ScriptedEngine] { engines.withLock { $0 } }

        func source(bytes: Int = 0) -> ModelSource {
            ModelSource(name: name, bytes: bytes) { [self] in
                let engine = ScriptedEngine(script)
                engines.withLock { $0.append(engine) }
                var model = try servedModel(engine, policies: ScriptedPolicies(model: name))
                model.name = name
                return model
            }
        }
    }

    private func withServer<Result>(
        _ sources: [ModelSource], memory: Int = .max, keys: KeyRing? = nil,
        _ test: @Sendable (any TestClientProtocol) async throws -> Result
    ) async throws -> Result {
        var configuration = ServerConfiguration()
        configuration.publicFolder = "/nonexistent"
        configuration.modelMemory = memory
        let application = try await buildApplication(
            models: sources, keys: keys, configuration: configuration, logger: silent)
        return try await application.test(.live, test)
    }

    private func ask(_ client: any TestClientProtocol, _ model: String) async throws -> TestResponse {
        try await client.post(
            "/v1/chat/completions", #"{"model":"\#(model)","messages":[{"role":"user","content":"hi"}]}"#)
    }

    @Test func aRequestReachesTheModelThatItNames() async throws {
        let (small, big) = (Shelf(nil), Shelf("big"))
        try await withServer([small.source(), big.source()]) { client in
            for (name, status) in [
                ("sft", HTTPResponse.Status.ok), ("big", .ok), ("big/sft", .ok), ("big/none", .notFound),
                ("bigger", .notFound), ("small/sft", .notFound),
            ] {
                #expect(try await ask(client, name).status == status, "\(name)")
            }
            #expect(small.loadings.map(\.requests.count) == [1] && big.loadings.map(\.requests.count) == [2])
            let answer = try await ask(client, "big")
            let policyName = try #require(HTTPField.Name("apus-policy"))
            #expect(answer.text.contains(#""model":"big""#))
            #expect(answer.headers[policyName] == "big/sft@3")
            let list = try await client.execute(uri: "/v1/models", method: .get).text
            #expect(list.contains(#""id":"sft""#) && list.contains(#""id":"big/sft""#))
            for path in ["/v1/models/big", "/v1/models/big%2Fsft"] {
                #expect(try await client.execute(uri: path, method: .get).text.contains(#""id":"big/sft""#), "\(path)")
            }
            let metrics = try await client.execute(uri: "/metrics", method: .get).text
            #expect(metrics.contains(#"apus_model_loaded{model="big"} 1.0"#))
            #expect(metrics.contains(#"apus_policy_generation{model="big/sft"} 3.0"#))
        }
    }

    @Test func aModelMakesRoomForAnother() async throws {
        let (small, big) = (Shelf(nil), Shelf("big"))
        try await withServer([small.source(bytes: 60), big.source(bytes: 60)], memory: 100) { client in
            // Both were loaded once, the first one last.
            #expect(big.loadings.count == 1 && small.loadings.count == 1)
            let list = try await client.execute(uri: "/v1/models", method: .get).text
            #expect(list.contains(#""id":"big/sft""#) && list.contains(#""loaded":false"#))
            #expect(try await ask(client, "big").status == .ok)
            #expect(try await ask(client, "big").status == .ok)
            #expect(big.loadings.count == 2)
            #expect(try await ask(client, "sft").status == .ok)
            #expect(small.loadings.count == 2)
            var stops = small.loadings[0].stops.makeAsyncIterator()
            #expect(await stops.next() != nil)
        }
    }

    @Test func aModelThatAnswersStaysLoaded() async throws {
        let small = Shelf(nil) { _, events in
            events.yield(.started)
            events.yield(.text(TextDelta(text: "A", tokens: [GeneratedToken(id: 1)])))
        }
        let big = Shelf("big")
        try await withServer([small.source(bytes: 60), big.source(bytes: 60)], memory: 100) { client in
            let chat = #"{"model":"sft","stream":true,"messages":[{"role":"user","content":"hi"}]}"#
            try await withSocket(port: try #require(client.port), post: "/v1/chat/completions", chat) { inbound in
                try await read(#""content":"A""#, from: &inbound)
                let refusal = try await ask(client, "big")
                #expect(refusal.status == .serviceUnavailable && refusal.text.contains("not_ready"))
                #expect(refusal.headers[.retryAfter] != nil)
            }
        }
    }

    @Test func idleModelsSleepAndLeasedOnesDoNot() async throws {
        let time = Mutex(ContinuousClock.now)
        let (small, big) = (Shelf(nil), Shelf("big"))
        let pool = ModelPool([small.source(), big.source()], now: { time.withLock { $0 } }, describe: { _ in [] })
        var lease: ServedModel? = try await pool.lease(for: "big/sft")
        _ = try await pool.lease(for: nil)
        time.withLock { $0 += .seconds(60) }
        #expect(await pool.sleep(idleFor: .seconds(61)).isEmpty)
        #expect(await pool.sleep(idleFor: .seconds(60)) == [nil])
        #expect(pool.status.map(\.phase) == [.asleep, .loaded] && pool.status.map(\.leases) == [0, 1])
        await #expect(throws: ModelPoolError.busy(requests: 1)) { try await pool.unload("big") }
        withExtendedLifetime(lease) {}
        lease = nil
        try await pool.unload("big")
        #expect(pool.status.map(\.phase) == [.asleep, .asleep])
        _ = try await pool.lease(for: "big")
        #expect(big.loadings.count == 2 && small.loadings.count == 1)
        pool.close()
        await #expect(throws: ModelPoolError.closed) { try await pool.lease(for: nil) }
    }

    @Test func manyRequestsLoadAModelOnce() async throws {
        let small = Shelf(nil)
        let pool = ModelPool([small.source()], describe: { _ in [] })
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { _ = try await pool.lease(for: "sft") } }
            try await group.waitForAll()
        }
        #expect(small.loadings.count == 1 && pool.status.map(\.leases) == [0])
    }

    @Test func aModelThatCannotBeLoadedAgainIsA503() async throws {
        struct Gone: Error {}
        let mayLoad = Mutex(true)
        let big = Shelf("big")
        let source = ModelSource(name: "big", bytes: 60) {
            guard mayLoad.withLock({ $0 }) else { throw Gone() }
            return try big.source().load()
        }
        try await withServer([Shelf(nil).source(bytes: 60), source], memory: 100) { client in
            mayLoad.withLock { $0 = false }
            let refusal = try await ask(client, "big")
            #expect(refusal.status == .serviceUnavailable && refusal.text.contains("the server's log says why"))
            mayLoad.withLock { $0 = true }
            #expect(try await ask(client, "big").status == .ok)
        }
    }

    @Test func operatorsLoadAndUnloadModels() async throws {
        let big = Shelf("big")
        let (admin, key) = KeyRecord.make(name: "operator", scopes: [.admin], expires: nil)
        let bearer: HTTPFields = [.authorization: "Bearer \(key)"]
        try await withServer([Shelf(nil).source(), big.source(bytes: 7)], keys: KeyRing([admin])) { client in
            func change(_ json: String) async throws -> TestResponse {
                try await client.post("/v1/admin/models", json, headers: bearer)
            }
            let unloaded = try await change(#"{"name":"big","loaded":false}"#)
            #expect(unloaded.status == .ok && unloaded.text.contains(#""state":"asleep""#))
            let list = try await client.execute(uri: "/v1/admin/models", method: .get, headers: bearer).text
            #expect(list.contains(#"{"object":"model","name":"big","state":"asleep","bytes":7,"requests":0}"#))
            #expect(try await change(#"{"name":"big","loaded":true}"#).text.contains(#""state":"loaded""#))
            #expect(big.loadings.count == 2)
            #expect(try await change(#"{"loaded":false}"#).text.contains(#""name":null,"state":"asleep""#))
            for (json, status) in [
                (#"{"name":"none","loaded":true}"#, HTTPResponse.Status.notFound), (#"{"name":"big"}"#, .badRequest),
                (#"{"name":"big","loaded":true,"path":"/x"}"#, .badRequest),
                (#"{"name":"","loaded":false}"#, .badRequest), (#"{"name":null,"loaded":false}"#, .badRequest),
            ] {
                #expect(try await change(json).status == status, "\(json)")
            }
        }
    }
}
