import Testing
import WireFormats

@Suite struct FormTests {
    private let form = [
        "--B", "Content-Disposition: form-data; name=\"image\"; filename=\"a\\\"b.png\"", "Content-Type: image/png", "",
        "\r\n--\u{1}raw", "--B", "content-disposition: form-data; name=question", "", "What?", "--B",
        "Content-Disposition: form-data; name=\"max_tokens\"", "", "12", "--B",
        "Content-Disposition: form-data; name=\"stop\"", "", "1", "--B--", "",
    ].joined(separator: "\r\n")

    @Test func readsCurlsForms() throws {
        let request = try AskRequest(form: FormPart.parse(Array(form.utf8), boundary: "B"))
        #expect(request.question == "What?")
        #expect(request.options.maximumTokens == 12)
        #expect(request.options.stop == ["1"])
        #expect(request.images.map(\.source) == [.file(Array("\r\n--\u{1}raw".utf8))])
        #expect(request.images.first?.formatErrorStatus == 415)
    }

    @Test(arguments: [
        ("multipart/form-data; boundary=B", "B"), ("Multipart/Form-Data;boundary=\"a b\"", "a b"),
        ("multipart/form-data; boundary=\"a \"", nil), ("multipart/form-data; boundary=a; boundary=b", nil),
        ("multipart/form-data; charset=utf-8 ; Boundary = \"a\\\"b\"", nil),
        ("multipart/form-data; boundary=\"ab\"", "ab"), ("multipart/form-data", nil), ("text/plain; boundary=B", nil),
        ("", nil), ("multipart/form-data; boundary=", nil),
    ])
    func findsBoundaries(_ type: String, _ boundary: String?) {
        #expect(FormPart.boundary(contentType: type) == boundary)
    }

    @Test(arguments: [
        ("question", "", APIError.Code.invalidValue), ("unknown", "x", .unknownParameter),
        ("max_tokens", "x", .invalidType), ("temperature", "\"1\"", .invalidType),
        ("scores", "yes", .invalidType), ("best_of", "17", .invalidValue),
        ("response_format", "{\"type\":", .invalidJSON), ("response_format", "1", .invalidType),
    ])
    func refusesParts(_ name: String, _ text: String, _ code: APIError.Code) {
        var parts = [FormPart(name: name, bytes: Array(text.utf8))]
        if name != "question" { parts.append(FormPart(name: "question", bytes: [0x61])) }
        var found: APIError?
        do {
            _ = try AskRequest(form: parts)
        } catch {
            found = error
        }
        #expect(found?.code == code)
        #expect(found?.param == name)
    }

    @Test func refusesEveryCut() {
        let bytes = Array(form.utf8)
        for length in 0..<bytes.count - 2 {
            #expect(throws: APIError.self) { try FormPart.parse(Array(bytes.prefix(length)), boundary: "B") }
        }
    }

    /// What browsers, curl and mail-like writers send, and RFC 2046 and 7578 allow.
    @Test(arguments: [
        ("--B  \r\n", "name=\"a\"", "\r\n--B--\r\n"), ("\r\n--B\r\n", "name=\"a\"", "\r\n--B--"),
        ("A form.\r\n--B\t\r\n", "name=\"a\"", "\r\n--B-- \r\nbye\r\n--B\r\n"),
        ("--BB\r\nno part\r\n--B\r\n", "name=\"a\"", "\r\n--B--\r\n"),
        ("--B\r\n", "name=\"a\";", "\r\n--B--\r\n"), ("--B\r\n", "\r\n name=\"a\"", "\r\n--B--\r\n"),
        ("--B\r\n", "name=\"a\"; filename=\"C:\\\"", "\r\n--B--\r\n"),
        ("--B\r\n", "filename=\"C:\\d\\\"; name=\"a\"", "\r\n--B--\r\n"),
        ("--B\r\n", "filename=\"a\\\"; name=b\"; name=\"a\"", "\r\n--B--\r\n"),
        ("--B\r\n", "filename=\"\u{301}a b.png\"; name=a", "\r\n--B--\r\n"),
        ("--B\r\n", "filename=\"\u{200D} a;b.png\" ; name = \"a\"", "\r\n--B--\r\n"),
        ("--B\r\n", "name=\"a\"; filename*=UTF-8''%e2%82%ac%20rates; filename=\"x\"", "\r\n--B--\r\n"),
        ("--B\r\nContent-Transfer-Encoding: BINARY\r\n", "name=\"a\"", "\r\n--B--\r\n"),
    ])
    func readsEveryWriter(_ beginning: String, _ parameters: String, _ end: String) throws {
        // A longer line that begins like the boundary is content.
        let content = "x\r\n--BB\r\n--B-\r\n--B -\r\r\n"
        let body = "\(beginning)Content-Disposition: form-data; \(parameters)\r\n\r\n\(content)\(end)"
        let parts = try FormPart.parse(Array(body.utf8), boundary: "B")
        #expect(parts.map(\.name) == ["a"] && parts.map(\.bytes) == [Array(content.utf8)])
    }

    /// A browser sends an empty file without a name where no file was chosen.
    @Test(arguments: [("", "", 0), ("a.png", "", 1), ("", "x", 1)])
    func aFileThatWasNotChosenIsNone(_ fileName: String, _ content: String, _ count: Int) throws {
        let body =
            "--B\r\nContent-Disposition: form-data; name=\"image\"; filename=\"\(fileName)\"\r\n\r\n\(content)\r\n"
        #expect(try FormPart.parse(Array((body + "--B--").utf8), boundary: "B").count == count)
    }

    @Test(arguments: [
        "name=\"a\"; name=\"a\"", "name=\"\"", "name=\"a", "filename=\"a\"", "na me=a", "=a", "name",
        "name=\"a\"\r\nContent-Disposition: form-data; name=\"a\"", "name=a\r\nno colon",
        "name=a\r\nContent-Transfer-Encoding: base64", "name=a\r\nX: \(String(repeating: "x", count: 8 << 10))",
    ])
    func refusesHeaders(_ parameters: String) {
        let body = "--B\r\nContent-Disposition: form-data; \(parameters)\r\n\r\nx\r\n--B--"
        #expect(throws: APIError.self) { try FormPart.parse(Array(body.utf8), boundary: "B") }
    }

    @Test func partsAreLimited() throws {
        let part = "--B\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n"
        for (count, isRead) in [(64, true), (65, false)] {
            let body = Array((String(repeating: part, count: count) + "--B--").utf8)
            #expect(((try? FormPart.parse(body, boundary: "B")) != nil) == isRead)
        }
    }

    @Test func survivesDamage() {
        var random = RandomBytes(seed: 3)
        for _ in 0..<5_000 {
            var bytes = Array(form.utf8)
            for _ in 0...random.next(below: 4) {
                bytes[random.next(below: bytes.count)] = UInt8(random.next(below: 256))
            }
            if let parts = try? FormPart.parse(bytes, boundary: "B") { _ = try? AskRequest(form: parts) }
        }
    }
}
