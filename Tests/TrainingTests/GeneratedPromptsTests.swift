import Datasets
import Testing
import Training

@Suite struct GeneratedPromptsTests {
    /// In this iteration, the first drawn scene of one of the images has no question.
    @Test func everyImageHasQuestions() throws {
        let families: [Family] = [
            .descriptions, .counts, .positions, .descriptions, .comparisons, .counts, .attributes, .descriptions,
            .counts, .absence,
        ]
        let prompts = GeneratedPrompts(
            seed: 0, kinds: families.map { .family($0) }, images: 128, questions: 4)
        let images = try prompts.images(of: 18)
        #expect(images.count == 128 && images.allSatisfy { (1...4).contains($0.questions.count) })
    }

    @Test func documentsNeedTheirMaterials() {
        let prompts = GeneratedPrompts(seed: 0, kinds: [.document(.words)], images: 1, questions: 1)
        #expect(throws: ReferencedImageError.self) { try prompts.images(of: 0) }
    }
}
