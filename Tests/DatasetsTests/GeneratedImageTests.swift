import Datasets
import Foundation
import Support
import Testing

/// Images of both kinds behind one interface.
@Suite struct GeneratedImageTests {
    private static let generator = ImageGenerator { family, seed in
        family.document(seed: seed, from: try DocumentTests.studio())
    }

    @Test func aDocumentIsDrawnWithItsTasksAndAnswers() throws {
        let seed = SeedSplit.training.seed(at: 3)
        let drawn = try Self.generator.draw(.document(.receipts), seed: seed)
        let document = DocumentFamily.receipts.document(seed: seed, from: try DocumentTests.studio())
        #expect(drawn.reference == .document(family: .receipts, seed: seed))
        #expect(drawn.image == document.image)
        #expect(drawn.tasks.map(\.question) == document.questions.map(\.text))
        #expect(drawn.tasks.map(\.truth) == document.questions.map(\.truth))
        #expect(drawn.answers == document.questions.map(\.answer))
    }

    @Test func aReferenceFindsImageAndDemonstrationAgain() throws {
        let images = ReferencedImages(generator: Self.generator, easyVQA: nil) { _ in [] }
        for kind in [ImageKind.document(.words), .family(.counts)] {
            let drawn = try Self.generator.draw(kind, seed: SeedSplit.training.seed(at: 5))
            #expect(try images.image(of: drawn.reference) == drawn.image)
            for (index, task) in drawn.tasks.enumerated() {
                let found = try images.demonstration(of: task.question, index: index, about: drawn.reference)
                #expect(found == drawn.answers[index])
            }
            #expect(try images.demonstration(of: "Why?", index: 0, about: drawn.reference) == nil)
        }
    }

    @Test func aGeneratorWithoutFontsNamesWhatIsMissing() throws {
        #expect(throws: ReferencedImageError.noMaterials(document: "document bars/7")) {
            try ImageGenerator().draw(.document(.bars), seed: 7)
        }
    }
}
