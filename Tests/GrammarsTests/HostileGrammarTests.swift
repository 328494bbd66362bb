import Grammars
import Support
import Testing

/// Sources that are written to take long are refused, or take little. What they may take is counted, so these tests
/// look at no clock: without the limits most of them would run for minutes.
@Suite struct HostileGrammarTests {
    private func expectTooMuchWork(_ source: GrammarSource) {
        let failure = #expect(throws: GrammarSourceError.self) { try Acceptance.compiler.compile(source) }
        #expect(failure?.error.message.contains("it takes too much work") == true, "\(failure?.error.message ?? "")")
    }

    private func list(_ count: Int, _ element: (Int) -> String) -> String {
        (0..<count).map(element).joined(separator: ",")
    }

    private func schema(_ text: String) throws -> GrammarSource { .jsonSchema(try JSON.parse(Array(text.utf8))) }

    /// Lengths that exceed every integer.
    @Test func repetitionsOfRepetitionsDoNotOverflow() throws {
        let pattern = (0..<20).reduce("a") { pattern, _ in "(\(pattern){100000})" }
        let grammar = try Acceptance.compiler.compile(.regex(pattern))
        #expect(!Acceptance.accepts(grammar, "a"))
        for bounds in [#""maxLength":9"#, #""minLength":2147483647"#] {
            let text = #"{"type":"string","pattern":"^\#(pattern)$",\#(bounds)}"#
            _ = try? Acceptance.compiler.compile(try schema(text))
        }
        #expect(throws: GrammarSourceError.self) {
            try Acceptance.compiler.compile(try schema(#"{"pattern":"^\#(pattern)$","maxLength":9}"#))
        }
    }

    @Test func manyEmptyPartsAreRefused() {
        expectTooMuchWork(.regex("(" + String(repeating: "()", count: 20_000) + "){512}"))
    }

    /// Pairs of values: 200 sets of 200 are 800 million.
    @Test func comparisonsOfManyValuesAreRefused() throws {
        let enums = list(200) { index in "{\"enum\":[\(list(200) { "\"v\($0 + 1_000 * index)\"" })]}" }
        expectTooMuchWork(try schema("{\"oneOf\":[\(enums)]}"))
        let objects = list(400) { index in "{\(list(400) { "\"a\(($0 + index) % 400)\":\($0)" })}" }
        expectTooMuchWork(try schema("{\"allOf\":[{\"enum\":[\(objects)]},{\"enum\":[\(objects)]}]}"))
    }

    @Test func unionsOfUnionsAreRefused() throws {
        let choices = list(40) { index in
            "{\"oneOf\":[\(list(40) { "{\"oneOf\":[{\"const\":\"v\($0 + 100 * index)\"},{\"const\":1}]}" })]}"
        }
        expectTooMuchWork(try schema("{\"oneOf\":[\(choices)]}"))
        let pairs = list(30) { "{\"anyOf\":[{\"required\":[\"a\($0)\"]},{\"required\":[\"b\($0)\"]}]}" }
        #expect(throws: GrammarSourceError.self) {
            try Acceptance.compiler.compile(try schema("{\"allOf\":[\(pairs)]}"))
        }
    }

    @Test func longNamesAndManyReferencesAreRefused() throws {
        let name = String(repeating: "n", count: 500_000)
        let members = list(9_000) { "\"b\($0)\":{}" }
        expectTooMuchWork(try schema("{\"properties\":{\"\(name)\":{\"properties\":{\(members)}}}}"))
        let definitions = list(5_000) { "\"a\($0)\":{\"$anchor\":\"x\($0)\",\"type\":\"null\"}" }
        let references = list(5_000) { "\"b\($0)\":{\"$ref\":\"#x\($0)\"}" }
        expectTooMuchWork(try schema("{\"$defs\":{\(definitions)},\"properties\":{\(references)}}"))
    }

    /// Schemas that refer to each other in a row, each inside the one before. No thread's stack would hold them.
    @Test func longChainsOfReferencesAreNoDeepRecursion() throws {
        let many = list(12_000) { "{\"items\":{\"$ref\":\"#/x-list/\($0 + 1)\"}}" }
        let long = try Acceptance.compiler.compile(
            try schema("{\"x-list\":[\(many),{\"const\":1}],\"$ref\":\"#/x-list/0\"}"))
        #expect(Acceptance.accepts(long, "[[[]],[]]"))
        let few = list(100) { "{\"items\":{\"$ref\":\"#/x-list/\($0 + 1)\"},\"minItems\":1}" }
        let grammar = try Acceptance.compiler.compile(
            try schema("{\"x-list\":[\(few),{\"const\":1}],\"$ref\":\"#/x-list/0\"}"))
        func nested(_ count: Int) -> String {
            String(repeating: "[", count: count) + "1" + String(repeating: "]", count: count)
        }
        #expect(Acceptance.accepts(grammar, nested(100)))
        #expect(!Acceptance.accepts(grammar, nested(99)))
    }

    /// A name of many characters is no deep recursion.
    @Test func aLongNameBesideOthersIsLeftOut() throws {
        let name = String(repeating: "n", count: 5_000)
        let grammar = try Acceptance.compiler.compile(
            try schema(
                "{\"properties\":{\"\(name)\":{\"type\":\"null\"}},\"additionalProperties\":{\"type\":\"null\"}}"))
        #expect(Acceptance.accepts(grammar, "{\"\(name)n\":null}"))
        #expect(Acceptance.accepts(grammar, "{\"\(name)\":null, \"n\":null}"))
        #expect(!Acceptance.accepts(grammar, "{\"n\":null, \"\(name)\":null}"))
    }

    /// Values of a long list share their beginnings, and all of them stay.
    @Test func aLongListOfValuesIsEnforced() throws {
        let grammar = try Acceptance.compiler.compile(try schema("{\"enum\":[\(list(10_000) { "\"v\($0)\",\($0)" })]}"))
        for text in ["\"v0\"", "\"v9999\"", "9999", "77"] { #expect(Acceptance.accepts(grammar, text), "\(text)") }
        for text in ["\"v10000\"", "10000", "\"v"] { #expect(!Acceptance.accepts(grammar, text), "\(text)") }
    }

    /// Rules that match the empty text in 2^40 ways, at the beginning and behind a byte.
    @Test(arguments: ["", "\"z\" | "]) func manyWaysToMatchNothingAreNotFollowed(_ other: String) throws {
        let rules = (0..<40).map { "a\($0) ::= a\($0 + 1) a\($0 + 1)\n" }.joined() + "a40 ::= \(other)\"\"\n"
        let first = try Acceptance.compiler.compile(.grammar("root ::= a0 \"y\"\n" + rules))
        #expect(Acceptance.accepts(first, "y") && !Acceptance.accepts(first, "x"))
        let later = try Acceptance.compiler.compile(.grammar("root ::= \"x\" a0 \"y\"\n" + rules))
        #expect(Acceptance.accepts(later, "xy") && !Acceptance.accepts(later, "x"))
        #expect(Acceptance.accepts(later, "xzzzy") == !other.isEmpty)
    }

    /// The same where the only text lies deeper than the stack may be.
    @Test func whatIsTooDeepIsNotFollowed() throws {
        let rules =
            (0..<40).map { "a\($0) ::= a\($0 + 1) a\($0 + 1)\n" }.joined() + "a40 ::= b0 | \"\"\n"
            + (0..<170).map { "b\($0) ::= b\($0 + 1) \"-\"\n" }.joined() + "b170 ::= \"z\"\n"
        let grammar = try Acceptance.compiler.compile(.grammar("root ::= \"x\" a0 \"y\"\n" + rules))
        #expect(Acceptance.accepts(grammar, "xy") && !Acceptance.accepts(grammar, "xz-y"))
    }

    /// Thousands of rules, each of which depends on the next.
    @Test func chainsOfRulesAreReadOnce() throws {
        func chain(_ count: Int, _ last: String) -> GrammarSource {
            let rules = (0..<count).map { "a\($0) ::= a\($0 + 1)\n" }.joined()
            return .grammar("root ::= \"x\" a0 \"y\"\n\(rules)a\(count) ::= \(last)\n")
        }
        #expect(Acceptance.accepts(try Acceptance.compiler.compile(chain(100, "\"\"")), "xy"))
        let failure = #expect(throws: GrammarSourceError.self) {
            try Acceptance.compiler.compile(chain(5_000, "\"z\""))
        }
        #expect(failure?.error.message.contains("rules inside each other") == true)
    }

    /// Ambiguous texts, and machines with very many states: every mask comes, and what it allows is taken.
    @Test(arguments: [
        "(a|b)*a(a|b){500}", "((a|a)*|(a|a)*|[a-z]*|.*)*", "(([a-z]{1,1000}){1,1000}){1,1000}",
        "((([a-z ]|[a-c]{2}|.{3}){0,700}x?){0,700}y?){0,700}",
        (0..<5_000).map { "[\(Character(Unicode.Scalar(97 + UInt8($0 % 25))))z]?" }.joined(),
    ])
    func masksOfAmbiguousTextsAreFound(_ pattern: String) throws {
        _ = Acceptance.text(try Acceptance.compiler.compile(.regex(pattern)), seed: 1, limit: 30)
    }
}
