import Checkpoints
import Engine
import Models
import TestSupport
import Testing
import Tokenizers

@Suite struct OutputProcessorTests {
    private let tokenizer: Tokenizer
    private let end: Int32

    init() throws {
        tokenizer = Tokenizer(try Vocabulary(GGUFFile(path: baseModelPath())))
        end = try #require(tokenizer.id(ofControl: "<|im_end|>"))
    }

    /// Appends the text's tokens, then the end token, one by one; returns the output.
    private func run(
        _ text: String, stop: StopConditions = StopConditions(), room: Int = 1000
    ) -> (deltas: [String], reason: FinishReason?, tokens: Int) {
        var output = OutputProcessor(stop: stop, endTokens: [end], room: room, tokenizer: tokenizer)
        var deltas: [String] = []
        var tokens = 0
        for id in tokenizer.encode(text, special: .asText) + [end] {
            let (delta, reason) = output.append(GeneratedToken(id: id))
            if let delta {
                deltas.append(delta.text)
                tokens += delta.tokens.count
            }
            if let reason { return (deltas, reason, tokens + output.remainingTokens.count) }
        }
        return (deltas, nil, tokens)
    }

    /// Texts of models that have lost the ability to end a reply.
    @Test(arguments: ["I'm so glad you're here. ", "Aria, the sea's lapping shore,\n", "C: \"", "black "])
    func anAnswerThatOnlyRepeatsItselfEnds(pattern: String) {
        var stop = StopConditions()
        stop.endsRepetition = true
        let text = "Hello!\n" + String(repeating: pattern, count: 200)
        let ended = run(text, stop: stop)
        #expect(ended.reason == .repetition && ended.tokens < 80)
        #expect(text.hasPrefix(ended.deltas.joined()))
        #expect(run(text, room: 4_000).reason == .endToken)
        stop.minimumTokens = 120
        #expect(run(text, stop: stop).tokens == 120)
    }

    @Test(arguments: [
        (1...60).map { "\($0)\n" }.joined(), String(repeating: "hello ", count: 20),
        "| a | b |\n|---|---|\n" + (1...30).map { "| \($0) | red |\n" }.joined(),
        "Row, row, row your boat,\nGently down the stream,\nMerrily, merrily, merrily, merrily,\nLife is but a dream.\n",
    ])
    func anAnswerThatGoesOnIsNotCutOff(text: String) {
        var stop = StopConditions()
        stop.endsRepetition = true
        #expect(run(text, stop: stop).reason == .endToken)
    }

    @Test(arguments: ["A red circle.", "naïve 日本語 👩‍👩‍👧 end", "x"])
    func joinedDeltasAreTheText(text: String) {
        let (deltas, reason, tokens) = run(text)
        #expect(deltas.joined() == text)
        #expect(deltas.allSatisfy { !$0.isEmpty && !$0.contains("\u{FFFD}") })
        #expect(reason == .endToken)
        #expect(tokens == tokenizer.encode(text, special: .asText).count + 1)
    }

    @Test func nothingOfAStopStringIsShown() {
        var stop = StopConditions()
        stop.strings = ["STOP here", "never"]
        let (deltas, reason, _) = run("Go on, STO, then STOP here and more", stop: stop)
        #expect(deltas.joined() == "Go on, STO, then ")
        #expect(reason == .stopString("STOP here"))
        stop.includesString = true
        #expect(run("Go on, STOP here and more", stop: stop).deltas.joined() == "Go on, STOP here")
    }

    @Test func textHeldBackForAStopStringComesOutAtTheEnd() {
        var stop = StopConditions()
        stop.strings = ["circle!"]
        #expect(run("a circle", stop: stop).deltas.joined() == "a circle")
    }

    /// A stop string that ends after the minimum length counts, wherever it begins; text is still held back for it.
    @Test func stopStringsBeforeTheLeastLengthDoNotStop() {
        var stop = StopConditions()
        stop.strings = ["b", " c d"]
        stop.minimumTokens = 3
        let (deltas, reason, _) = run("a b c d e", stop: stop)
        #expect(deltas.joined() == "a b" && reason == .stopString(" c d"))
        stop.strings = ["b", "c"]
        #expect(run("a b c d b e", stop: stop).deltas.joined() == "a b c d ")
        stop.minimumTokens = 2
        #expect(run("a b c d b e", stop: stop).reason == .stopString("c"))
    }

    @Test func limitsEndTheAnswer() {
        var stop = StopConditions()
        stop.maximumTokens = 3
        #expect(run("one two three four five", stop: stop).reason == .length)
        #expect(run("one two three four five", room: 2).reason == .length)
    }

    @Test func endTokensCanBeHeldOffAndIgnored() {
        var stop = StopConditions()
        stop.minimumTokens = 2
        var output = OutputProcessor(stop: stop, endTokens: [end], room: 10, tokenizer: tokenizer)
        #expect(output.bannedTokens == [end])
        for id in tokenizer.encode("a b", special: .asText) { _ = output.append(GeneratedToken(id: id)) }
        #expect(output.bannedTokens.isEmpty)
        stop.ignoresEndToken = true
        #expect(run("a", stop: stop).reason == nil)
    }

    @Test func everyEndTokenEndsAnAnswer() {
        let ends = [end, end + 1]
        for last in ends {
            var stop = StopConditions()
            stop.minimumTokens = 1
            var output = OutputProcessor(stop: stop, endTokens: ends, room: 10, tokenizer: tokenizer)
            #expect(output.bannedTokens == Set(ends))
            for id in tokenizer.encode("a", special: .asText) {
                #expect(output.append(GeneratedToken(id: id)).reason == nil)
            }
            #expect(output.append(GeneratedToken(id: last)).reason == .endToken)
        }
    }
}
