import Datasets
import Testing
import Training

@Suite struct FamilyPromptsTests {
    /// In this iteration of these families the first scene that is drawn for one place leaves nothing to ask.
    @Test func everyPictureHasQuestions() {
        let families: [Family] = [
            .descriptions, .counts, .positions, .descriptions, .comparisons, .counts, .attributes, .descriptions,
            .counts, .absence,
        ]
        let pictures = FamilyPrompts(seed: 0, families: families, pictures: 128, questions: 4).pictures(of: 18)
        #expect(pictures.count == 128 && pictures.allSatisfy { (1...4).contains($0.questions.count) })
    }
}
