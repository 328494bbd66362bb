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

/// A source whose images have positions: a step takes the next ones.
protocol PositionedDemonstrations: Sendable {
    /// The images at `positions`, each with its questions.
    func images(at positions: Range<Int>) throws -> [ImageQuestions]
    /// Images for validation, which no position has.
    var heldOut: [ImageQuestions] { get }
}

/// Several sources that contribute to the steps by their weights.
struct MixedDemonstrations: DemonstrationSource {
    /// A source and its weight.
    struct Source: Sendable {
        let demonstrations: any PositionedDemonstrations
        /// Its share is this weight, divided by the sum of all.
        let weight: Int
    }

    private let sources: [any PositionedDemonstrations]
    private let mix: SlotMix
    private let imagesPerStep: Int

    /// - Parameters:
    ///   - sources: the sources; those with the weight 0 are only measured on.
    ///   - imagesPerStep: the images of a step, of all sources together.
    init(_ sources: [Source], imagesPerStep: Int) {
        self.sources = sources.map(\.demonstrations)
        self.imagesPerStep = imagesPerStep
        mix = SlotMix(weights: sources.map(\.weight))
    }

    func images(of step: Int) throws -> [ImageQuestions] {
        let slots = step * imagesPerStep..<(step + 1) * imagesPerStep
        return try sources.enumerated().flatMap { try $1.images(at: mix.positions(of: $0, in: slots)) }
    }

    var heldOut: [ImageQuestions] { sources.flatMap(\.heldOut) }
}

/// Shares out an endless row of slots by weights. The slots of each source are spread evenly, and the row repeats, so
/// that the position of any slot is known without those before it.
package struct SlotMix: Sendable {
    /// The number of slots after which the row repeats.
    private let period: Int
    /// For each source, the number of its slots before each slot of a period, and at last of the whole period.
    private let before: [[Int]]

    /// - Parameter weights: not negative, with a sum above 0 that is not large once divided by their greatest common
    ///   divisor: the row has as many slots.
    package init(weights: [Int]) {
        precondition(weights.allSatisfy { $0 >= 0 } && weights.contains { $0 > 0 }, "weights \(weights)")
        var divisor = 0
        for weight in weights {
            var (larger, smaller) = (divisor, weight)
            while smaller != 0 { (larger, smaller) = (smaller, larger % smaller) }
            divisor = larger
        }
        let shares = weights.map { $0 / divisor }
        period = shares.reduce(0, +)
        var before = weights.map { _ in [0] }
        var given = weights.map { _ in 0 }
        for slot in 0..<period {
            // The source that is furthest behind its share gets the slot, the first of equal ones.
            var next = 0
            for source in shares.indices
            where shares[source] * (slot + 1) - period * given[source] > shares[next] * (slot + 1) - period
                * given[next]
            {
                next = source
            }
            given[next] += 1
            for source in shares.indices { before[source].append(given[source]) }
        }
        self.before = before
    }

    /// The positions that `slots` have in a source.
    package func positions(of source: Int, in slots: Range<Int>) -> Range<Int> {
        count(of: source, before: slots.lowerBound)..<count(of: source, before: slots.upperBound)
    }

    private func count(of source: Int, before slot: Int) -> Int {
        let (rounds, rest) = slot.quotientAndRemainder(dividingBy: period)
        return rounds * before[source][period] + before[source][rest]
    }
}

/// A set of images that repeats, in a new order each epoch.
public struct RepeatedDemonstrations: DemonstrationSource, PositionedDemonstrations {
    /// Images that no step uses, each with as many questions as in a step.
    public let heldOut: [ImageQuestions]
    private let training: [ImageQuestions]
    private let order: DemonstrationOrder
    private let imagesPerStep: Int

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
                images: image.images, questions: Array(image.questions.prefix(questionsPerImage)))
        }
        let training = Array(shuffled.dropFirst(heldOutCount))
        self.training = training
        self.imagesPerStep = imagesPerStep
        order = DemonstrationOrder(
            seed: seed, counts: training.map(\.questions.count), questionsPerImage: questionsPerImage)
    }

    /// The images of `step`.
    public func images(of step: Int) -> [ImageQuestions] {
        images(at: step * imagesPerStep..<(step + 1) * imagesPerStep)
    }

    func images(at positions: Range<Int>) -> [ImageQuestions] {
        order.items(at: positions).map { image, questions in
            ImageQuestions(
                images: training[image].images, questions: questions.map { training[image].questions[$0] })
        }
    }
}

/// The images and questions at each position: a function of seed and position alone, so that a resumed run needs no
/// cursor.
///
/// Images have a new order in each epoch. An image's questions have an order of their own, which continues from epoch
/// to epoch.
struct DemonstrationOrder: Sendable {
    private let seed: UInt64
    /// The number of questions of each image.
    private let counts: [Int]
    private let questionsPerImage: Int

    init(seed: UInt64, counts: [Int], questionsPerImage: Int) {
        precondition(!counts.isEmpty && counts.allSatisfy { $0 > 0 }, "nothing to train on")
        self.seed = seed
        self.counts = counts
        self.questionsPerImage = questionsPerImage
    }

    /// The images at `positions`, with the questions of each.
    func items(at positions: Range<Int>) -> [(image: Int, questions: [Int])] {
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
struct FamilyDemonstrations: PositionedDemonstrations {
    let heldOut: [ImageQuestions]
    private let seed: UInt64
    private let families: [Family]
    private let questionsPerImage: Int

    /// - Parameters:
    ///   - families: the families of a step's images, in turn; a family that is listed twice is drawn twice as often.
    ///   - heldOutCount: the number of images of each family's validation split to measure on.
    init(
        seed: UInt64, families: [Family], heldOut heldOutCount: Int, questionsPerImage: Int
    ) {
        precondition(!families.isEmpty, "no family")
        self.seed = seed
        self.families = families
        self.questionsPerImage = questionsPerImage
        heldOut = Family.allCases.flatMap { family in
            let images = (0..<heldOutCount).map {
                family.image(seed: SeedSplit.validation.seed(at: UInt64($0)))
            }
            return Self.demonstrations(images, questionsPerImage)
        }
    }

    func images(at positions: Range<Int>) -> [ImageQuestions] {
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
struct DocumentDemonstrations: PositionedDemonstrations {
    let heldOut: [ImageQuestions]
    private let artist: Artist
    private let seed: UInt64
    private let families: [DocumentFamily]
    private let questionsPerImage: Int

    /// - Parameters:
    ///   - families: the families of a step's documents, in turn; one that is listed twice is drawn twice as often.
    ///   - heldOutCount: the number of documents of each family's validation split to measure on.
    init(
        _ artist: Artist, seed: UInt64, families: [DocumentFamily], heldOut heldOutCount: Int,
        questionsPerImage: Int
    ) throws {
        precondition(!families.isEmpty, "no family")
        self.artist = artist
        self.seed = seed
        self.families = families
        self.questionsPerImage = questionsPerImage
        heldOut = try Set(families).sorted { $0.rawValue < $1.rawValue }.flatMap { family in
            try (0..<heldOutCount).map {
                let document = try artist.document(family, seed: SeedSplit.validation.seed(at: UInt64($0)))
                return Self.demonstrations(document, questionsPerImage)
            }
        }
    }

    func images(at positions: Range<Int>) throws -> [ImageQuestions] {
        try positions.map { position in
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
                .init(text: $0.text, answer: $0.answer, group: $0.family.rawValue)
            })
    }
}
