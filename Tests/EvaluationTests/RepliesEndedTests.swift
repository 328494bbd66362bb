import Checkpoints
import Engine
import Evaluation
import Models
import Policies
import Tensors
import TestSupport
import Testing
import Tokenizers

@Suite struct RepliesEndedTests {
    @Test func promptsAreDifferentAndPlain() {
        let prompts = EverydayPrompts.all
        #expect(prompts.count == 200 && Set(prompts).count == 200)
        #expect(prompts.allSatisfy { !$0.isEmpty && !$0.contains("*") })
    }

    @Test func repliesWithTheirOwnEndCount() async throws {
        let file = try GGUFFile(path: baseModelPath())
        let decoder = try TransformerDecoder(file, compute: Compute(threads: 2))
        let tokenizer = Tokenizer(try Vocabulary(file))
        let engine = Engine(
            decoder: decoder, tokenizer: tokenizer, endTokens: tokenizer.vocabulary.endTokens,
            configuration: EngineConfiguration(contextLength: 512))
        func policy(_ template: ChatTemplate) -> Policy {
            Policy(
                name: "base", generation: 0, adapter: nil, vision: nil, template: .chatml, textTemplate: template,
                sampling: .init(), created: 0)
        }
        // Three greetings: the base model answers each briefly in its own template.
        let ended = try await RepliesEnded.measured(
            of: policy(.smollm2), and: policy(.smollm2), engine: engine,
            processor: InputProcessor(tokenizer: tokenizer), count: 2)
        #expect(ended.policy == ended.base && ended.policy.total == 2 && ended.policy.count > 0)
        #expect(ended.gain == 0)
        engine.stop()
    }
}
