package import Datasets
package import Images
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

/// An image with the thing that each of its pixels shows, from which the vision encoder's targets are made.
package struct LabelledScene: Sendable {
    /// The known facts about one thing; an official image's questions may leave some facts unknown.
    package struct Label: Sendable, Equatable {
        package let kind: SceneObject.Kind?
        package let colour: SceneColour?
        /// Whether it is one of the large ones; nil if the scene has only one size.
        package let isLarge: Bool?
        /// The smallest box around its pixels.
        package let box: ShapeScene.Box
    }

    /// The content of a square of pixels.
    package enum Content: Equatable {
        case background
        case label(Int)
        /// Too few pixels of a thing to recognise it: no target.
        case unclear
    }

    package let image: RGBImage
    package let labels: [Label]
    /// For each pixel 0 for the background, n + 1 for `labels[n]`.
    private let mask: [UInt8]

    /// The smallest number of a thing's pixels with which a square shows it.
    private static let minimumPixels = 4

    /// A scene of a family.
    package init(_ scene: Scene) {
        image = scene.image
        labels = scene.objects.map { Label(kind: $0.kind, colour: $0.colour, isLarge: $0.isLarge, box: $0.box) }
        mask = scene.mask
    }

    /// A scene in easy-VQA's style.
    package init(_ scene: ShapeScene) {
        image = scene.image
        labels = scene.objects.map {
            Label(kind: Self.kind($0.shape), colour: SceneColour($0.colour), isLarge: nil, box: $0.box)
        }
        mask = scene.mask
    }

    /// An official image, which shows one shape on an even background: the colour of most pixels. A pixel belongs to
    /// the shape if its difference from the background is at least 0.3 of the inside's difference: this includes
    /// half-covered edge pixels, but not their neighbours.
    package init(_ image: RGBImage, facts: ImageFacts) {
        self.image = image
        let pixels = stride(from: 0, to: image.pixels.count, by: 3).map { index in
            SIMD3<Int>(Int(image.pixels[index]), Int(image.pixels[index + 1]), Int(image.pixels[index + 2]))
        }
        let counts = Dictionary(pixels.map { ($0, 1) }, uniquingKeysWith: +)
        // The largest count alone would leave ties to the dictionary's order.
        let background = pixels.max { (counts[$0] ?? 0) < (counts[$1] ?? 0) } ?? .zero
        let distances = pixels.map { pixel in
            let difference = pixel &- background
            return (difference &* difference).wrappedSum()
        }
        let inside = distances.max() ?? 0
        mask = distances.map { $0 > 0 && 11 * $0 >= inside ? 1 : 0 }
        labels = [
            Label(
                kind: facts.shape.map(Self.kind), colour: facts.colour.map { SceneColour($0) }, isLarge: nil,
                box: ShapeScene.Box(around: 1, in: mask, width: image.width))
        ]
    }

    private static func kind(_ shape: Shape) -> SceneObject.Kind { .shape(SceneShape(shape)) }

    /// The label of the image, if it shows one thing.
    package var single: Label? { labels.count == 1 ? labels.first : nil }

    /// The numbers of labels, including itself, with a label's kind and colour, with its kind, and with its colour; nil
    /// if its kind or colour is not known.
    func counts(like label: Label) -> (twins: Int, kind: Int, colour: Int)? {
        if label.kind == nil || label.colour == nil { return nil }
        let ofKind = labels.filter { $0.kind == label.kind }
        return (
            ofKind.count { $0.colour == label.colour }, ofKind.count, labels.count { $0.colour == label.colour }
        )
    }

    /// The indices, row by row, of the squares of `side` pixels that contain the centre of each label's box.
    package func centres(side: Int) -> [Int] {
        labels.map { label in
            let (x, y) = (label.box.x + label.box.width / 2, label.box.y + label.box.height / 2)
            return y / side * (image.width / side) + x / side
        }
    }

    /// The contents of the squares of `side` pixels, row by row.
    package func contents(side: Int) -> [Content] {
        let (columns, rows) = (image.width / side, image.height / side)
        var counts = Array(repeating: 0, count: rows * columns * labels.count)
        for y in 0..<rows * side {
            for x in 0..<columns * side {
                let owner = Int(mask[y * image.width + x])
                if owner > 0 { counts[(y / side * columns + x / side) * labels.count + owner - 1] += 1 }
            }
        }
        return (0..<rows * columns).map { square in
            let shares = counts[square * labels.count..<(square + 1) * labels.count]
            let largest = shares.max() ?? 0
            if largest == 0 { return .background }
            guard largest >= Self.minimumPixels, let index = shares.firstIndex(of: largest) else { return .unclear }
            return .label(index - shares.startIndex)
        }
    }
}
