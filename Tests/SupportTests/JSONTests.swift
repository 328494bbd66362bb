import Support
import Testing

@Suite struct JSONTests {
    @Test(arguments: [
        ("{\"a\":[1,-2.5,1e2,true,null,\"x\"]}", "{\"a\":[1,-2.5,100.0,true,null,\"x\"]}"),
        (" [ ] ", "[]"), ("\"\\u00e9\\ud83d\\ude00\\/\"", "\"é😀/\""), ("9223372036854775807", "9223372036854775807"),
        ("\"\\u0085\\u2028\\u2029\\u0000\"", "\"\\u0085\\u2028\\u2029\\u0000\""),
    ])
    func acceptsAndWrites(_ input: String, _ output: String) throws {
        #expect(try JSON.parse(Array(input.utf8)).text == output)
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "{a:1}", "01", "1.", ".5", "+1", "1e", "NaN", "1e400",
        "9223372036854775808", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\n\"", "\"\\x\"", "tru", "1 2",
        "\u{FEFF}1", "'a'", "\"\\u12\"",
    ])
    func refuses(_ input: String) {
        #expect(throws: JSONSyntaxError.self) { try JSON.parse(Array(input.utf8)) }
    }

    @Test func refusesOtherEncodings() {
        #expect(throws: JSONSyntaxError.self) { try JSON.parse([0x22, 0xC3, 0x22]) }
        #expect(throws: JSONSyntaxError.self) { try JSON.parse([0x22, 0xED, 0xA0, 0x80, 0x22]) }
        #expect(throws: JSONSyntaxError.self) { try JSON.parse([0x22, 0x5C, 0x6E, 0xFF, 0x22]) }
    }

    @Test func nestsUpTo64Levels() {
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        #expect(throws: Never.self) { try JSON.parse(nested(64)) }
        #expect(throws: JSONSyntaxError.self) { try JSON.parse(nested(65)) }
        #expect(throws: JSONSyntaxError.self) { try JSON.parse(nested(1_000_000)) }
    }

    /// Two bytes may be a value of many times that size.
    @Test func valuesAndNamesAreCounted() {
        func ones(_ count: Int) -> [UInt8] { Array("[1\(String(repeating: ",1", count: count - 1))]".utf8) }
        #expect(throws: Never.self) { try JSON.parse(ones((1 << 20) - 1)) }
        #expect(throws: JSONSyntaxError.self) { try JSON.parse(ones(1 << 20)) }
        func names(_ count: Int) -> [UInt8] {
            Array("{\((0..<count).map { "\"\($0)\":1" }.joined(separator: ","))}".utf8)
        }
        #expect(throws: Never.self) { try JSON.parse(names(1 << 16)) }
        #expect(throws: JSONSyntaxError.self) { try JSON.parse(names((1 << 16) + 1)) }
    }

    @Test func integersBeyond64BitsAreRoundedOnDemand() throws {
        let bytes = Array("[18446744073709551615,7]".utf8)
        #expect(try JSON.parse(bytes, roundsLargeIntegers: true) == [.number(0x1p64), 7])
    }
}
