import Engine
import Foundation
import HTTPTypes
import HummingbirdTesting
import Logging
import Policies
import Serving
import TestSupport
import Testing

@Suite struct AdminTests {
    private let admin: KeyRecord
    private let adminKey: String
    private let chat = #"{"model":"sft","messages":[{"role":"user","content":"hi"}]}"#
    private let engine = ScriptedEngine(ScriptedEngine.saying(["x"]))

    init() {
        (admin, adminKey) = KeyRecord.make(name: "operator", scopes: [.admin], expires: nil)
    }

    private var bearer: HTTPFields { [.authorization: "Bearer \(adminKey)"] }

    @Test func generationsAreSwitched() async throws {
        let source = ScriptedPolicies()
        try await withServer(engine, policies: source, keys: KeyRing([admin])) { client in
            let answer = try await client.post(
                "/v1/admin/policies", #"{"name":"sft","generation":1}"#, headers: bearer)
            #expect(answer.text == #"{"object":"policy","name":"sft","generation":1,"previous":3}"#)
            #expect(source.current() == ["sft": 1])
            let list = try await client.execute(uri: "/v1/admin/policies", method: .get, headers: bearer)
            #expect(
                list.text.contains(
                    #""data":[{"object":"policy","name":"sft","generation":1,"generations":[1,2,3]}]"#))
            let models = try await client.execute(uri: "/v1/models", method: .get, headers: bearer)
            #expect(models.text.contains(#""generation":1"#))
            let metrics = try await client.execute(uri: "/metrics", method: .get).text
            #expect(metrics.contains("apus_policy_generation{model=\"sft\"} 1.0\n"))
            #expect(metrics.contains("apus_policy_swaps_total{outcome=\"published\"} 1\n"))
        }
    }

    @Test func whatFailsItsChecksChangesNothing() async throws {
        let source = ScriptedPolicies(broken: [2])
        try await withServer(engine, policies: source, keys: KeyRing([admin])) { client in
            let failed = try await client.post(
                "/v1/admin/policies", #"{"name":"sft","generation":2}"#, headers: bearer)
            #expect(failed.status == .badRequest)
            #expect(failed.text.contains("sft/2/adapter_model.safetensors: expected 5 bytes, found 4"))
            #expect(!failed.text.contains("/data"))
            for (name, generation) in [("sft", 9), ("vision", 1), ("ppo", 1)] {
                let unknown = try await client.post(
                    "/v1/admin/policies", "{\"name\":\"\(name)\",\"generation\":\(generation)}", headers: bearer)
                #expect(unknown.status == .notFound)
            }
            source.setCurrent(2, of: "sft")
            let reload = try await client.execute(uri: "/v1/admin/reload", method: .post, headers: bearer)
            #expect(reload.status == .badRequest)
            let metrics = try await client.execute(uri: "/metrics", method: .get).text
            #expect(metrics.contains("apus_policy_generation{model=\"sft\"} 3.0\n"))
            #expect(metrics.contains("apus_policy_swaps_total{outcome=\"failed\"} 2\n"))
        }
    }

    @Test func reloadingTakesKeysAndPolicies() async throws {
        try await withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("keys").path
            @Sendable func write(_ lines: [String]) {
                #expect(
                    FileManager.default.createFile(
                        atPath: file, contents: Data((lines.joined(separator: "\n") + "\n").utf8),
                        attributes: [.posixPermissions: 0o600]))
            }
            let (other, otherKey) = KeyRecord.make(name: "other", scopes: [.ask], expires: nil)
            write([admin.line])
            let source = ScriptedPolicies()
            try await withServer(
                engine, policies: source, keys: KeyRing(path: file), configure: { $0.keyFile = file }
            ) { client in
                let asOther: HTTPFields = [.authorization: "Bearer \(otherKey)"]
                #expect(try await client.post("/v1/chat/completions", chat, headers: asOther).status == .unauthorized)
                source.setCurrent(1, of: "sft")
                write([admin.line, other.line, "{\"id\":\"x\"}"])
                let refused = try await client.execute(uri: "/v1/admin/reload", method: .post, headers: bearer)
                #expect(refused.text.contains("the file of keys: line 3: Missing required parameter: name"))
                #expect(try await client.post("/v1/chat/completions", chat, headers: asOther).status == .unauthorized)
                write(["# people", admin.line, "", other.line])
                let taken = try await client.execute(uri: "/v1/admin/reload", method: .post, headers: bearer)
                #expect(
                    taken.text == #"{"object":"reload","keys":2,"policies":"#
                        + #"[{"object":"policy","name":"sft","generation":1,"previous":3}]}"#)
                let answer = try await client.post("/v1/chat/completions", chat, headers: asOther)
                #expect(answer.status == .ok && answer.headers[.apusPolicy] == "sft@1")
            }
        }
    }

    /// SIGHUP before the server is ready has no reply, so the log must have the refusal.
    @Test func whatComesBeforeTheModelIsRefusedAndLogged() async throws {
        let recorder = LogRecorder()
        var configuration = ServerConfiguration()
        configuration.publicFolder = "/nonexistent"
        // Operators' actions are logged at every level.
        var quiet = recorder.logger
        quiet.logLevel = .critical
        let application = try await buildApplication(
            models: [], keys: KeyRing([admin]), configuration: configuration, logger: quiet)
        try await application.test(.live) { client in
            var headers = bearer
            headers[.xRequestID] = "r1"
            let reload = try await client.execute(uri: "/v1/admin/reload", method: .post, headers: headers)
            #expect(reload.status == .serviceUnavailable && reload.text.contains("not_ready"))
            let publish = try await client.post(
                "/v1/admin/policies", #"{"name":"sft","generation":2}"#, headers: headers)
            #expect(publish.status == .serviceUnavailable)
        }
        let who = "key_id=\(admin.id) mistakes=The server is loading its model."
        let addresses = ["127.0.0.1", "::1"].map { "address=\($0) \(who)" }
        func has(_ event: String, _ end: String) -> Bool {
            addresses.contains { recorder.lines.contains("error \(event) \($0) \(end)") }
        }
        #expect(has("audit.reload", "request_id=r1"), "\(recorder.lines)")
        #expect(has("audit.publish", "policy=sft@2 request_id=r1"), "\(recorder.lines)")
    }

    @Test func aliasesStandForPolicies() async throws {
        let source = ScriptedPolicies(aliases: ["gpt-4o": "sft"])
        try await withServer(engine, policies: source) { client in
            let answer = try await client.post("/v1/chat/completions", chat.replacing("\"sft\"", with: "\"gpt-4o\""))
            #expect(answer.text.contains(#""model":"gpt-4o""#))
            #expect(answer.headers[.apusPolicy] == "sft@3")
        }
    }
}
