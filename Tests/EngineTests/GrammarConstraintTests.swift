import Checkpoints
import Engine
import Grammars
import Models
import Policies
import Support
import Tensors
import TestSupport
import Testing
import Tokenizers

/// Answers that follow a grammar, from a tiny random model.
@Suite struct GrammarConstraintTests {
    private let decoder: TransformerDecoder
    private let tokenizer: Tokenizer
    private let policy: Policy
    private let compiler: GrammarCompiler

    init() throws {
        let file = try TinyLlama.file(.q4_1)
        decoder = try TransformerDecoder(file, compute: Compute(threads: 2))
        let tokenizer = Tokenizer(try Vocabulary(file))
        self.tokenizer = tokenizer
        policy = Policy(
            name: "base", generation: 0, adapter: nil, vision: nil, template: .chatml, sampling: SamplingParameters(),
            created: 0)
        let texts = (0..<tokenizer.vocabularySize).map { tokenizer.bytes(of: Int32($0)) }
        compiler = GrammarCompiler(TokenVocabulary(texts, excluding: [2]))
    }

    private func engine(draft: Int = 0, maximumSequences: Int = 8) -> Engine {
        var configuration = EngineConfiguration(contextLength: 512)
        configuration.cacheBytes = 0
        configuration.draftTokens = draft
        configuration.maximumSequences = maximumSequences
        return Engine(decoder: decoder, tokenizer: tokenizer, endTokens: [2], configuration: configuration)
    }

    private func request(_ grammar: TokenGrammar?, seed: UInt64, tokens: Int = 160) -> EngineRequest {
        var request = EngineRequest(prompt: (0..<12).map { Int32(3 + ($0 * 7) % 200) }, policy: policy)
        request.sampling.seed = seed
        request.sampling.temperature = 1
        request.sampling.frequencyPenalty = seed % 2 == 0 ? 0.5 : 0
        request.sampling.topK = seed % 3 == 0 ? 20 : nil
        request.stop.maximumTokens = tokens
        request.grammar = grammar
        request.topLogprobs = 1
        return request
    }

    @Test func answersFitTheirForm() async throws {
        let grammar = try compiler.compile(.regex("[a-z]{3,9}( [0-9]{2}){1,4}"))
        let engine = engine()
        defer { engine.stop() }
        for seed: UInt64 in 0..<12 {
            let answer = try await engine.answer(to: request(grammar, seed: seed))
            #expect(answer.completion.reason == .endToken)
            #expect(answer.text.wholeMatch(of: /[a-z]{3,9}( [0-9]{2}){1,4}/) != nil, "\(answer.text)")
            // Log-probabilities are those of the model, which knows no grammar.
            #expect(answer.tokens.allSatisfy { $0.logprob.map { $0 <= 0 && $0 > -100 } == true })
        }
    }

    /// Guesses, neighbours and preemption change no answer.
    @Test func answersDependOnNothingElse() async throws {
        let forms: [TokenGrammar?] = [
            try compiler.compile(.jsonObject), nil,
            try compiler.compile(.regex("(ab ){4,40}!")),
            try compiler.compile(.grammar("root ::= (\"x\" root \"y\")?")),
        ]
        let requests = (0..<12).map { request(forms[$0 % forms.count], seed: UInt64($0)) }
        var alone: [[GeneratedToken]] = []
        let single = engine()
        for request in requests { alone.append(try await single.answer(to: request).tokens) }
        single.stop()
        for (draft, sequences) in [(0, 8), (4, 8), (8, 3)] {
            let engine = engine(draft: draft, maximumSequences: sequences)
            let together = try await withThrowingTaskGroup(of: (Int, [GeneratedToken]).self) { group in
                for (index, request) in requests.enumerated() {
                    group.addTask { (index, try await engine.answer(to: request).tokens) }
                }
                var answers = [[GeneratedToken]](repeating: [], count: requests.count)
                for try await (index, tokens) in group { answers[index] = tokens }
                return answers
            }
            #expect(together == alone)
            if draft > 0 { #expect(engine.load.acceptedTokens > 0) }
            engine.stop()
        }
    }

    /// An answer that reaches its maximum length still has its form, and says that it was shortened. The second form is
    /// complete after each word, and then may have too few tokens for another word.
    @Test(arguments: ["\\[([a-z]{4,}, )*[a-z]{4,}\\]", "(Yes|No)(, (Yes|No))*"], [0, 4])
    func answersFitTheirFormWithinTheirLength(form: String, draft: Int) async throws {
        let grammar = try compiler.compile(.regex(form))
        let engine = engine(draft: draft)
        defer { engine.stop() }
        var shortened = 0
        for seed: UInt64 in 0..<24 {
            let tokens = 6 + Int(seed)
            let answer = try await engine.answer(to: request(grammar, seed: seed, tokens: tokens))
            #expect(answer.completion.generatedTokens <= tokens)
            #expect(try Regex(form).wholeMatch(in: answer.text) != nil, "\(answer.text)")
            if answer.completion.isShortened { shortened += 1 }
        }
        #expect(shortened > 0)
    }

    /// A text that nothing can follow ends, even if the request wants it longer; a repetitive one does not end early.
    @Test func theFormComesBeforeOtherRules() async throws {
        let engine = engine()
        defer { engine.stop() }
        var short = request(try compiler.compile(.regex("yes|no")), seed: 1)
        short.stop.minimumTokens = 40
        #expect(["yes", "no"].contains(try await engine.answer(to: short).text))
        var long = request(try compiler.compile(.regex("(?:ab){150}")), seed: 2, tokens: 400)
        long.stop.endsRepetition = true
        #expect(try await engine.answer(to: long).text == String(repeating: "ab", count: 150))
    }
}
