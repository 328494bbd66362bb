import Engine
import Foundation
import HTTPTypes
import HummingbirdTesting
import Images
import NIOCore
import Policies
import Serving
import Testing

@Suite struct ImageTests {
    private let vision: Policy.Vision

    init() throws {
        vision = try .tiny()
    }

    private func chat(_ url: String) -> String {
        let image = "{\"type\":\"image_url\",\"image_url\":{\"url\":\"\(url)\"}}"
        return "{\"model\":\"sft\",\"messages\":[{\"role\":\"user\",\"content\":[\(image),"
            + "{\"type\":\"text\",\"text\":\"What?\"}]}]}"
    }

    private func url(_ bytes: [UInt8]) -> String {
        "data:image/png;base64," + Data(bytes).base64EncodedString()
    }

    private func form(_ image: [UInt8]) -> ByteBuffer {
        var buffer = ByteBuffer(string: "--B\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n")
        buffer.writeBytes(image)
        buffer.writeString(
            "\r\n--B\r\nContent-Disposition: form-data; name=\"question\"\r\n\r\nWhat?\r\n--B--\r\n")
        return buffer
    }

    @Test func imagesReachTheEngine() async throws {
        let engine = ScriptedEngine(ScriptedEngine.saying(["red"]))
        let image = ImageFile.encode(RGBImage(width: 16, height: 16, red: 255, green: 0, blue: 0))
        try await withServer(engine, policies: ScriptedPolicies(vision: vision)) { client in
            let chat = try await client.post("/v1/chat/completions", chat(url(image)))
            #expect(chat.text.contains("\"image_tokens\":4"), "\(chat.text)")
            let ask = try await client.execute(
                uri: "/v1/ask", method: .post, headers: [.contentType: "multipart/form-data; boundary=B"],
                body: form(image))
            #expect(ask.text.contains("\"image_tokens\":4"), "\(ask.text)")
            let metrics = try await client.execute(uri: "/metrics", method: .get).text
            #expect(metrics.contains("apus_prompt_tokens_total{model=\"sft\",kind=\"image\"} 8\n"))
            #expect(metrics.contains("modality=\"image\",outcome=\"stop\"} 1\n"))
        }
        #expect(engine.requests.map { $0.images.map(\.range.count) } == [[4], [4]])
        // The time for decoding goes with the request.
        #expect(engine.requests.allSatisfy { $0.imagePreparation > .zero })
    }

    @Test func damageIsNamed() async throws {
        let image = ImageFile.encode(RGBImage(width: 40, height: 8, red: 1, green: 2, blue: 3))
        var damaged = image
        damaged[image.count / 2] ^= 0x55
        let cases: [([UInt8], String)] = [
            (damaged, "invalid_image"), (image.dropLast(13), "invalid_image"),
            ([1, 2, 3], "unsupported_image_format"),
        ]
        try await withServer(ScriptedEngine(ScriptedEngine.saying(["x"])), policies: ScriptedPolicies(vision: vision)) {
            client in
            for (bytes, code) in cases {
                let response = try await client.post("/v1/chat/completions", chat(url(bytes)))
                #expect(response.status == .badRequest)
                #expect(
                    response.text.contains("\"param\":\"messages[0].content[0].image_url.url\",\"code\":\"\(code)\""))
            }
            let part = try await client.execute(
                uri: "/v1/ask", method: .post, headers: [.contentType: "multipart/form-data; boundary=B"],
                body: form([1, 2, 3]))
            #expect(part.status == .unsupportedMediaType)
        }
        try await withServer(
            ScriptedEngine(ScriptedEngine.saying(["x"])), policies: ScriptedPolicies(vision: vision),
            configure: { $0.imageLimits = ImageLimits(maximumSide: 39) }
        ) { client in
            let response = try await client.post("/v1/chat/completions", chat(url(image)))
            #expect(response.text.contains("image_too_large"))
        }
    }

    @Test func jpegIsReadWhateverTypeIsDeclared() async throws {
        // 8x8 pixels of a single grey.
        let jpeg = try #require(
            Data(
                base64Encoded: "/9j/wAALCAAIAAgBAREA/9sAQwABAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
                    + "AQEBAQEBAQEBAQEBAQEBAQEBAQEB/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEA"
                    + "AD8AP//Z"))
        let heic = [UInt8]("\0\0\0\u{18}ftypheic".utf8)
        try await withServer(ScriptedEngine(ScriptedEngine.saying(["x"])), policies: ScriptedPolicies(vision: vision)) {
            client in
            let read = try await client.post("/v1/chat/completions", chat(url([UInt8](jpeg))))
            #expect(read.text.contains("\"image_tokens\":4"), "\(read.text)")
            let cut = try await client.post("/v1/chat/completions", chat(url(Array(jpeg.dropLast(2)))))
            #expect(cut.status == .badRequest && cut.text.contains("invalid_image"))
            let other = try await client.post("/v1/chat/completions", chat(url(heic)))
            #expect(other.status == .badRequest && other.text.contains("unsupported_image_format"))
            #expect(other.text.contains("HEIC"))
        }
    }

    /// Images are decoded one after the other: memory for one image is enough for a request of sixteen, and less memory
    /// is not.
    @Test func aRequestHoldsOneDecodedImageAtATime() async throws {
        let image = ImageFile.encode(RGBImage(width: 100, height: 30, red: 1, green: 2, blue: 3))
        let images = (0..<16).map { _ in "\"\(url(image))\"" }.joined(separator: ",")
        let body = "{\"question\":\"x\",\"images\":[\(images)],\"stream\":false}"
        for (memory, status) in [(9_000, 200), (8_999, 400)] {
            try await withServer(
                ScriptedEngine(ScriptedEngine.saying(["x"])), policies: ScriptedPolicies(vision: vision),
                configure: { $0.imageMemory = memory }
            ) { client in
                let response = try await client.post("/v1/ask", body)
                #expect(response.status.code == status, "\(response.text)")
                #expect(response.text.contains("image_too_large") == (status == 400))
                let metrics = try await client.execute(uri: "/metrics", method: .get).text
                #expect(metrics.contains("apus_memory_bytes{part=\"images\"} 0.0\n"))
                #expect(metrics.contains("apus_memory_bytes{part=\"bodies\"} 0.0\n"))
            }
        }
    }

    @Test func aFullQueueDecodesNothing() async throws {
        try await withServer(
            ScriptedEngine(limit: 0, ScriptedEngine.saying(["x"])), policies: ScriptedPolicies(vision: vision)
        ) { client in
            let response = try await client.post("/v1/chat/completions", chat(url([1, 2, 3])))
            #expect(response.status == .tooManyRequests)
        }
    }
}
