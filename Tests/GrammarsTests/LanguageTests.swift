import Grammars
import Testing

@Suite struct LanguageTests {
    @Test(arguments: [
        (#"[a-c]{2,3}(x|yz)?"#, ["ab", "abc", "abx", "cccyz"], ["a", "abcd", "aby", "abxyz"]),
        (#"^\d+\.\d{2}$"#, ["1.25", "007.00"], ["1.2", ".25", "1.255", "x1.25"]),
        (#"(?:é|日本|😀)+"#, ["é", "日本😀"], ["", "日", "e"]),
        (#"[^"\\\n]*"#, ["", "abc é"], ["\"", "\n"]),
        (#"\u0041\x42\t\-[\]x]"#, ["AB\t-]", "AB\t-x"], ["AB\t-y"]),
        (#"a{0,100000}b"#, ["b", "aaab"], ["a", "aac"]),
        (#"(a|b|ab){2,}"#, ["ab", "abab", "bbb"], ["a", ""]),
        (#"(a?){3}b"#, ["b", "ab", "aaab"], ["aaaab"]),
        (#"x*?y+?"#, ["y", "xxyy"], ["x"]),
        (#"{,3}"#, ["{,3}"], [""]),
        (#"[[:][.=]*"#, ["[", ":", "[.="], ["a"]),
        (#"(one|on|two|é|e)!"#, ["one!", "on!", "two!", "é!", "e!"], ["o!", "ontwo!", "!"]),
    ])
    func regularExpressionsMatchTheWholeText(_ pattern: String, fitting: [String], others: [String]) throws {
        let grammar = try Acceptance.compiler.compile(.regex(pattern))
        for text in fitting { #expect(Acceptance.accepts(grammar, text), "\(text)") }
        for text in others { #expect(!Acceptance.accepts(grammar, text), "\(text)") }
    }

    @Test(arguments: [
        #"(?=a)"#, #"(a)\1"#, #"a**"#, #"(a"#, #"a)"#, #"[a"#, #"[b-a]"#, #"a{2,1}"#, #"a{100001}"#, #"\p{L}"#, #"a^b"#,
        #"$a"#, #"\bword"#, #"a{99999999999999999999}"#, #"[[:alpha:]]"#, #"[a[.x.]]"#, #"[[=x=]]"#, #"[:digit:]"#,
        #"*"#, #"\"#, #"[^\x00-\U]"#,
    ])
    func otherExpressionsAreRefused(_ pattern: String) {
        #expect(throws: GrammarSourceError.self) { try Acceptance.compiler.compile(.regex(pattern)) }
    }

    @Test func countsManyRepetitionsExactly() throws {
        let grammar = try Acceptance.compiler.compile(.regex("(?:xy){900,1000}"))
        func text(_ count: Int) -> String { String(repeating: "xy", count: count) }
        for count in [899, 1_001] { #expect(!Acceptance.accepts(grammar, text(count))) }
        for count in [900, 931, 932, 963, 999, 1_000] { #expect(Acceptance.accepts(grammar, text(count)), "\(count)") }
    }

    @Test func countsRepetitionsInsideRepetitionsExactly() throws {
        let grammar = try Acceptance.compiler.compile(.regex("(a{1000}){10}"))
        for count in [1_000, 9_000, 9_999, 10_001] {
            #expect(!Acceptance.accepts(grammar, String(repeating: "a", count: count)))
        }
        #expect(Acceptance.accepts(grammar, String(repeating: "a", count: 10_000)))
    }

    /// Errors name the character at fault, counted from 1.
    @Test(arguments: [
        (#"ab(?=c)"#, 3), (#"a**"#, 3), (#"ab(c"#, 3), (#"ab)c"#, 3), (#"é[ab"#, 2), (#"[ab-\d]"#, 3), (#"x[b-a]"#, 3),
        (#"aa{2,1}"#, 3), (#"a{100001}"#, 2), (#"ab\p{L}"#, 3), (#"*"#, 1), (#"a\"#, 2), (#"\x0g"#, 4),
        (#"a[[:alpha:]]"#, 3),
        (#"a[\ud800]"#, 3),
    ])
    func errorsNameTheCharacter(_ pattern: String, _ place: Int) {
        let failure = #expect(throws: GrammarSourceError.self) { try Acceptance.compiler.compile(.regex(pattern)) }
        #expect(failure?.error.message.hasSuffix(", at character \(place)") == true, "\(failure?.error.message ?? "")")
    }

    private static let json = #"""
        # JSON of nested values
        root   ::= ws value ws
        value  ::= object | array | string | number | ("true" | "false" | "null")
        object ::= "{" ws ( pair ("," ws pair)* )? "}" ws
        pair   ::= string ":" ws value
        array  ::=
          "[" ws (
                value
            ("," ws value)*
          )? "]" ws
        string ::= "\"" ( [^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4}) )* "\"" ws
        number ::= "-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]+)? ws
        ws     ::= ([ \t\n] ws)?
        """#

    private static let moves = #"""
        root ::= "1. " move " " move "\n" ([1-9] [0-9]? ". " move " " move "\n")*
        move ::= (pawn | piece | castle) [+#]?
        piece ::= [NBKQR] [a-h]? [1-8]? "x"? [a-h] [1-8]
        pawn ::= ([a-h] "x")? [a-h] [1-8] ("=" [NBKQR])?
        castle ::= "O-O" "-O"?
        """#

    private static let sums = #"""
        root  ::= (expr "=" ws term "\n")+
        expr  ::= term ([-+*/] term)*
        term  ::= ident | num | "(" ws expr ")" ws
        ident ::= [a-z] [a-z0-9_]* ws   # a name
        num   ::= [0-9]+ ws
        ws    ::= [ \t\n]*
        """#

    @Test(arguments: [
        (
            json, [#"{"a": [1, -2.5, {"b": "\u00e9\n"}], "": null}"#, "[]", " \n0"],
            [#"{"a":}"#, "[1,]", "01", #""\x""#]
        ),
        (moves, ["1. e4 e5\n", "1. e4 e5\n2. Nf3 Nc6\n12. O-O-O Qxd4#\n"], ["1. e4\n", "1. e9 e5\n", "2. e4 e5\n"]),
        (sums, ["a +1 = 2\n", "(x*y)/3=z_1 \nq=1\n"], ["a + = 2\n", "(a=1\n", "="]),
        ("root ::= \"a\" root?", ["a", String(repeating: "a", count: 2_000)], ["", "b"]),
        ("root ::= [ぁ-ゟ]+ | .\n", ["ひら", "x", "😀"], ["ひx", "xx"]),
        ("root ::= a{2,3} \"!\"\na ::= \"x\" | \"y\"\n", ["xy!", "xxx!"], ["x!", "xxxx!"]),
    ])
    func grammarsInGBNFAreFollowed(_ source: String, fitting: [String], others: [String]) throws {
        let grammar = try Acceptance.compiler.compile(.grammar(source))
        for text in fitting { #expect(Acceptance.accepts(grammar, text), "\(text)") }
        for text in others { #expect(!Acceptance.accepts(grammar, text), "\(text)") }
        for seed in 0..<4 { _ = Acceptance.text(grammar, seed: UInt64(seed), limit: 60, checksMasks: true) }
    }

    @Test(arguments: [
        ("", "there is no rule root"), ("root ::= x", "the rule x is not defined"),
        ("root ::= root \"a\" | \"b\"", "left recursion"), ("root ::= a\na ::= b?  root", "not defined"),
        ("root ::= a\na ::= b root | \"x\"\nb ::= \"y\"?", "left recursion"),
        ("root ::= \"a", "line 1: a text without closing quote"), ("root ::= \"a\"\n\nroot ::= \"b\"", "line 3"),
        ("root ::= [b-a]", "out of order"), ("root = x", "expected ::="), ("root ::= a\na ::= \"x\" a", "no text fits"),
        ("root ::= \"a\"{99999999999}", "more than 100000 repetitions"),
        ("root ::= \"a\"*****", "more than 4 repetitions behind each other"),
    ])
    func brokenGrammarsAreRefusedWithTheirLine(_ source: String, _ reason: String) throws {
        let failure = #expect(throws: GrammarSourceError.self) { try Acceptance.compiler.compile(.grammar(source)) }
        #expect(failure?.error.message.contains(reason) == true, "\(failure?.error.message ?? "")")
    }

    /// What would take much memory is refused before it is taken, or is counted instead of written out.
    @Test(arguments: [
        "((((a{1000}b?){1000}c?){1000}d?){1000}e?){1000}", "(((é|ü|[^x]{90000}){90000}|y){90000}){90000}",
        String(repeating: "(", count: 100) + String(repeating: ")", count: 100), "[a-z]{100000}[0-9]{0,100000}",
        "((a|b)(a|b){40}){20}",
    ])
    func greedyExpressionsTakeLittle(_ pattern: String) {
        let clock = ContinuousClock()
        let time = clock.measure {
            guard let grammar = try? Acceptance.compiler.compile(.regex(pattern)) else { return }
            _ = Acceptance.text(grammar, seed: 1, limit: 50)
        }
        #expect(time < .seconds(5))
    }
}
