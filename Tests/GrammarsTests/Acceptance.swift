import Grammars
import Support
import Testing

/// Vocabularies for tests, and texts that follow a grammar.
enum Acceptance {
    /// All bytes, and tokens that lie across the parts of JSON and of calls.
    static let texts: [[UInt8]] =
        (0..<256).map { [UInt8($0)] }
        + [
            "hello", " the", "\", \"", "\":", "\": \"", "ab", "{\"", "\"}", "</", "<tool", "_call>", "\"],", "12", "1,",
            "é", "a\"", "aaaa", "true", "\\n", " ",
        ].map { Array($0.utf8) }

    static let compiler = GrammarCompiler(TokenVocabulary(texts))

    /// Whether a text follows the grammar, read byte by byte.
    static func accepts(_ grammar: TokenGrammar, _ text: String) -> Bool {
        var position = grammar.start()
        for byte in text.utf8 { guard position.advance(Int32(byte)) else { return false } }
        return position.isEnd
    }

    /// The grammar of a schema.
    static func schema(_ text: String) throws -> TokenGrammar {
        try compiler.compile(.jsonSchema(try JSON.parse(Array(text.utf8))))
    }

    /// A text of the grammar, drawn token by token; nil if it has no end after `limit` tokens. Closing tokens are
    /// likelier than others.
    static func text(_ grammar: TokenGrammar, seed: UInt64, limit: Int = 400, checksMasks: Bool = false) -> String? {
        var random = SplitMix64(seed: seed)
        var position = grammar.start()
        var text: [UInt8] = []
        for step in 0..<limit {
            let mask = position.mask()
            var ids = texts.indices.filter { mask.contains(Int32($0)) }
            if checksMasks { check(mask, at: position) }
            if position.isEnd, ids.isEmpty || random.next() % 3 == 0 { return String(decoding: text, as: UTF8.self) }
            guard !ids.isEmpty else {
                Issue.record("nothing may follow \(String(decoding: text, as: UTF8.self))")
                return nil
            }
            let closing = ids.filter { isClosing(texts[$0]) }
            if !closing.isEmpty, step > 100 || random.next() % 3 == 0 { ids = closing }
            let id = ids[Int(random.next() % UInt64(ids.count))]
            let isAdvanced = position.advance(Int32(id))
            #expect(isAdvanced)
            text += texts[id]
        }
        return nil
    }

    /// A text of at most `tokens` tokens, drawn as the engine does; nil if it is not complete then. Tokens that end
    /// nothing are likelier than others.
    static func shortened(_ grammar: TokenGrammar, seed: UInt64, tokens: Int) -> String? {
        var random = SplitMix64(seed: seed)
        var position = grammar.start()
        var text: [UInt8] = []
        func draw(_ mask: TokenMask) -> Int32? {
            let ids = texts.indices.filter { mask.contains(Int32($0)) }
            let open = ids.filter { !isClosing(texts[$0]) }
            let chosen = open.isEmpty || random.next() % 4 == 0 ? ids : open
            return chosen.isEmpty ? nil : Int32(chosen[Int(random.next() % UInt64(chosen.count))])
        }
        for left in (0..<tokens).reversed() {
            guard var token = draw(position.mask()), var next = position.advanced(by: token) else { break }
            if let mask = position.endingMask(insteadOf: next, tokens: left) {
                if mask.isEmpty { break }
                guard let other = draw(mask), let position = position.advanced(by: other) else {
                    Issue.record("no token of the mask fits")
                    return nil
                }
                (token, next) = (other, position)
            }
            text += texts[Int(token)]
            position = next
        }
        return position.isEnd ? String(decoding: text, as: UTF8.self) : nil
    }

    private static func isClosing(_ text: [UInt8]) -> Bool {
        ["\"", "}", "]", ">"].contains(text.last.map { Character(Unicode.Scalar($0)) })
    }

    /// A mask has exactly the tokens whose bytes may follow.
    private static func check(_ mask: TokenMask, at position: TokenPosition) {
        for id in texts.indices {
            var next = position
            let fits = next.advance(Int32(id))
            #expect(fits == mask.contains(Int32(id)))
        }
    }
}
