import Support

/// A source of demonstrations. A step's demonstrations are a function of the step alone, so that a resumed run needs no
/// cursor.
public protocol DemonstrationSource: Sendable {
    /// The images of `step`, each with the questions of that step.
    func images(of step: Int) -> [ImageQuestions]
    /// Images for validation, which no step uses.
    var heldOut: [ImageQuestions] { get }
}

/// Several sources that each contribute to every step.
struct MixedDemonstrations: DemonstrationSource {
    let sources: [any DemonstrationSource]

    func images(of step: Int) -> [ImageQuestions] { sources.flatMap { $0.images(of: step) } }

    var heldOut: [ImageQuestions] { sources.flatMap(\.heldOut) }
}

/// A set of images that repeats, in a new order each epoch.
public struct RepeatedDemonstrations: DemonstrationSource {
    /// Images that no step uses, each with as many questions as in a step.
    public let heldOut: [ImageQuestions]
    private let training: [ImageQuestions]
    private let order: DemonstrationOrder

    /// Holds out `heldOutCount` of `images`, chosen by the seed.
    public init(
        _ images: [ImageQuestions], heldOut heldOutCount: Int, seed: UInt64, imagesPerStep: Int,
        questionsPerImage: Int
    ) {
        precondition(images.count > heldOutCount, "\(images.count) pictures, all of them held out")
        var generator = SplitMix64(seed: seed, stream: 0)
        let shuffled = images.shuffled(using: &generator)
        heldOut = shuffled.prefix(heldOutCount).map { image in
            ImageQuestions(
                tiles: image.tiles, questions: Array(image.questions.prefix(questionsPerImage)))
        }
        let training = Array(shuffled.dropFirst(heldOutCount))
        self.training = training
        order = DemonstrationOrder(
            seed: seed, counts: training.map(\.questions.count), imagesPerStep: imagesPerStep,
            questionsPerImage: questionsPerImage)
    }

    /// The images of `step`.
    public func images(of step: Int) -> [ImageQuestions] {
        order.items(of: step).map { image, questions in
            ImageQuestions(
                tiles: training[image].tiles, questions: questions.map { training[image].questions[$0] })
        }
    }
}
