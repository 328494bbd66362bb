public import Datasets
public import Images
import Support

/// A question for which several answers are sampled.
public struct RankingPrompt: Sendable {
    /// The image of the question.
    public let image: RGBImage
    /// Another image of the same kind.
    public let otherImage: RGBImage
    /// The labelers' task.
    public let task: LabelingTask
    /// The question's index among the questions of its generated image; nil for easy-VQA.
    public let questionIndex: Int?
}

/// The prompts of a ranking run, image by image: training images of the generator and of easy-VQA.
public struct RankingPrompts {
    private let settings: RankingSettings
    private let generator: ImageGenerator
    private let dataset: EasyVQA?
    private let facts: [Int: ImageFacts]
    private let questions: [Int: [EasyVQAQuestion]]
    /// The numbers of easy-VQA's training images, in this run's order.
    private let numbers: [Int]

    /// Prompts about images of `generator`, and about the images of `dataset`, if there is one. The dataset's images
    /// must be for training only.
    public init(
        settings: RankingSettings, dataset: EasyVQA?, generator: ImageGenerator = ImageGenerator()
    ) throws {
        precondition(!settings.kinds.isEmpty, "prompts need pictures")
        let dataset = settings.split == .training ? dataset : nil
        self.settings = settings
        self.generator = generator
        self.dataset = dataset
        facts = try dataset?.trainingFacts() ?? [:]
        questions = Dictionary(grouping: dataset?.training ?? [], by: \.image)
        var generator = SplitMix64(seed: settings.seed)
        numbers = generator.shuffled(questions.keys.sorted())
    }

    /// The prompts about image number `index` of the run; none if no question about it fits the run's settings.
    public func prompts(ofImage index: Int) throws -> [RankingPrompt] {
        var generator = SplitMix64(seed: settings.seed).fork(index)
        let isOfficial = Double(generator.draw(0...999)) < settings.easyVQAShare * 1_000
        if let dataset, isOfficial {
            let number = numbers[index % numbers.count]
            let image = try dataset.trainingImage(number)
            let other = try dataset.trainingImage(numbers[(index + 1) % numbers.count])
            let tasks = (questions[number] ?? []).map { LabelingTask($0, facts: facts[number] ?? ImageFacts()) }
                .filter { settings.asks($0.truth) }
            return generator.shuffled(tasks).prefix(settings.questionsPerImage).map {
                RankingPrompt(image: image, otherImage: other, task: $0, questionIndex: nil)
            }
        }
        let kind = generator.draw(from: settings.kinds)
        let seeds = (0..<2).map { _ in settings.split.seed(at: UInt64(generator.draw(0...999_999_999))) }
        let image = try self.generator.draw(kind, seed: seeds[0])
        let other = try self.generator.draw(kind, seed: seeds[1]).image
        let asked = image.tasks.indices.filter { settings.asks(image.tasks[$0].truth) }
        return generator.shuffled(asked).prefix(settings.questionsPerImage).map { index in
            RankingPrompt(image: image.image, otherImage: other, task: image.tasks[index], questionIndex: index)
        }
    }
}

/// Iterates over a run's prompts in order.
struct PromptCursor {
    private let prompts: RankingPrompts
    private var image = 0
    private var waiting: ArraySlice<RankingPrompt> = []

    init(_ prompts: RankingPrompts) {
        self.prompts = prompts
    }

    mutating func next() throws -> RankingPrompt {
        while waiting.isEmpty {
            waiting = try prompts.prompts(ofImage: image)[...]
            image += 1
        }
        return waiting.removeFirst()
    }
}

extension SplitMix64 {
    /// An independent generator for item `index`, so that items do not depend on each other.
    func fork(_ index: Int) -> SplitMix64 {
        var own = self
        var mixed = SplitMix64(seed: own.next() ^ UInt64(index))
        return SplitMix64(seed: mixed.next())
    }
}
