import Support

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
