import Datasets
import Synchronization
package import Tensors

/// The pictures that the vision encoder is trained and probed on: official training pictures and generated scenes.
///
/// Which ones a step takes is a function of seed and step alone, so that a resumed run needs no cursor.
package struct VisionPictures: Sendable {
    private let seed: UInt64
    private let picturesPerStep: Int
    private let families: [Family]
    private let official: [LabelledPicture]
    /// Official training pictures that no step takes.
    let heldOutOfficial: [LabelledPicture]
    /// Scenes of the validation split.
    let heldOutScenes: [LabelledPicture]
    /// Pictures of each family's validation split.
    let heldOutFamilies: [(family: Family, pictures: [LabelledPicture])]

    init(_ dataset: EasyVQA, settings: VisionPretrainingSettings) throws(EasyVQAError) {
        var training: [LabelledPicture] = []
        var heldOut: [LabelledPicture] = []
        for (number, facts) in try dataset.trainingFacts().sorted(by: { $0.key < $1.key }) {
            let picture = LabelledPicture(try dataset.trainingPicture(number), facts: facts)
            if (number + 1) % settings.heldOutInterval == 0 {
                heldOut.append(picture)
            } else {
                training.append(picture)
            }
        }
        self.init(training: training, heldOut: heldOut, settings: settings)
    }

    package init(training: [LabelledPicture], heldOut: [LabelledPicture], settings: VisionPretrainingSettings) {
        precondition(!training.isEmpty, "no official pictures to train on")
        seed = settings.seed
        picturesPerStep = settings.picturesPerStep
        families = settings.families
        official = training
        heldOutOfficial = heldOut
        heldOutScenes = (0..<settings.heldOutScenes).map {
            LabelledPicture(ShapeScene(seed: SeedSplit.validation.seed(at: UInt64($0))))
        }
        let perFamily = (settings.heldOutScenes + Family.allCases.count - 1) / Family.allCases.count
        heldOutFamilies = Family.allCases.map { family in
            let seeds = (0..<perFamily).map { SeedSplit.validation.seed(at: UInt64($0)) }
            return (family, seeds.map { LabelledPicture(family.picture(seed: $0).scene) })
        }
    }

    /// The pictures of `step`: in turn an official one, three of families, a scene of one to three shapes, and three more
    /// of families.
    package func batch(of step: Int, on compute: Compute) -> [LabelledPicture] {
        var orders: [Int: [Int]] = [:]
        let drawn = Mutex<[Int: LabelledPicture]>([:])
        let first = step * picturesPerStep
        for place in stride(from: first, to: first + picturesPerStep, by: 1) where place % 8 == 0 {
            let (epoch, index) = (place / 8).quotientAndRemainder(dividingBy: official.count)
            let order = orders[epoch] ?? shuffled(epoch: epoch)
            orders[epoch] = order
            drawn.withLock { $0[place - first] = official[order[index]] }
        }
        compute.pool.run(count: picturesPerStep) { index in
            let place = first + index
            if place % 8 == 0 { return }
            let picture = generated(place)
            drawn.withLock { $0[index] = picture }
        }
        return drawn.withLock { drawn in (0..<picturesPerStep).compactMap { drawn[$0] } }
    }

    private func generated(_ place: Int) -> LabelledPicture {
        if place % 8 == 4 { return LabelledPicture(ShapeScene(seed: sceneSeed(place))) }
        let number = place / 8 * 6 + place % 8 - (place % 8 < 4 ? 1 : 2)
        let family = families[number % families.count]
        return LabelledPicture(family.picture(seed: sceneSeed(place)).scene)
    }

    private func shuffled(epoch: Int) -> [Int] {
        var generator = Tensors.SeededGenerator(seed: seed, stream: UInt64(epoch))
        return official.indices.shuffled(using: &generator)
    }

    /// Runs of other seeds begin elsewhere in the training split.
    private func sceneSeed(_ place: Int) -> UInt64 {
        var generator = Tensors.SeededGenerator(seed: seed, stream: UInt64(place) | 1 << 48)
        return SeedSplit.training.seed(at: generator.next() % 1_000_000_000)
    }
}
