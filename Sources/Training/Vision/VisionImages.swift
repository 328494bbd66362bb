import Datasets
import Support
import Synchronization
package import Tensors

/// The images that train and test the vision encoder: official training images and generated scenes.
///
/// A step's images are a function of seed and step alone, so that a resumed run needs no cursor.
package struct VisionImages: Sendable {
    private let seed: UInt64
    private let imagesPerStep: Int
    private let families: [Family]
    private let official: [LabelledScene]
    /// Official training images that no step uses.
    let heldOutOfficial: [LabelledScene]
    /// Scenes of the validation split.
    let heldOutScenes: [LabelledScene]
    /// Images of each family's validation split.
    let heldOutFamilies: [(family: Family, images: [LabelledScene])]

    init(_ dataset: EasyVQA, settings: VisionPretrainingSettings) throws(EasyVQAError) {
        var training: [LabelledScene] = []
        var heldOut: [LabelledScene] = []
        for (number, facts) in try dataset.trainingFacts().sorted(by: { $0.key < $1.key }) {
            let image = LabelledScene(try dataset.trainingImage(number), facts: facts)
            if (number + 1) % settings.heldOutInterval == 0 {
                heldOut.append(image)
            } else {
                training.append(image)
            }
        }
        self.init(training: training, heldOut: heldOut, settings: settings)
    }

    package init(training: [LabelledScene], heldOut: [LabelledScene], settings: VisionPretrainingSettings) {
        precondition(!training.isEmpty, "no official pictures to train on")
        seed = settings.seed
        imagesPerStep = settings.imagesPerStep
        families = settings.families
        official = training
        heldOutOfficial = heldOut
        heldOutScenes = (0..<settings.heldOutScenes).map {
            LabelledScene(ShapeScene(seed: SeedSplit.validation.seed(at: UInt64($0))))
        }
        let perFamily = (settings.heldOutScenes + Family.allCases.count - 1) / Family.allCases.count
        heldOutFamilies = Family.allCases.map { family in
            let seeds = (0..<perFamily).map { SeedSplit.validation.seed(at: UInt64($0)) }
            return (family, seeds.map { LabelledScene(family.image(seed: $0).scene) })
        }
    }

    /// The images of `step`, in a repeating order: an official image, three of families, a scene of one to three
    /// shapes, and three more of families.
    package func batch(of step: Int, on compute: Compute) -> [LabelledScene] {
        var orders: [Int: [Int]] = [:]
        let drawn = Mutex<[Int: LabelledScene]>([:])
        let first = step * imagesPerStep
        for position in stride(from: first, to: first + imagesPerStep, by: 1) where position % 8 == 0 {
            let (epoch, index) = (position / 8).quotientAndRemainder(dividingBy: official.count)
            let order = orders[epoch] ?? shuffled(epoch: epoch)
            orders[epoch] = order
            drawn.withLock { $0[position - first] = official[order[index]] }
        }
        compute.pool.run(count: imagesPerStep) { index in
            let position = first + index
            if position % 8 == 0 { return }
            let image = generated(position)
            drawn.withLock { $0[index] = image }
        }
        return drawn.withLock { drawn in (0..<imagesPerStep).compactMap { drawn[$0] } }
    }

    private func generated(_ position: Int) -> LabelledScene {
        if position % 8 == 4 { return LabelledScene(ShapeScene(seed: sceneSeed(position))) }
        let number = position / 8 * 6 + position % 8 - (position % 8 < 4 ? 1 : 2)
        let family = families[number % families.count]
        return LabelledScene(family.image(seed: sceneSeed(position)).scene)
    }

    private func shuffled(epoch: Int) -> [Int] {
        var generator = SplitMix64(seed: seed, stream: UInt64(epoch))
        return official.indices.shuffled(using: &generator)
    }

    /// Runs with other seeds begin elsewhere in the training split.
    private func sceneSeed(_ position: Int) -> UInt64 {
        var generator = SplitMix64(seed: seed, stream: UInt64(position) | 1 << 48)
        return SeedSplit.training.seed(at: generator.next() % 1_000_000_000)
    }
}
