import Datasets
import Testing
import Training

@Suite struct FamilyPromptsTests {
    /// In this iteration, the first drawn scene of one of the images has no question.
    @Test func everyImageHasQuestions() {
        let families: [Family] = [
            .descriptions, .counts, .positions, .descriptions, .comparisons, .counts, .attributes, .descriptions,
            .counts, .absence,
        ]
        let images = FamilyPrompts(seed: 0, families: families, images: 128, questions: 4).images(of: 18)
        #expect(images.count == 128 && images.allSatisfy { (1...4).contains($0.questions.count) })
    }
}
