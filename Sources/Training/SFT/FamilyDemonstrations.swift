import Datasets
import Models
import Tensors

/// Freshly drawn pictures of the families: none comes twice.
struct FamilyDemonstrations: DemonstrationSource {
    let heldOut: [PictureQuestions]
    private let seed: UInt64
    private let families: [Family]
    private let picturesPerStep: Int
    private let questionsPerPicture: Int
    private let processor: ImageProcessor

    /// - Parameters:
    ///   - families: those of a step's pictures, in turn; one that stands there twice comes twice as often.
    ///   - heldOutCount: pictures of the validation split to measure on, of each family.
    ///   - processor: makes the views of each picture.
    init(
        seed: UInt64, families: [Family], heldOut heldOutCount: Int, picturesPerStep: Int, questionsPerPicture: Int,
        processor: ImageProcessor
    ) {
        precondition(!families.isEmpty, "no family")
        self.seed = seed
        self.families = families
        self.picturesPerStep = picturesPerStep
        self.questionsPerPicture = questionsPerPicture
        self.processor = processor
        heldOut = Family.allCases.flatMap { family in
            let pictures = (0..<heldOutCount).map {
                family.picture(seed: SeedSplit.validation.seed(at: UInt64($0)))
            }
            return Self.demonstrations(pictures, questionsPerPicture, processor)
        }
    }

    func pictures(of step: Int) -> [PictureQuestions] {
        let places = step * picturesPerStep..<(step + 1) * picturesPerStep
        let pictures = places.map { place in
            var generator = Tensors.SeededGenerator(seed: seed, stream: 3 << 48 | UInt64(place))
            let seed = SeedSplit.training.seed(at: generator.next() % 1_000_000_000)
            return families[place % families.count].picture(seed: seed)
        }
        return Self.demonstrations(pictures, questionsPerPicture, processor)
    }

    private static func demonstrations(
        _ pictures: [FamilyPicture], _ limit: Int, _ processor: ImageProcessor
    ) -> [PictureQuestions] {
        pictures.map { picture in
            PictureQuestions(
                views: processor.views(of: picture.scene.image, detail: .low),
                questions: picture.questions.prefix(limit).map {
                    .init(text: $0.text, answer: $0.answer, group: $0.family.rawValue)
                })
        }
    }
}
