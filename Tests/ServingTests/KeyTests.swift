import Engine
import Foundation
import HTTPTypes
import HummingbirdTesting
import Policies
import Serving
import TestSupport
import Testing

@Suite struct KeyTests {
    private let chat = #"{"model":"sft","messages":[{"role":"user","content":"hi"}]}"#
    private let engine = ScriptedEngine(ScriptedEngine.saying(["x"]))

    @Test func keysOpenWhatTheirScopesSay() async throws {
        let (asker, askKey) = KeyRecord.make(name: "asker", scopes: [.ask], expires: nil)
        let (labeler, feedbackKey) = KeyRecord.make(name: "labeler", scopes: [.feedback], expires: nil)
        let (late, lateKey) = KeyRecord.make(name: "late", scopes: [.ask], expires: Date(timeIntervalSince1970: 1))
        let (_, strangerKey) = KeyRecord.make(name: "stranger", scopes: [.ask], expires: nil)
        // The right id with another secret.
        let forged = String(askKey.prefix(14)) + String(strangerKey.dropFirst(14))
        try await withServer(engine, keys: KeyRing([asker, labeler, late])) { client in
            let path = "/v1/chat/completions"
            for headers: HTTPFields in [[.authorization: "Bearer \(askKey)"], [.xAPIKey: askKey]] {
                #expect(try await client.post(path, chat, headers: headers).status == .ok)
            }
            for key in [nil, "", lateKey, strangerKey, forged, askKey + "a", String(askKey.dropLast())] {
                let headers: HTTPFields = key.map { [.authorization: "Bearer \($0)"] } ?? [:]
                let refused = try await client.post(path, chat, headers: headers)
                #expect(refused.status == .unauthorized, "\(key ?? "none")")
                #expect(refused.text.contains(#""type":"authentication_error","param":null,"code":"invalid_api_key""#))
                #expect(refused.headers[.wwwAuthenticate] == "Bearer")
            }
            // One valid key is enough, in either header.
            for other in ["", strangerKey, lateKey, feedbackKey] {
                for (bearer, header) in [(askKey, other), (other, askKey)] {
                    let headers: HTTPFields = [.authorization: "bearer \(bearer)", .xAPIKey: header]
                    #expect(try await client.post(path, chat, headers: headers).status == .ok, "\(other)")
                }
            }
            let wrong = try await client.post(path, chat, headers: [.xAPIKey: feedbackKey])
            #expect(wrong.status == .forbidden)
            #expect(wrong.text.contains(#""type":"permission_error","param":null,"code":"insufficient_scope""#))
            let models = try await client.execute(uri: "/v1/models", method: .get, headers: [.xAPIKey: feedbackKey])
            #expect(models.status == .ok)
            for path in ["/livez", "/readyz", "/metrics"] {
                #expect(try await client.execute(uri: path, method: .get).status == .ok)
            }
            let metrics = try await client.execute(uri: "/metrics", method: .get).text
            #expect(metrics.contains("apus_auth_failures_total{reason=\"expired\"} 1\n"))
            #expect(metrics.contains("apus_auth_failures_total{reason=\"scope\"} 1\n"))
        }
    }

    @Test func withoutKeysEverythingButAdministrationIsOpen() async throws {
        try await withServer(engine) { client in
            let headers: HTTPFields = [.authorization: "Bearer none"]
            let answer = try await client.post("/v1/chat/completions", chat, headers: headers)
            #expect(answer.status == .ok)
            let refused = try await client.execute(uri: "/v1/admin/policies", method: .get, headers: headers)
            #expect(refused.status == .unauthorized)
        }
    }

    /// Removing the last key of a file does not open the server to everyone.
    @Test func aFileWithoutKeysLetsNobodyIn() async throws {
        try await withServer(engine, keys: KeyRing([])) { client in
            let refused = try await client.post("/v1/chat/completions", chat)
            #expect(refused.status == .unauthorized)
        }
    }

    @Test func filesAreReadStrictly() throws {
        let (record, key) = KeyRecord.make(
            name: "a", scopes: [.ask, .admin], expires: Date(timeIntervalSince1970: 9e9))
        #expect(key.utf8.count == 63 && key.hasPrefix("apus_\(record.id)_"))
        #expect(!record.line.contains(key.dropFirst(14)))
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("keys").path
            func write(_ text: String, mode: Int = 0o640) {
                #expect(
                    FileManager.default.createFile(
                        atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: mode]))
            }
            write(record.line + "\n")
            let read = try KeyRing.records(path: path)
            #expect(read == [record])
            let lines = [
                record.line.replacing("admin", with: "root"), record.line.replacing("sha256", with: "sha512"),
                record.line.replacing("2255-", with: "2255/"), String(record.line.dropLast()),
                record.line.replacing("\"salt\"", with: "\"pepper\""),
            ]
            for line in lines {
                write("\(record.line)\n\(line)\n")
                let error = #expect(throws: KeyFileError.self) { try KeyRing(path: path) }
                #expect(error?.reason.hasPrefix("line 2: ") == true, "\(line)")
            }
            let link = folder.appendingPathComponent("link").path
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
            write(record.line)
            #expect(try KeyRing.records(path: link) == [record])
            write(record.line, mode: 0o644)
            for file in [path, link] { #expect(throws: KeyFileError.self) { try KeyRing(path: file) } }
        }
        #expect(throws: KeyFileError.self) { try KeyRing(path: "/nonexistent/keys") }
    }

    /// The forms in which editors on other systems save it.
    @Test func lineEndsAndMarksOfEditorsAreRead() throws {
        let records = ["a", "b"].map { KeyRecord.make(name: $0, scopes: [.ask], expires: nil).record }
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("keys").path
            for end in ["\n", "\r\n", "\n\n", " \r\n\r\n"] {
                let text = "\u{FEFF}# mine\(end)" + records.map { $0.line + end }.joined()
                #expect(
                    FileManager.default.createFile(
                        atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]))
                let read = try KeyRing.records(path: path)
                #expect(read == records)
            }
        }
    }

    @Test func keysThatAreAddedAtOnceAreAllKept() async throws {
        try await withTemporaryFolder { folder in
            let file = KeyFile(path: folder.appendingPathComponent("keys").path)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<12 {
                    group.addTask {
                        try file.add(KeyRecord.make(name: "key \(number)", scopes: [.ask], expires: nil).record)
                    }
                }
                try await group.waitForAll()
            }
            let records = try file.records()
            #expect(Set(records.map(\.name)) == Set((0..<12).map { "key \($0)" }))
            let again = KeyRecord.make(name: "key 3", scopes: [.admin], expires: nil).record
            let error = #expect(throws: KeyFileError.self) { try file.add(again) }
            #expect(error?.reason.contains("has a key named key 3 already") == true)
            let known = try #require(records.first { $0.name == "key 3" })
            try file.remove(id: known.id)
            try file.add(again)
            #expect(throws: KeyFileError.self) { try file.remove(id: "unknown") }
            let replaced = try file.records()
            #expect(replaced.count == 12)
        }
    }
}
