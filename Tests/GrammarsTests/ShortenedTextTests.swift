import Grammars
import Support
import Testing

/// Texts that reach their limit come to an end that the grammar allows.
@Suite struct ShortenedTextTests {
    /// Draws texts with no more tokens than the shortest text has bytes, and with a few more.
    private func check(_ grammar: TokenGrammar, shortest: String, _ isRight: (String) -> Bool = { _ in true }) {
        #expect(Acceptance.accepts(grammar, shortest))
        for tokens in [0, 1, 2, 7, 40].map({ shortest.utf8.count + $0 }) {
            for seed: UInt64 in 0..<8 {
                guard let text = Acceptance.shortened(grammar, seed: seed, tokens: tokens) else {
                    Issue.record("no end within \(tokens) tokens, of which \(shortest) would be one")
                    continue
                }
                #expect(Acceptance.accepts(grammar, text) && isRight(text), "\(text)")
            }
        }
    }

    @Test(arguments: [
        (
            ##"""
            {"type": "object", "required": ["a", "b"], "properties": {
              "a": {"type": "string"}, "b": {"type": "array", "items": {"type": "string"}}}}
            """##, #"{"a":"","b":[]}"#
        ),
        (
            ##"{"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "minLength": 7}}}"##,
            #"{"a":"1234567"}"#
        ),
        (
            ##"{"type": "array", "items": {"enum": ["alpha", "be"]}, "minItems": 3, "maxItems": 900}"##,
            #"["be","be","be"]"#
        ),
        (
            ##"{"type": "array", "items": {"type": "boolean"}, "minItems": 700, "maxItems": 900}"##,
            "[\(Array(repeating: "true", count: 700).joined(separator: ","))]"
        ),
        (
            ##"{"anyOf": [{"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}, {"type": "null"}]}"##,
            "null"
        ),
        (##"{"type": "string", "pattern": "^[a-z]{3}-(x|yz){2,80}$"}"##, #""abc-xx""#),
        (##"{"type": "string", "format": "date"}"##, #""2020-02-02""#),
        (##"{"type": "number"}"##, "0"),
    ])
    func aTextOfASchemaEndsInTime(schema: String, shortest: String) throws {
        check(try Acceptance.schema(schema), shortest: shortest) { (try? JSON.parse(Array($0.utf8))) != nil }
    }

    @Test(
        arguments: [
            (.jsonObject, "{}"), (.regex("[a-z]+(, [a-z]+)*!"), "a!"),
            (.regex("(Yes|No)(, (Yes|No))*"), "No"),
            (.regex("(é|漢){5}x{100,2000}"), "ééééé" + String(repeating: "x", count: 100)),
            (.grammar("root ::= \"(\" root \")\" | [0-9]+ \";\""), "1;"),
            // Items and their ends may be empty in part.
            (
                .grammar("root ::= sign item{60,4000} end\nsign ::= \"-\"?\nitem ::= sign [a-f]+\nend ::= \".\" sign"),
                String(repeating: "a", count: 60) + "."
            ),
        ] as [(GrammarSource, String)])
    func aTextOfAGrammarEndsInTime(source: GrammarSource, shortest: String) throws {
        check(try Acceptance.compiler.compile(source), shortest: shortest)
    }

    /// Half of a call could do something else than the whole one.
    @Test func callsOfFunctionsAreNotShortened() throws {
        let schema: JSON = ["type": "object", "required": ["path"], "properties": ["path": ["type": "string"]]]
        let tools = ToolGrammar(
            functions: [.init(name: "remove", parameters: schema)], alternative: .none, maximumCalls: 1)
        let call = "<tool_call>\n{\"name\": \"remove\", \"arguments\": {\"path\": \"/home"
        for (source, text, isShortened) in [
            (.tools(tools), call, false), (.jsonSchema(schema), "{\"path\": \"/home", true),
        ] as [(GrammarSource, String, Bool)] {
            var position = try Acceptance.compiler.compile(source).start()
            for byte in text.utf8 {
                let fits = position.advance(Int32(byte))
                #expect(fits)
            }
            let after = position.advanced(by: Int32(UInt8(ascii: "/")))
            let next = try #require(after)
            let masks = (0..<40).compactMap { position.endingMask(insteadOf: next, tokens: $0) }
            #expect(masks.isEmpty != isShortened)
        }
    }
}
