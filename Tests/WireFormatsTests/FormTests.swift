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
        ("multipart/form-data; boundary=B", "B"), ("Multipart/Form-Data;boundary=\"a b\"", nil),
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
        #expect(throws: APIError.self) { try FormPart.parse(bytes + [0x61], boundary: "B") }
        #expect(throws: APIError.self) { try FormPart.parse([0x61] + bytes, boundary: "B") }
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
