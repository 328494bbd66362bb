import Datasets
import Support

/// A source of demonstrations. A step's demonstrations are a function of the step alone, so that a resumed run needs no
/// cursor.
public protocol DemonstrationSource: Sendable {
    /// The images of `step`, each with the questions of that step.
    func images(of step: Int) throws -> [ImageQuestions]
    /// Images for validation, which no step uses.
    var heldOut: [ImageQuestions] { get }
}

/// Several sources that each contribute to every step.
struct MixedDemonstrations: DemonstrationSource {
    let sources: [any DemonstrationSource]

    func images(of step: Int) throws -> [ImageQuestions] { try sources.flatMap { try $0.images(of: step) } }

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
                image: image.image, questions: Array(image.questions.prefix(questionsPerImage)))
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
                image: training[image].image, questions: questions.map { training[image].questions[$0] })
        }
    }
}

/// The images and questions of each step: a function of seed and step alone, so that a resumed run needs no cursor.
///
/// Images have a new order in each epoch. An image's questions have an order of their own, which continues from epoch
/// to epoch.
struct DemonstrationOrder: Sendable {
    private let seed: UInt64
    /// The number of questions of each image.
    private let counts: [Int]
    private let imagesPerStep: Int
    private let questionsPerImage: Int

    init(seed: UInt64, counts: [Int], imagesPerStep: Int, questionsPerImage: Int) {
        precondition(!counts.isEmpty && counts.allSatisfy { $0 > 0 }, "nothing to train on")
        self.seed = seed
        self.counts = counts
        self.imagesPerStep = imagesPerStep
        self.questionsPerImage = questionsPerImage
    }

    /// The images of `step`, with the questions of each.
    func items(of step: Int) -> [(image: Int, questions: [Int])] {
        let positions = step * imagesPerStep..<(step + 1) * imagesPerStep
        var orders: [Int: [Int]] = [:]
        return positions.map { position in
            let (epoch, index) = position.quotientAndRemainder(dividingBy: counts.count)
            let order = orders[epoch] ?? shuffled(counts.count, stream: Stream.epoch(epoch))
            orders[epoch] = order
            return (order[index], questions(of: order[index], epoch: epoch))
        }
    }

    private func questions(of image: Int, epoch: Int) -> [Int] {
        let count = counts[image]
        let order = shuffled(count, stream: Stream.image(image))
        return (0..<min(count, questionsPerImage)).map { order[(epoch * questionsPerImage + $0) % count] }
    }

    private func shuffled(_ count: Int, stream: UInt64) -> [Int] {
        var generator = SplitMix64(seed: seed, stream: stream)
        return (0..<count).shuffled(using: &generator)
    }

    /// Streams of random numbers under the run's seed, independent of each other.
    private enum Stream {
        static func epoch(_ epoch: Int) -> UInt64 { 1 << 40 | UInt64(epoch) }
        static func image(_ image: Int) -> UInt64 { 2 << 40 | UInt64(image) }
    }
}

/// Freshly drawn images of the families; no image repeats.
struct FamilyDemonstrations: DemonstrationSource {
    let heldOut: [ImageQuestions]
    private let seed: UInt64
    private let families: [Family]
    private let imagesPerStep: Int
    private let questionsPerImage: Int

    /// - Parameters:
    ///   - families: the families of a step's images, in turn; a family that is listed twice is drawn twice as often.
    ///   - heldOutCount: the number of images of each family's validation split to measure on.
    init(
        seed: UInt64, families: [Family], heldOut heldOutCount: Int, imagesPerStep: Int, questionsPerImage: Int
    ) {
        precondition(!families.isEmpty, "no family")
        self.seed = seed
        self.families = families
        self.imagesPerStep = imagesPerStep
        self.questionsPerImage = questionsPerImage
        heldOut = Family.allCases.flatMap { family in
            let images = (0..<heldOutCount).map {
                family.image(seed: SeedSplit.validation.seed(at: UInt64($0)))
            }
            return Self.demonstrations(images, questionsPerImage)
        }
    }

    func images(of step: Int) -> [ImageQuestions] {
        let positions = step * imagesPerStep..<(step + 1) * imagesPerStep
        let images = positions.map { position in
            var generator = SplitMix64(seed: seed, stream: 3 << 48 | UInt64(position))
            let seed = SeedSplit.training.seed(at: generator.next() % 1_000_000_000)
            return families[position % families.count].image(seed: seed)
        }
        return Self.demonstrations(images, questionsPerImage)
    }

    private static func demonstrations(_ images: [FamilyImage], _ limit: Int) -> [ImageQuestions] {
        images.map { image in
            ImageQuestions(
                image: image.scene.image,
                questions: image.questions.prefix(limit).map {
                    .init(text: $0.text, answer: $0.answer, group: $0.family.rawValue)
                })
        }
    }
}

/// Freshly drawn documents; none repeats.
struct DocumentDemonstrations: DemonstrationSource {
    let heldOut: [ImageQuestions]
    private let artist: Artist
    private let seed: UInt64
    private let families: [DocumentFamily]
    private let imagesPerStep: Int
    private let questionsPerImage: Int

    /// - Parameters:
    ///   - families: the families of a step's documents, in turn; one that is listed twice is drawn twice as often.
    ///   - heldOutCount: the number of documents of each family's validation split to measure on.
    init(
        _ artist: Artist, seed: UInt64, families: [DocumentFamily], heldOut heldOutCount: Int, imagesPerStep: Int,
        questionsPerImage: Int
    ) throws {
        precondition(!families.isEmpty, "no family")
        self.artist = artist
        self.seed = seed
        self.families = families
        self.imagesPerStep = imagesPerStep
        self.questionsPerImage = questionsPerImage
        heldOut = try Set(families).sorted { $0.rawValue < $1.rawValue }.flatMap { family in
            try (0..<heldOutCount).map {
                let document = try artist.document(family, seed: SeedSplit.validation.seed(at: UInt64($0)))
                return Self.demonstrations(document, questionsPerImage)
            }
        }
    }

    func images(of step: Int) throws -> [ImageQuestions] {
        try (step * imagesPerStep..<(step + 1) * imagesPerStep).map { position in
            var generator = SplitMix64(seed: seed, stream: 4 << 48 | UInt64(position))
            let seed = SeedSplit.training.seed(at: generator.next() % 1_000_000_000)
            let document = try artist.document(families[position % families.count], seed: seed)
            return Self.demonstrations(document, questionsPerImage)
        }
    }

    private static func demonstrations(_ document: Document, _ limit: Int) -> ImageQuestions {
        ImageQuestions(
            image: document.image,
            questions: document.questions.prefix(limit).map {
                .init(text: $0.text, answer: $0.answer, group: $0.family.rawValue, isReadOff: $0.isReadOff)
            })
    }
}
