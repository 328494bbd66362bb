import Foundation
import Grammars
import Support
import Testing

@Suite struct SchemaTests {
    /// For each schema some texts that fit the grammar, and some that fit no instance.
    @Test(arguments: [
        (#"{"type":"integer"}"#, ["0", "-12"], ["1.5", "01", "\"1\"", " 1"]),
        (#"{"type":["string","null"]}"#, [#""a\n""#, "null"], ["1", #""\x""#, "\"\n\""]),
        (#"{"type":"integer","minimum":-3,"maximum":120}"#, ["-3", "0", "99", "120"], ["-4", "121", "1000", "-0"]),
        (#"{"type":"integer","exclusiveMinimum":9,"maximum":11}"#, ["10", "11"], ["9", "12"]),
        (
            #"{"type":"number","minimum":0.5,"exclusiveMaximum":2}"#, ["0.5", "1", "1.999"],
            ["0.4999", "2", "2.0", "0"]
        ),
        (#"{"type":"number","minimum":-1.25,"maximum":-0.5}"#, ["-1.25", "-0.5", "-1"], ["-1.26", "-0.4", "1"]),
        (#"{"type":"integer","multipleOf":7,"minimum":0,"maximum":100}"#, ["0", "7", "98"], ["1", "105"]),
        (#"{"type":"number","multipleOf":10}"#, ["10", "-20"], ["5", "10.5"]),
        (#"{"type":"integer","multipleOf":5000}"#, ["0", "-5000", "999995000"], ["1", "-500", "4999", "05000"]),
        (#"{"type":"integer","multipleOf":4999}"#, ["4999", "-9998", "499900000"], ["1", "5000", "49"]),
        (#"{"type":"integer","multipleOf":997,"minimum":1}"#, ["997", "1994"], ["0", "-997", "996"]),
        (
            #"{"type":"number","minimum":0.1234567891,"maximum":0.1234567892}"#, ["0.1234567891", "0.1234567892"],
            ["0.123456789", "0.1234567893", "0.12345678905"]
        ),
        (
            #"{"type":"number","exclusiveMinimum":0.1,"exclusiveMaximum":0.10000001}"#, ["0.100000001"],
            ["0.1", "0.10000001"]
        ),
        (
            #"{"type":"number","minimum":12345678.1234567,"maximum":12345678.1234568}"#, ["12345678.1234567"],
            ["12345678"]
        ),
        (
            #"{"type":"number","minimum":-0.0000000002,"exclusiveMaximum":0}"#, ["-0.0000000001"],
            ["0", "-0.0000000003"]
        ),
        (
            #"{"type":"integer","minimum":999999999999999}"#, ["999999999999999"],
            ["999999999999998", "1000000000000000"]
        ),
        (#"{"type":"integer","minimum":-9007199254740991,"maximum":9007199254740991}"#, ["-5", "7"], ["1e3"]),
        (#"{"enum":["a",1,null,{"b":[true,2.5]}]}"#, [#""a""#, "1", "null", #"{"b": [true,2.5]}"#], [#""b""#, "2"]),
        (#"{"type":"string","enum":["a",1]}"#, [#""a""#], ["1"]),
        (#"{"enum":["a","bb"],"maxLength":1}"#, [#""a""#], [#""bb""#]),
        (#"{"const":"\u0001\"é"}"#, [#""\u0001\"é""#], [#""""#]),
        (#"{"type":"string","minLength":2,"maxLength":3}"#, [#""é😀""#, #""\n\"b""#], [#""a""#, #""abcd""#]),
        (#"{"type":"string","pattern":"^a[0-9]+$"}"#, [#""a12""#], [#""a""#, #""xa1""#]),
        (#"{"type":"string","pattern":"^\\u0001[\\f\\v]$"}"#, [#""\u0001\f""#], [#""""#, #""\u0001""#]),
        (
            #"{"type":"string","pattern":"^[\\x00\\x1f]{2}$"}"#, [#""\u0000\u001f""#],
            [#""\u0001\u0002""#, #""aa""#]
        ),
        (#"{"type":"string","pattern":"b\"?"}"#, [#""xxbyy""#, #""b\"""#], [#""xx""#]),
        (#"{"type":"string","pattern":"^[a-z]+$","minLength":2,"maxLength":3}"#, [#""ab""#], [#""a""#, #""abcd""#]),
        (#"{"type":"string","format":"date"}"#, [#""2024-12-31""#], [#""2024-02-30""#, #""2024-13-01""#]),
        (
            #"{"type":"string","format":"ipv6"}"#, [#""::""#, #""::1:ab""#, #""1:2:3:4:5:6:7:8""#],
            [#"":1""#, #""1:2:3:4:5:6:7""#, #""::1:2:3:4:5:6:7:8""#]
        ),
        (#"{"type":"string","format":"ipv4"}"#, [#""10.0.255.1""#], [#""10.0.256.1""#]),
        (#"{"type":"array","items":{"type":"boolean"},"maxItems":2}"#, ["[]", "[true, false]"], ["[true,false,true]"]),
        (#"{"type":"array","items":{"type":"null"},"minItems":2}"#, ["[null,null]", "[null,null, null]"], ["[null]"]),
        (
            #"{"type":"array","prefixItems":[{"const":1},{"const":2}],"items":false}"#, ["[]", "[1]", "[1,2]"],
            ["[2]", "[1,2,3]"]
        ),
        (#"{"prefixItems":[{"const":1}],"items":{"const":2},"minItems":2}"#, ["[1,2]", "[1,2,2]"], ["[1]", "[1,1]"]),
        (#"{"type":"object"}"#, ["{}", #"{"a":[{}],"b": "c"}"#], ["[]", "{\"a\"}"]),
        (
            #"{"properties":{"a":{"type":"integer"},"b":{"type":"boolean"}},"required":["b"]}"#,
            [#"{"a": 1, "b": true}"#, #"{"b":false}"#], ["{}", #"{"a":1}"#, #"{"a":"1","b":true}"#]
        ),
        (#"{"properties":{},"additionalProperties":false}"#, ["{}"], [#"{"a":1}"#]),
        (
            #"{"properties":{"a":{},"ab":{}},"additionalProperties":{"type":"null"}}"#,
            [#"{"a":1, "x":null}"#, #"{"abc":null}"#, #"{"":null}"#], [#"{"x":1}"#, #"{"x":null,"a":1}"#]
        ),
        (
            #"{"required":["z"],"properties":{"a":{"const":1}},"additionalProperties":{"type":"null"}}"#,
            [#"{"a":1,"z":null}"#, #"{"z":null}"#], [#"{"a":1}"#, #"{"z":1}"#]
        ),
        (#"{"anyOf":[{"type":"integer"},{"type":"string","maxLength":1}]}"#, ["1", #""a""#], ["null", #""ab""#]),
        (
            #"{"oneOf":[{"properties":{"k":{"const":"a"}},"required":["k"],"type":"object"},{"properties":{"k":{"const":"b"},"v":{"type":"integer"}},"required":["k","v"],"type":"object"}]}"#,
            [#"{"k":"a"}"#, #"{"k":"b","v":1}"#], [#"{"k":"b"}"#, #"{"k":"c"}"#]
        ),
        (
            #"{"allOf":[{"properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"a":{"minimum":5}}}],"type":"object"}"#,
            [#"{"a":5}"#], [#"{"a":4}"#, "{}"]
        ),
        (
            ##"{"$defs":{"n":{"type":"object","properties":{"v":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}},"required":["v","next"]}},"$ref":"#/$defs/n"}"##,
            [#"{"v":1,"next":{"v":2,"next":null}}"#], [#"{"v":1,"next":{}}"#]
        ),
        (##"{"type":"array","items":{"$ref":"#"}}"##, ["[]", "[[],[[]]]"], ["[1]"]),
        (##"{"$ref":"#/definitions/a~1b%25","definitions":{"a/b%":{"const":1}}}"##, ["1"], ["2"]),
        (
            ##"{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/c"},"c":{"const":1}}}"##,
            ["1"],
            ["2"]
        ),
        (
            ##"{"type":"array","items":{"$ref":"#/$defs/a"},"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#"}}}"##,
            ["[]", "[[],[[]]]"], ["[1]"]
        ),
        (#"{"properties":{"a":false}}"#, ["{}"], [#"{"a":1}"#]),
        ("true", ["null", "[1]"], ["x"]),
    ])
    func enforcesKeywords(_ schema: String, fitting: [String], others: [String]) throws {
        let grammar = try Acceptance.schema(schema)
        for text in fitting { #expect(Acceptance.accepts(grammar, text), "\(text)") }
        for text in others { #expect(!Acceptance.accepts(grammar, text), "\(text)") }
        for seed in 0..<6 {
            let text = Acceptance.text(grammar, seed: UInt64(seed), checksMasks: seed == 0)
            // A free-form object may have a name twice, which Foundation allows.
            if let text {
                #expect(throws: Never.self) {
                    try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
                }
            }
        }
    }

    @Test(arguments: [
        (#"{"not":{}}"#, "not"), (#"{"type":"array","uniqueItems":true}"#, "uniqueItems"),
        (#"{"properties":{"a":{"patternProperties":{}}}}"#, "patternProperties"), (#"{"if":true}"#, "if"),
        (#"{"type":"number","multipleOf":0.01}"#, "multipleOf"), (#"{"type":"string","format":"iri"}"#, "format iri"),
        (#"{"type":"string","pattern":"(?!a)"}"#, "pattern"), (#"{"frobnicate":1}"#, "frobnicate"),
        (#"{"oneOf":[{"type":"integer"},{"type":"number"}]}"#, "oneOf"), (#"{"$ref":"http://x.test/a"}"#, "$ref"),
        (##"{"$ref":"#/$defs/a"}"##, "$ref"), (##"{"$ref":"#"}"##, "$ref leads back to itself"),
        ("false", "no text fits"),
        (#"{"type":"integer","minimum":3,"maximum":2}"#, "no text fits"), (#"{"type":"text"}"#, "type must be"),
        (#"{"minLength":-1}"#, "minLength"), (#"{"minLength":100001}"#, "at most 100000"),
        (#"{"type":"array","items":{"type":"integer"},"minItems":100001}"#, "at most 100000"),
        ("[]", "an object or a boolean"),
        (#"{"items":[{}]}"#, "prefixItems"), (#"{"required":["a"],"additionalProperties":false}"#, "no text fits"),
        (##"{"type":"array","items":{"$ref":"#"},"minItems":1}"##, "no text fits"),
        (
            ##"{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}"##,
            "leads back to itself"
        ),
        (#"{"type":"number","minimum":1e15}"#, "a bound of a number is beyond 15 digits"),
        (#"{"type":"integer","minimum":5000000000000000}"#, "a bound of a number is beyond 15 digits"),
        (#"{"type":"number","maximum":-1e300}"#, "a bound of a number is beyond 15 digits"),
        (
            #"{"type":"number","exclusiveMinimum":0.5,"exclusiveMaximum":0.5000000000000002}"#,
            "no number of 15 digits lies between the bounds"
        ),
    ])
    func refusesWhatIsNotEnforced(_ schema: String, _ reason: String) throws {
        let failure = #expect(throws: GrammarSourceError.self) { try Acceptance.schema(schema) }
        #expect(failure?.error.message.contains(reason) == true, "\(failure?.error.message ?? "")")
    }

    @Test func namesThePlaceOfAnError() throws {
        let failure = #expect(throws: GrammarSourceError.self) {
            try Acceptance.schema(#"{"properties":{"a":{"items":{"not":{}}}}}"#)
        }
        #expect(failure?.error.path == ".properties.a.items.not")
    }

    @Test func boundsOfHugeArraysAreCounted() throws {
        let grammar = try Acceptance.schema(#"{"type":"array","items":{"const":1},"minItems":9998,"maxItems":10000}"#)
        func text(_ count: Int) -> String { "[" + Array(repeating: "1", count: count).joined(separator: ",") + "]" }
        for count in [9_997, 10_001] { #expect(!Acceptance.accepts(grammar, text(count))) }
        for count in 9_998...10_000 { #expect(Acceptance.accepts(grammar, text(count))) }
    }

    @Test func nestsOnlyAsDeepAsEveryReaderCan() throws {
        let grammar = try Acceptance.schema(##"{"type":"array","items":{"$ref":"#"}}"##)
        #expect(Acceptance.accepts(grammar, String(repeating: "[", count: 100) + String(repeating: "]", count: 100)))
        var position = grammar.start()
        var depth = 0
        while position.advance(Int32(UInt8(ascii: "["))) { depth += 1 }
        #expect(depth < 200)
        // What was opened can still be closed.
        for _ in 0..<depth {
            let isClosed = position.advance(Int32(UInt8(ascii: "]")))
            #expect(isClosed)
        }
        #expect(position.isEnd)
    }

    @Test func aLargeSchemaCompilesFast() throws {
        let members = (0..<500).map { index in
            let kinds = [
                #"{"type":"string","maxLength":20}"#, #"{"type":"integer","minimum":0,"maximum":99}"#,
                #"{"enum":["a","b"]}"#,
            ]
            return "\"property_\(index)\":\(kinds[index % 3])"
        }
        let schema = try JSON.parse(
            Array("{\"type\":\"object\",\"properties\":{\(members.joined(separator: ","))}}".utf8))
        let time = ContinuousClock().measure {
            #expect(throws: Never.self) { _ = try Acceptance.compiler.compile(.jsonSchema(schema)) }
        }
        // A tenth of a second on a free core; tests may share theirs.
        #expect(time < .seconds(2))
    }

    /// A vocabulary without some bytes: what needs them is left out, and a schema that cannot do without is refused.
    @Test func asksOnlyForBytesThatHaveATokenEach() throws {
        let compiler = GrammarCompiler(TokenVocabulary((0..<128).map { [UInt8($0)] }))
        let either = try compiler.compile(.regex("é|e"))
        #expect(Acceptance.accepts(either, "e"))
        #expect(throws: GrammarSourceError.self) { try compiler.compile(.regex("é")) }
    }

    @Test func aDroppedFirstBlankIsNoPartOfTheText() throws {
        let texts = ["a", " a", " ", "b"].map { Array($0.utf8) }
        let grammar = try GrammarCompiler(TokenVocabulary(texts, dropsFirstSpace: true)).compile(.regex("aa"))
        var position = grammar.start()
        var mask = position.mask()
        #expect([0, 1, 2].allSatisfy { mask.contains($0) } && !mask.contains(3))
        let isAdvanced = position.advance(1)
        #expect(isAdvanced)
        mask = position.mask()
        #expect(mask.contains(0) && !mask.contains(1) && !mask.contains(2))
    }
}
