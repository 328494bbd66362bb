import Grammars
import Support
import Testing

@Suite struct ToolGrammarTests {
    private func grammar(_ alternative: ToolGrammar.Alternative, calls: Int = 2) throws -> TokenGrammar {
        let place: JSON = ["type": "object", "properties": ["place": ["type": "string"]], "required": ["place"]]
        let functions = [
            ToolGrammar.Function(name: "weather", parameters: place),
            ToolGrammar.Function(name: "now", parameters: ["type": "object", "properties": [:]]),
        ]
        return try Acceptance.compiler.compile(
            .tools(ToolGrammar(functions: functions, alternative: alternative, maximumCalls: calls)))
    }

    private let weather = "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"place\": \"Oslo\"}}\n</tool_call>"
    private let now = "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>"

    @Test func requiredCallsFitTheirSchemas() throws {
        let grammar = try grammar(.none)
        #expect(Acceptance.accepts(grammar, weather))
        #expect(Acceptance.accepts(grammar, now + "\n" + weather))
        let others = [
            "", "Hello", now + "\n" + now + "\n" + now, "Hello" + now, weather.replacing("place", with: "where"),
            now.replacing("now", with: "then"), now.replacing("{}", with: "{\"a\":1}"),
        ]
        for text in others { #expect(!Acceptance.accepts(grammar, text), "\(text)") }
    }

    @Test func freeTextMayLeadToACall() throws {
        let grammar = try grammar(.text)
        for text in ["", "Hello <tool> <<tool_cal", "Let me see.\n" + now, "<" + weather + "\n" + now] {
            #expect(Acceptance.accepts(grammar, text), "\(text)")
        }
        for text in ["<tool_call>", "a <tool_call> b", now + "Hello", now + "\n" + now + "\n" + now] {
            #expect(!Acceptance.accepts(grammar, text), "\(text)")
        }
        for seed: UInt64 in 0..<3 { _ = Acceptance.text(grammar, seed: seed, limit: 40, checksMasks: true) }
    }

    @Test func argumentsAreObjectsWhateverTheSchemaSays() throws {
        func compiled(_ parameters: JSON) throws -> TokenGrammar {
            let function = ToolGrammar.Function(name: "now", parameters: parameters)
            let calls = ToolGrammar(functions: [function], alternative: .none, maximumCalls: 1)
            return try Acceptance.compiler.compile(.tools(calls))
        }
        for open: JSON in [[:], true, ["type": ["object", "string"]], ["enum": [1, [:]]]] {
            let grammar = try compiled(open)
            #expect(Acceptance.accepts(grammar, now), "\(open.text)")
            for other in ["[1]", "1", "\"a\""] {
                #expect(!Acceptance.accepts(grammar, now.replacing("{}", with: other)), "\(open.text) \(other)")
            }
        }
        for closed: JSON in [["type": "string"], ["type": "array"], ["enum": [1]], false] {
            #expect(throws: GrammarSourceError.self, "\(closed.text)") { try compiled(closed) }
        }
    }

    @Test func anAnswerOfAFormMayBeACallInstead() throws {
        let grammar = try grammar(.form(.regex("yes|no")))
        for text in ["yes", now] { #expect(Acceptance.accepts(grammar, text)) }
        for text in ["maybe", "yes" + now] { #expect(!Acceptance.accepts(grammar, text)) }
    }
}
