public import Datasets
import Images
import Support

/// A generated question with the image that it is about.
public struct FamilySample: Sendable {
    /// The seed that the image is drawn from.
    public let seed: UInt64
    /// The question.
    public let question: FamilyQuestion
    /// The objects in the image.
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

    /// Upper bound on the tokens of an answer in the asked form, with a margin.
    var maximumTokens: Int {
        switch question.form {
        case .short: 16
        case .sentence: 48
        case .description: 128
        }
    }

    /// Images of the test split reserved for one draw; each draw has its own.
    private static let stride: UInt64 = 100_000

    /// Up to `count` questions, one of each family in turn, drawn by `draw`.
    static func drawInTurn(
        count: Int, draw: UInt64, batch: Int = 0, where isWanted: (FamilyQuestion) -> Bool = { _ in true }
    ) -> [FamilySample] {
        let each = (count + Family.allCases.count - 1) / Family.allCases.count
        let drawn = Family.allCases.map { Self.draw($0, count: each, draw: draw, batch: batch, where: isWanted) }
        let inTurn = (0..<each).flatMap { index in drawn.compactMap { $0.indices.contains(index) ? $0[index] : nil } }
        return Array(inTurn.prefix(count))
    }

    /// Up to `count` questions of a family, each about a different image of the test split. The questions are therefore
    /// independent, as confidence intervals assume.
    ///
    /// - Parameters:
    ///   - draw: the number of the draw; draws of different numbers use different images.
    ///   - batch: the number of the batch within the draw; batches use different images.
    ///   - isWanted: filters the questions. An image without a wanted question is skipped, and the search ends after
    ///     twenty times `count` images.
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
            var generator = SplitMix64(seed: seed)
            samples.append(
                FamilySample(seed: seed, question: generator.draw(from: questions), scene: image.scene))
        }
        return samples
    }
}

extension FamilySample: GeneratedSample {
    var family: String { question.family.rawValue }

    var size: (width: Int, height: Int) { (ShapeScene.side, ShapeScene.side) }

    func verdict(on answer: String, ended: Bool) -> Verdict {
        GoldJudge.verdict(on: answer, to: question, about: objects, ended: ended)
    }
}
