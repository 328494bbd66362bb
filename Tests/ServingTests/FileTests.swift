import Engine
import Feedback
import Foundation
import HTTPTypes
import HummingbirdTesting
import Images
import NIOCore
import Policies
import Serving
import TestSupport
import Testing

/// `/v1/files`, and `file_id` wherever an image is taken.
@Suite struct FileTests {
    private let engine = ScriptedEngine(ScriptedEngine.saying(["red"]))
    private let image = ImageFile.encode(RGBImage(width: 16, height: 12, red: 255, green: 0, blue: 0))

    private struct File: Decodable, Equatable {
        var id: String
        var bytes: Int
        var filename: String
        var sha256: String
        var width: Int
        var height: Int
    }

    private func form(_ image: [UInt8], purpose: String = "vision", more: String = "") -> ByteBuffer {
        var buffer = ByteBuffer(
            string: "--B\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n\(purpose)\r\n\(more)"
                + "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n")
        buffer.writeBytes(image)
        buffer.writeString("\r\n--B--\r\n")
        return buffer
    }

    private func upload(
        _ client: any TestClientProtocol, _ body: ByteBuffer, key: String? = nil
    ) async throws -> TestResponse {
        var headers: HTTPFields = [.contentType: "multipart/form-data; boundary=B"]
        headers[.xAPIKey] = key
        return try await client.execute(uri: "/v1/files", method: .post, headers: headers, body: body)
    }

