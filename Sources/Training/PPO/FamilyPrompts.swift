public import Datasets
import Tensors

/// Freshly drawn pictures of the families: none is meant to come twice.
public struct FamilyPrompts: PromptSource {
    private let seed: UInt64
    private let families: [Family]
    private let pictures: Int
    private let questions: Int
    private let split: SeedSplit

    /// - Parameters:
    ///   - families: those of an iteration's pictures, in turn; one that stands there twice comes twice as often.
    ///   - pictures: of each iteration.
    ///   - questions: at most, of each picture.
    ///   - split: that of the pictures.
    public init(seed: UInt64, families: [Family], pictures: Int, questions: Int, split: SeedSplit = .training) {
        precondition(!families.isEmpty && pictures > 0 && questions > 0, "no prompts")
        self.seed = seed
        self.families = families
        self.pictures = pictures
        self.questions = questions
        self.split = split
    }

    /// Pictures of the split, drawn by seed and place.
    public func pictures(of iteration: Int) -> [PromptedPicture] {
        (iteration * pictures..<(iteration + 1) * pictures).map { place in
            var generator = Tensors.SeededGenerator(seed: seed, stream: PPOStreams.prompt(place))
            let family = families[place % families.count]
            while true {
                let number = split.seed(at: generator.next() % 1_000_000_000)
                let drawn = family.picture(seed: number)
                // A rare scene leaves nothing to ask.
                guard !drawn.questions.isEmpty else { continue }
                return PromptedPicture(
                    reference: .generated(family: family, seed: number), image: drawn.scene.image,
                    questions: drawn.questions.prefix(questions).map(\.text))
            }
        }
    }
}
