public import Datasets
import Images

/// A generated question with the image that it is about.
public struct FamilySample: Sendable {
    /// The seed that the image is drawn from.
    public let seed: UInt64
    /// The question.
    public let question: FamilyQuestion
    /// What is in the image.
    public let objects: [SceneObject]
    /// The image as a PNG file's bytes.
    public let png: [UInt8]

    /// A question about a scene.
    package init(seed: UInt64, question: FamilyQuestion, scene: Scene) {
        self.seed = seed
        self.question = question
        objects = scene.objects
        png = ImageFile.encode(scene.image)
    }

    /// Tokens that an answer in the asked form may take, with some to spare.
    var maximumTokens: Int {
        switch question.form {
        case .short: 16
        case .sentence: 48
        case .description: 128
        }
    }

    /// Images of the test split that one draw can take; draws of other numbers take others.
    private static let stride: UInt64 = 100_000

    /// Up to `count` questions of all families, one of each in turn, drawn as below.
    static func drawInTurn(
        count: Int, draw: UInt64, batch: Int = 0, where isWanted: (FamilyQuestion) -> Bool = { _ in true }
    ) -> [FamilySample] {
        let each = (count + Family.allCases.count - 1) / Family.allCases.count
        let drawn = Family.allCases.map { Self.draw($0, count: each, draw: draw, batch: batch, where: isWanted) }
        let inTurn = (0..<each).flatMap { index in drawn.compactMap { $0.indices.contains(index) ? $0[index] : nil } }
        return Array(inTurn.prefix(count))
    }

    /// Up to `count` questions of a family about as many images of the test split, one for each image: so they are
    /// independent of each other, as intervals suppose.
    ///
    /// - Parameters:
    ///   - draw: which images; each number has its own.
    ///   - part: draws of several parts have other images in each.
    ///   - isWanted: leaves questions out; an image without a wanted one is passed by, and after twenty times `count`
    ///     images there are no more.
    public static func draw(
        _ family: Family, count: Int, draw: UInt64, batch: Int = 0,
        where isWanted: (FamilyQuestion) -> Bool = { _ in true }
    ) -> [FamilySample] {
        let range = 20 * UInt64(count)
        precondition(count > 0 && batch >= 0 && (UInt64(batch) + 1) * range <= stride)
        let first = draw % 10_000 * stride + UInt64(batch) * range
        var samples: [FamilySample] = []
        for index in first..<(first + range) where samples.count < count {
            let seed = SeedSplit.test.seed(at: index)
            let image = family.image(seed: seed)
            let questions = image.questions.filter(isWanted)
            guard !questions.isEmpty else { continue }
            var generator = SeededGenerator(seed: seed)
            samples.append(
                FamilySample(seed: seed, question: generator.draw(from: questions), scene: image.scene))
        }
        return samples
    }
}
