import Engine
import Foundation
import HTTPTypes
import HummingbirdTesting
import NIOCore
import ServiceLifecycle
import Serving
import Testing

@Suite struct LifecycleTests {
    private let chat = #"{"model":"sft","messages":[{"role":"user","content":"hi"}],"stream":true}"#

    @Test func whileLoadingOnlyProbesAreAnswered() async throws {
        var configuration = ServerConfiguration()
        configuration.publicFolder = "/nonexistent"
        let application = try await buildApplication(models: [], configuration: configuration, logger: silent)
        try await application.test(.live) { client in
            #expect(try await client.execute(uri: "/livez", method: .get).status == .ok)
            for path in ["/startupz", "/readyz", "/health"] {
                let response = try await client.execute(uri: path, method: .get)
                #expect(response.status == .serviceUnavailable && response.text == #"{"status":"loading"}"#)
            }
            let answer = try await client.post("/v1/chat/completions", chat)
            #expect(answer.status == .serviceUnavailable && answer.text.contains(#""code":"not_ready""#))
            #expect(answer.headers[.retryAfter] == "5")
            #expect(try await client.execute(uri: "/metrics", method: .get).status == .ok)
        }
    }

    /// Runs a server on a separate port, calls `body` with the port, stops the server, and returns once it has ended.
    private func withServices(
        _ engine: ScriptedEngine, drainLimit: Duration, _ body: @Sendable (Int, ServiceGroup) async throws -> Void
    ) async throws {
        var configuration = ServerConfiguration()
        configuration.port = 0
        configuration.publicFolder = "/nonexistent"
        configuration.drainLag = .zero
        configuration.drainLimit = drainLimit
        let (ready, readiness) = AsyncStream<Int>.makeStream()
        let model = try servedModel(engine)
        let group = makeServer(
            keys: nil, configuration: configuration, logger: silent, signals: [], models: [ModelSource { model }],
            onReady: { readiness.yield($0) })
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var ports = ready.makeAsyncIterator()
            try await body(try #require(await ports.next()), group)
            try await tasks.waitForAll()
        }
    }

    /// The command line prints the error; lines of the log before it would hide it.
    @Test(.timeLimit(.minutes(1))) func aModelThatCannotBeLoadedEndsTheServerQuietly() async throws {
        struct Broken: Error {}
        var configuration = ServerConfiguration()
        configuration.port = 0
        configuration.publicFolder = "/nonexistent"
        for metricsPort in [nil, 0] {
            configuration.metricsPort = metricsPort
            let recorder = LogRecorder()
            let group = makeServer(
                keys: nil, configuration: configuration, logger: recorder.logger, signals: [],
                models: [ModelSource { throw Broken() }], onReady: { _ in })
            await #expect(throws: Broken.self) { try await group.run() }
            #expect(!recorder.lines.contains { $0.hasPrefix("error") || $0.hasPrefix("warning") }, "\(recorder.lines)")
        }
    }

    /// The process waits for the engine's end.
    @Test(.timeLimit(.minutes(1))) func aShutdownDuringLoadingStopsTheEngine() async throws {
        let engine = ScriptedEngine(ScriptedEngine.saying([]))
        let model = try servedModel(engine)
        var configuration = ServerConfiguration()
        configuration.port = 0
        configuration.publicFolder = "/nonexistent"
        configuration.drainLag = .zero
        let (loading, begun) = AsyncStream<Void>.makeStream()
        let mayEnd = DispatchSemaphore(value: 0)
        let group = makeServer(
            keys: nil, configuration: configuration, logger: silent, signals: [],
            models: [
                ModelSource {
                    begun.yield()
                    mayEnd.wait()
                    return model
                }
            ], onReady: { _ in })
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var beginnings = loading.makeAsyncIterator()
            _ = await beginnings.next()
            await group.triggerGracefulShutdown()
            mayEnd.signal()
            var stops = engine.stops.makeAsyncIterator()
            #expect(await stops.next() != nil)
            try await tasks.waitForAll()
        }
    }

    /// A stream that is still open at the end of the drain limit ends with its error frame and its terminal frame.
    @Test(.timeLimit(.minutes(1))) func drainingEndsStreamsProperly() async throws {
        let engine = ScriptedEngine { _, events in
            events.yield(.started)
            events.yield(.text(TextDelta(text: "A", tokens: [GeneratedToken(id: 1)])))
        }
        try await withServices(engine, drainLimit: .milliseconds(50)) { port, group in
            try await withSocket(port: port, post: "/v1/chat/completions", chat) { inbound in
                try await read("\"content\":\"A\"", from: &inbound)
                await group.triggerGracefulShutdown()
                let end = try await read("data: [DONE]\n\n\r\n0\r\n\r\n", from: &inbound)
                #expect(end.contains("\"code\":\"server_draining\"}}"))
            }
        }
    }

    /// An answer that ends in time is complete, and the server then ends, although it might wait an hour.
    @Test(.timeLimit(.minutes(1))) func drainingWaitsForAnswers() async throws {
        let engine = ScriptedEngine { _, events in
            events.yield(.started)
            events.yield(.text(TextDelta(text: "A", tokens: [GeneratedToken(id: 1)])))
        }
        try await withServices(engine, drainLimit: .seconds(3_600)) { port, group in
            try await withSocket(port: port, post: "/v1/chat/completions", chat) { inbound in
                try await read("\"content\":\"A\"", from: &inbound)
                await group.triggerGracefulShutdown()
                var submissions = engine.submissions.makeAsyncIterator()
                let events = try #require(await submissions.next())
                events.yield(.finished(Completion(reason: .endToken, tokens: [], generatedTokens: 2)))
                events.finish()
                try await read("\"finish_reason\":\"stop\"", from: &inbound)
            }
        }
    }
}
