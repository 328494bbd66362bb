import Tensors

/// Which pictures and questions a step takes: a function of seed and step alone, so that a resumed run needs no cursor.
///
/// Pictures come in a new order each epoch. A picture's questions come in an order of its own, and each epoch goes on
/// where the last one stopped.
struct DemonstrationOrder: Sendable {
    private let seed: UInt64
    /// Questions of each picture.
    private let counts: [Int]
    private let picturesPerStep: Int
    private let questionsPerPicture: Int

    init(seed: UInt64, counts: [Int], picturesPerStep: Int, questionsPerPicture: Int) {
        precondition(!counts.isEmpty && counts.allSatisfy { $0 > 0 }, "nothing to train on")
        self.seed = seed
        self.counts = counts
        self.picturesPerStep = picturesPerStep
        self.questionsPerPicture = questionsPerPicture
    }

    /// The pictures of `step` and the questions of each.
    func items(of step: Int) -> [(picture: Int, questions: [Int])] {
        let places = step * picturesPerStep..<(step + 1) * picturesPerStep
        var orders: [Int: [Int]] = [:]
        return places.map { place in
            let (epoch, index) = place.quotientAndRemainder(dividingBy: counts.count)
            let order = orders[epoch] ?? shuffled(counts.count, stream: Stream.epoch(epoch))
            orders[epoch] = order
            return (order[index], questions(of: order[index], epoch: epoch))
        }
    }

    private func questions(of picture: Int, epoch: Int) -> [Int] {
        let count = counts[picture]
        let order = shuffled(count, stream: Stream.picture(picture))
        return (0..<min(count, questionsPerPicture)).map { order[(epoch * questionsPerPicture + $0) % count] }
    }

    private func shuffled(_ count: Int, stream: UInt64) -> [Int] {
        var generator = SeededGenerator(seed: seed, stream: stream)
        return (0..<count).shuffled(using: &generator)
    }

    /// Streams of random numbers under the run's seed, apart from each other.
    private enum Stream {
        static func epoch(_ epoch: Int) -> UInt64 { 1 << 40 | UInt64(epoch) }
        static func picture(_ picture: Int) -> UInt64 { 2 << 40 | UInt64(picture) }
    }
}