    private func withFiles(
        vision: Bool = false, keys: KeyRing? = nil, quota: Int = 1 << 30,
        _ test: @Sendable (any TestClientProtocol) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            try await withServer(
                engine, policies: ScriptedPolicies(vision: vision ? try .tiny() : nil), keys: keys,
                feedback: FeedbackFolder(path: folder.path), configure: { $0.uploadQuota = quota }, test)
        }
    }

    @Test func aFileIsKeptListedReadAndDeleted() async throws {
        try await withFiles { client in
            let created = try await upload(client, form(image))
            #expect(created.status == .created, "\(created.text)")
            let file = try JSONDecoder().decode(File.self, from: Data(created.text.utf8))
            #expect(file.id.hasPrefix("file-") && file.bytes == image.count && file.filename == "a.png")
            #expect(file.width == 16 && file.height == 12 && file.sha256.count == 64)
            #expect(created.text.contains(#""object":"file""#) && created.text.contains(#""purpose":"vision""#))
            let listed = try await client.execute(uri: "/v1/files", method: .get).text
            #expect(listed.contains(created.text) && listed.contains(#""has_more":false"#))
            let one = try await client.execute(uri: "/v1/files/\(file.id)", method: .get)
            #expect(one.text == created.text)
            let content = try await client.execute(uri: "/v1/files/\(file.id)/content", method: .get)
            #expect(Array(content.body.readableBytesView) == image && content.headers[.contentType] == "image/png")
            let deleted = try await client.execute(uri: "/v1/files/\(file.id)", method: .delete)
            #expect(deleted.text == "{\"id\":\"\(file.id)\",\"object\":\"file\",\"deleted\":true}")
            for path in ["/v1/files/\(file.id)", "/v1/files/\(file.id)/content"] {
                #expect(try await client.execute(uri: path, method: .get).status == .notFound)
            }
        }
    }

    @Test func filesOutliveTheServer() throws {
        try withTemporaryFolder { folder in
            let content = image
            let uploads = UploadFolder(dataFolder: folder.path)
            let upload = UploadFolder.Upload(
                id: "file-1", content: content, created: 1, name: "a", width: 16, height: 12, mediaType: "image/png",
                owner: nil)
            try uploads.keep(upload, content: content, quota: 1 << 20)
            // Half a file, as a process leaves that is killed.
            try Data([1]).write(to: folder.appending(path: "files/file-2"))
            let again = UploadFolder(dataFolder: folder.path)
            #expect(again.list(owner: nil) == [upload] && again.content("file-1", owner: nil) == content)
            #expect(again.content("file-2", owner: nil) == nil && again.content("../x", owner: nil) == nil)
            #expect(
                try again.remove("file-1", owner: nil) && UploadFolder(dataFolder: folder.path).list(owner: nil) == [])
        }
    }

    @Test func anIDWorksWhereverAnImageDoes() async throws {
        try await withFiles(vision: true) { client in
            let created = try await upload(client, form(image)).text
            let id = try JSONDecoder().decode(File.self, from: Data(created.utf8)).id
            let chat = #"{"type":"image_url","image_url":{"file_id":"\#(id)"}}"#
            let requests = [
                ("/v1/chat/completions", #"{"model":"sft","messages":[{"role":"user","content":[\#(chat)]}]}"#),
                (
                    "/v1/responses",
                    #"{"model":"sft","input":[{"role":"user","content":[{"type":"input_image","file_id":"\#(id)"}]}]}"#
                ),
                (
                    "/v1/messages",
                    #"{"model":"sft","max_tokens":5,"messages":[{"role":"user","content":[{"type":"image","#
                        + #""source":{"type":"file","file_id":"\#(id)"}}]}]}"#
                ),
                ("/v1/ask", #"{"question":"What?","images":["\#(id)"],"stream":false}"#),
                ("/v1/decisions", #"{"question":"What?","images":["\#(id)"],"kind":"yes_no"}"#),
                ("/v1/embeddings", #"{"model":"sft","input":[\#(chat)]}"#),
            ]
            for (path, body) in requests {
                let response = try await client.post(path, body)
                #expect(response.status == .ok || path == "/v1/embeddings", "\(path) \(response.text)")
                let unknown = try await client.post(path, body.replacingOccurrences(of: id, with: "file-none"))
                #expect(unknown.status == .notFound, "\(path) \(unknown.text)")
                #expect(unknown.text.contains("file-none"))
            }
        }
        #expect(engine.requests.count == 6 && engine.requests.allSatisfy { $0.images.count == 1 })
    }

    @Test func anotherKeyDoesNotSeeAFile() async throws {
        let (mine, myKey) = KeyRecord.make(name: "mine", scopes: [.ask], expires: nil)
        let (other, otherKey) = KeyRecord.make(name: "other", scopes: [.ask], expires: nil)
        try await withFiles(vision: true, keys: KeyRing([mine, other])) { client in
            let created = try await upload(client, form(image), key: myKey).text
            let id = try JSONDecoder().decode(File.self, from: Data(created.utf8)).id
            let ask = #"{"question":"What?","images":["\#(id)"],"stream":false}"#
            for (key, status) in [(myKey, HTTPResponse.Status.ok), (otherKey, .notFound)] {
                let headers: HTTPFields = [.xAPIKey: key]
                let one = try await client.execute(uri: "/v1/files/\(id)", method: .get, headers: headers)
                #expect(one.status == status)
                #expect(try await client.post("/v1/ask", ask, headers: headers).status == status)
                let list = try await client.execute(uri: "/v1/files", method: .get, headers: headers).text
                #expect(list.contains(id) == (status == .ok))
            }
            let refused = try await client.execute(
                uri: "/v1/files/\(id)", method: .delete, headers: [.xAPIKey: otherKey])
            #expect(refused.status == .notFound)
        }
    }

    @Test func whatCannotBeKeptIsRefused() async throws {
        try await withFiles(quota: image.count + 10) { client in
            for (body, status, text) in [
                (form([1, 2, 3]), 415, "unsupported_image_format"), (form(image.dropLast(9)), 400, "invalid_image"),
                (form(image, purpose: "batch"), 400, "\"param\":\"purpose\""),
                (
                    form(image, more: "--B\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n"), 400,
                    "unknown_parameter"
                ),
                (ByteBuffer(string: "--B--\r\n"), 400, "missing_required_parameter"),
            ] {
                let response = try await upload(client, body)
                #expect(response.status.code == status && response.text.contains(text), "\(response.text)")
            }
            #expect(try await upload(client, form(image)).status == .created)
            let full = try await upload(client, form(image))
            #expect(full.status == .badRequest && full.text.contains("delete some first"), "\(full.text)")
        }
        try await withServer(engine) { client in
            let refused = try await upload(client, form(image))
            #expect(refused.status == .notFound)
        }
    }
}
