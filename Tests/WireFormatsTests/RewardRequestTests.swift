import Testing
import WireFormats

@Suite struct RewardRequestTests {
    private func request(_ fields: String) throws(APIError) -> RewardRequest {
        try RewardRequest(body: Array("{\(fields)}".utf8))
    }

    @Test func theDialogueComesInTwoForms() throws {
        let short = try request(
            #""question":"What?","images":["data:,a","data:,b"],"detail":"low","answers":["a",""]"#)
        let images = (0..<2).map { index in
            DialogueMessage.Part.image(
                ImageReference(source: .url(["data:,a", "data:,b"][index]), detail: .low, param: "images[\(index)]"))
        }
        #expect(short.messages == [DialogueMessage(role: .user, parts: images + [.text("What?")])])
        #expect(short.param == "question" && short.answers == ["a", ""] && short.model == nil)
        let whole = try request(
            #""model":"reward","messages":[{"role":"system","content":"s"},{"role":"user","content":"u"}],"answers":["x"]"#
        )
        #expect(whole.messages.map(\.role) == [.system, .user] && whole.param == "messages")
        #expect(whole.model == "reward")
    }

    @Test(arguments: [
        (#""answers":["a"]"#, APIError.Code.missingParameter, "question"),
        (#""question":"","answers":["a"]"#, .invalidValue, "question"),
        (#""question":"q""#, .missingParameter, "answers"), (#""question":"q","answers":[]"#, .invalidValue, "answers"),
        (#""question":"q","answers":"a""#, .invalidType, "answers"),
        (#""question":"q","answers":["a",1]"#, .invalidType, "answers[1]"),
        (#""question":"q","answers":["a"],"seed":1"#, .unknownParameter, "seed"),
        (#""question":"q","images":[1],"answers":["a"]"#, .invalidType, "images[0]"),
        (#""question":"q","detail":"best","answers":["a"]"#, .invalidValue, "detail"),
        (#""messages":[{"role":"user","content":"u"}],"question":"q","answers":["a"]"#, .invalidValue, "question"),
        (#""messages":[{"role":"user","content":"u"}],"detail":"low","answers":["a"]"#, .invalidValue, "detail"),
        (#""messages":[],"answers":["a"]"#, .invalidValue, "messages"),
        (#""messages":[{"role":"user"}],"answers":["a"]"#, .missingParameter, "messages[0].content"),
    ])
    func refusesFields(_ fields: String, _ code: APIError.Code, _ param: String) {
        let error = #expect(throws: APIError.self) { try request(fields) }
        #expect(error?.code == code && error?.param == param && error?.status == 400)
    }

    @Test func countsAnswers() throws {
        func body(_ count: Int) -> String {
            #""question":"q","answers":["# + Array(repeating: "\"a\"", count: count).joined(separator: ",") + "]"
        }
        #expect(try request(body(64)).answers.count == 64)
        #expect(throws: APIError.self) { try request(body(65)) }
    }

    @Test(arguments: [
        (#""best_of":0"#, APIError.Code.invalidValue, "best_of"), (#""best_of":17"#, .invalidValue, "best_of"),
        (#""best_of":true"#, .invalidType, "best_of"), (#""scores":1"#, .invalidType, "scores"),
    ])
    func askRefusesScoring(_ field: String, _ code: APIError.Code, _ param: String) {
        let error = #expect(throws: APIError.self) { try AskRequest(body: Array("{\"question\":\"q\",\(field)}".utf8)) }
        #expect(error?.code == code && error?.param == param)
    }

    @Test func askTakesScoring() throws {
        let request = try AskRequest(body: Array(#"{"question":"q","best_of":16.0,"scores":true}"#.utf8))
        #expect(request.options.count == 16 && request.wantsScores)
        let form = [
            FormPart(name: "question", bytes: Array("q".utf8)), FormPart(name: "best_of", bytes: Array("3".utf8)),
        ]
        #expect(try AskRequest(form: form).options.count == 3)
        #expect(try !AskRequest(form: form).wantsScores)
    }
}
