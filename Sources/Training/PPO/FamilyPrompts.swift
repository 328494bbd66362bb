public import Datasets
import Support

/// Freshly drawn images of the families; images are not meant to repeat.
public struct FamilyPrompts: PromptSource {
    private let seed: UInt64
    private let families: [Family]
    private let images: Int
    private let questions: Int
    private let split: SeedSplit

    /// - Parameters:
    ///   - families: the families of an iteration's images, in turn; a family that is listed twice is drawn twice as
    ///     often.
    ///   - images: the number of images of each iteration.
    ///   - questions: upper bound on the questions of each image.
    ///   - split: the split of the images.
    public init(seed: UInt64, families: [Family], images: Int, questions: Int, split: SeedSplit = .training) {
        precondition(!families.isEmpty && images > 0 && questions > 0, "no prompts")
        self.seed = seed
        self.families = families
        self.images = images
        self.questions = questions
        self.split = split
    }

    /// Images of the split, drawn by the seed and the image's index.
    public func images(of iteration: Int) -> [ImagePrompts] {
        (iteration * images..<(iteration + 1) * images).map { position in
            var generator = SplitMix64(seed: seed, stream: PPOStreams.prompt(position))
            let family = families[position % families.count]
            while true {
                let number = split.seed(at: generator.next() % 1_000_000_000)
                let drawn = family.image(seed: number)
                // Some rare scenes have no question.
                guard !drawn.questions.isEmpty else { continue }
                return ImagePrompts(
                    reference: .generated(family: family, seed: number), image: drawn.scene.image,
                    questions: drawn.questions.prefix(questions).map(\.text))
            }
        }
    }
}
