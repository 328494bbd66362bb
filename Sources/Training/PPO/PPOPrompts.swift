public import Datasets
public import Images
public import Models
import Support

/// An image and the questions to ask about it.
public struct ImagePrompts: Sendable {
    /// The reference to the image.
    public var reference: PreferenceImage
    /// Its pixels.
    public var image: RGBImage
    /// The questions, at least one.
    public var questions: [String]

    /// An image with questions.
    public init(reference: PreferenceImage, image: RGBImage, questions: [String]) {
        precondition(!questions.isEmpty, "a picture without questions")
        self.reference = reference
        self.image = image
        self.questions = questions
    }
}

/// A source of prompts. Prompts are a function of the iteration alone, so that a resumed run needs no cursor.
public protocol PromptSource: Sendable {
    /// The images and questions of `iteration`, counted from 0; the number of images is always the same.
    func images(of iteration: Int) throws -> [ImagePrompts]
}

/// A source whose images have positions: an iteration takes the next ones.
protocol PositionedPrompts: Sendable {
    /// The images at `positions`, each with its questions.
    func images(at positions: Range<Int>) throws -> [ImagePrompts]
}

/// Several sources that share each iteration's images by their weights.
struct MixedPrompts: PromptSource {
    private let sources: [any PositionedPrompts]
    private let mix: SlotMix
    private let imagesPerIteration: Int

    /// - Parameter sources: each with its share, in any unit.
    init(_ sources: [(prompts: any PositionedPrompts, weight: Int)], images: Int) {
        self.sources = sources.map(\.prompts)
        mix = SlotMix(weights: sources.map(\.weight))
        imagesPerIteration = images
    }

    func images(of iteration: Int) throws -> [ImagePrompts] {
        let slots = iteration * imagesPerIteration..<(iteration + 1) * imagesPerIteration
        return try sources.enumerated().flatMap { try $1.images(at: mix.positions(of: $0, in: slots)) }
    }
}

/// Freshly drawn images; images are not meant to repeat.
public struct GeneratedPrompts: PromptSource, PositionedPrompts {
    private let seed: UInt64
    private let kinds: [ImageKind]
    private let generator: ImageGenerator
    private let images: Int
    private let questions: Int
    private let split: SeedSplit

    /// - Parameters:
    ///   - kinds: what an iteration's images are, in turn; a kind that is listed twice is drawn twice as often.
    ///   - images: the number of images of each iteration.
    ///   - questions: upper bound on the questions of each image.
    ///   - split: the split of the images.
    public init(
        seed: UInt64, kinds: [ImageKind], generator: ImageGenerator = ImageGenerator(), images: Int, questions: Int,
        split: SeedSplit = .training
    ) {
        precondition(!kinds.isEmpty && images > 0 && questions > 0, "no prompts")
        self.seed = seed
        self.kinds = kinds
        self.generator = generator
        self.images = images
        self.questions = questions
        self.split = split
    }

    /// Images of the split, drawn by the seed and the image's index.
    public func images(of iteration: Int) throws -> [ImagePrompts] {
        try images(at: iteration * images..<(iteration + 1) * images)
    }

    func images(at positions: Range<Int>) throws -> [ImagePrompts] {
        try positions.map { position in
            var generator = SplitMix64(seed: seed, stream: PPOStreams.prompt(position))
            let kind = kinds[position % kinds.count]
            while true {
                let number = split.seed(at: generator.next() % 1_000_000_000)
                let drawn = try self.generator.draw(kind, seed: number)
                // Some rare scenes have no question.
                guard !drawn.tasks.isEmpty else { continue }
                return ImagePrompts(
                    reference: drawn.reference, image: drawn.image,
                    questions: drawn.tasks.prefix(questions).map(\.question))
            }
        }
    }
}

/// Prompts that no iteration asks. Policies answer them before the first iteration, at intervals, and at the end.
/// Prompts and seeds are always the same, so that answers differ only by the policies.
public struct HeldOutPrompts {
    let images: [ImagePrompts]
    let record: (PolicySnapshot) throws -> Void

    /// - Parameters:
    ///   - images: at least two; each question is answered once.
    ///   - record: receives each validated policy.
    public init(images: [ImagePrompts], record: @escaping (PolicySnapshot) throws -> Void = { _ in }) {
        precondition(images.count > 1, "\(images.count) held-out pictures")
        self.images = images
        self.record = record
    }
}

/// A policy at one iteration of its run, with its answers to held-out prompts.
public struct PolicySnapshot: Sendable {
    /// Iterations done: 0 for the reference that training starts from.
    public let iteration: Int
    /// The policy.
    public let adapter: LowRankAdapter
    /// The answers to the first question of each image.
    public let answers: RolloutRecord

    package init(iteration: Int, adapter: LowRankAdapter, answers: RolloutRecord) {
        self.iteration = iteration
        self.adapter = adapter
        self.answers = answers
    }
}

/// Streams of random numbers under the run's seed, independent of each other and of those of other stages.
enum PPOStreams {
    static func prompt(_ position: Int) -> UInt64 { 7 << 48 | UInt64(position) }
    static func answer(iteration: Int, index: Int) -> UInt64 { 8 << 48 | UInt64(iteration) << 24 | UInt64(index) }
    static func heldOut(_ index: Int) -> UInt64 { 9 << 48 | UInt64(index) }
}
