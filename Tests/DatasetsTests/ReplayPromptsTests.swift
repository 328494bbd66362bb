import Datasets
import Testing

@Suite struct ReplayPromptsTests {
    @Test func promptsAreManyAndDifferent() {
        let prompts = ReplayPrompts(seed: 0)
        let all = prompts.training + prompts.heldOut
        #expect(all.count >= 400 && Set(all).count == all.count)
        #expect(all.allSatisfy { !$0.contains("*") && !$0.contains("#") && !$0.isEmpty })
        #expect((0.03...0.07).contains(Double(prompts.heldOut.count) / Double(all.count)))
    }

    @Test func seedsDecideTheDrawButNotTheSplit() {
        let first = ReplayPrompts(seed: 1)
        #expect(first == ReplayPrompts(seed: 1))
        let second = ReplayPrompts(seed: 2)
        #expect(first != second)
        #expect(Set(first.training).isDisjoint(with: second.heldOut))
        #expect(Set(second.training).isDisjoint(with: first.heldOut))
    }

    @Test func fewerCanBeDrawn() {
        let prompts = ReplayPrompts(seed: 3, perTopic: 5)
        #expect(prompts.training.count + prompts.heldOut.count == 50)
    }
}
