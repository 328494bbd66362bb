import Datasets
import Models
import Support

/// Freshly drawn images of the families; no image repeats.
struct FamilyDemonstrations: DemonstrationSource {
    let heldOut: [ImageQuestions]
    private let seed: UInt64
    private let families: [Family]
    private let imagesPerStep: Int
    private let questionsPerImage: Int
    private let processor: ImageProcessor

    /// - Parameters:
    ///   - families: the families of a step's images, in turn; a family that is listed twice is drawn twice as often.
    ///   - heldOutCount: the number of images of each family's validation split to measure on.
    ///   - processor: makes the tiles of each image.
    init(
        seed: UInt64, families: [Family], heldOut heldOutCount: Int, imagesPerStep: Int, questionsPerImage: Int,
        processor: ImageProcessor
    ) {
        precondition(!families.isEmpty, "no family")
        self.seed = seed
        self.families = families
        self.imagesPerStep = imagesPerStep
        self.questionsPerImage = questionsPerImage
        self.processor = processor
        heldOut = Family.allCases.flatMap { family in
            let images = (0..<heldOutCount).map {
                family.image(seed: SeedSplit.validation.seed(at: UInt64($0)))
            }
            return Self.demonstrations(images, questionsPerImage, processor)
        }
    }

    func images(of step: Int) -> [ImageQuestions] {
        let positions = step * imagesPerStep..<(step + 1) * imagesPerStep
        let images = positions.map { position in
            var generator = SplitMix64(seed: seed, stream: 3 << 48 | UInt64(position))
            let seed = SeedSplit.training.seed(at: generator.next() % 1_000_000_000)
            return families[position % families.count].image(seed: seed)
        }
        return Self.demonstrations(images, questionsPerImage, processor)
    }

    private static func demonstrations(
        _ images: [FamilyImage], _ limit: Int, _ processor: ImageProcessor
    ) -> [ImageQuestions] {
        images.map { image in
            ImageQuestions(
                tiles: processor.tiles(of: image.scene.image, detail: .low),
                questions: image.questions.prefix(limit).map {
                    .init(text: $0.text, answer: $0.answer, group: $0.family.rawValue)
                })
        }
    }
}
