import Tensors

/// Where demonstrations come from. What a step takes is a function of the step alone, so that a resumed run needs no
/// cursor.
public protocol DemonstrationSource: Sendable {
    /// The pictures of `step`, each with the questions that are asked then.
    func pictures(of step: Int) -> [PictureQuestions]
    /// Pictures that no step takes, to measure on.
    var heldOut: [PictureQuestions] { get }
}

/// Several sources, each of which gives its share of every step.
struct MixedDemonstrations: DemonstrationSource {
    let sources: [any DemonstrationSource]

    func pictures(of step: Int) -> [PictureQuestions] { sources.flatMap { $0.pictures(of: step) } }

    var heldOut: [PictureQuestions] { sources.flatMap(\.heldOut) }
}

/// A set of pictures that comes round again in a new order each epoch.
public struct RepeatedDemonstrations: DemonstrationSource {
    /// Pictures that no step takes, with as many questions as a step asks.
    public let heldOut: [PictureQuestions]
    private let training: [PictureQuestions]
    private let order: DemonstrationOrder

    /// Holds `heldOutCount` of `pictures` out, which the seed decides.
    public init(
        _ pictures: [PictureQuestions], heldOut heldOutCount: Int, seed: UInt64, picturesPerStep: Int,
        questionsPerPicture: Int
    ) {
        precondition(pictures.count > heldOutCount, "\(pictures.count) pictures, all of them held out")
        var generator = SeededGenerator(seed: seed)
        let shuffled = pictures.shuffled(using: &generator)
        heldOut = shuffled.prefix(heldOutCount).map { picture in
            PictureQuestions(
                views: picture.views, questions: Array(picture.questions.prefix(questionsPerPicture)))
        }
        let training = Array(shuffled.dropFirst(heldOutCount))
        self.training = training
        order = DemonstrationOrder(
            seed: seed, counts: training.map(\.questions.count), picturesPerStep: picturesPerStep,
            questionsPerPicture: questionsPerPicture)
    }

    /// The pictures of `step`.
    public func pictures(of step: Int) -> [PictureQuestions] {
        order.items(of: step).map { picture, questions in
            PictureQuestions(
                views: training[picture].views, questions: questions.map { training[picture].questions[$0] })
        }
    }
}
