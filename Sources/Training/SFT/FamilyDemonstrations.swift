import Datasets
import Images
import Tensors

/// Freshly drawn pictures of the families: none comes twice.
struct FamilyDemonstrations: DemonstrationSource {
    let heldOut: [PictureQuestions]
    private let seed: UInt64
    private let families: [Family]
    private let picturesPerStep: Int
    private let questionsPerPicture: Int
    private let encode: @Sendable ([RGBImage]) -> [Tensor]

    /// - Parameters:
    ///   - families: those of a step's pictures, in turn; one that stands there twice comes twice as often.
    ///   - heldOutCount: pictures of the validation split to measure on, of each family.
    ///   - encode: what the connector reads of each picture.
    init(
        seed: UInt64, families: [Family], heldOut heldOutCount: Int, picturesPerStep: Int, questionsPerPicture: Int,
        encode: @escaping @Sendable ([RGBImage]) -> [Tensor]
    ) {
        precondition(!families.isEmpty, "no family")
        self.seed = seed
        self.families = families
        self.picturesPerStep = picturesPerStep
        self.questionsPerPicture = questionsPerPicture
        self.encode = encode
        heldOut = Family.allCases.flatMap { family in
            let pictures = (0..<heldOutCount).map {
                family.picture(seed: SeedSplit.validation.seed(at: UInt64($0)))
            }
            return Self.demonstrations(pictures, questionsPerPicture, encode)
        }
    }

    func pictures(of step: Int) -> [PictureQuestions] {
        let places = step * picturesPerStep..<(step + 1) * picturesPerStep
        let pictures = places.map { place in
            var generator = Tensors.SeededGenerator(seed: seed, stream: 3 << 48 | UInt64(place))
            let seed = SeedSplit.training.seed(at: generator.next() % 1_000_000_000)
            return families[place % families.count].picture(seed: seed)
        }
        return Self.demonstrations(pictures, questionsPerPicture, encode)
    }

    private static func demonstrations(
        _ pictures: [FamilyPicture], _ limit: Int, _ encode: ([RGBImage]) -> [Tensor]
    ) -> [PictureQuestions] {
        zip(encode(pictures.map(\.scene.image)), pictures).map { features, picture in
            PictureQuestions(
                features: features,
                questions: picture.questions.prefix(limit).map {
                    .init(text: $0.text, answer: $0.answer, group: $0.family.rawValue)
                })
        }
    }
}
