public import Datasets
import Images

/// A generated question with the picture that it is about.
public struct FamilySample: Sendable {
    /// The seed that the picture is drawn from.
    public let seed: UInt64
    /// The question.
    public let question: FamilyQuestion
    /// What is in the picture.
    public let objects: [SceneObject]
    /// The picture as a PNG file's bytes.
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

    /// Pictures of the test split that one draw can take; draws of other numbers take others.
    private static let stride: UInt64 = 100_000

    /// Up to `count` questions of all families, one of each in turn, drawn as below.
    static func drawInTurn(
        count: Int, draw: UInt64, part: Int = 0, where isWanted: (FamilyQuestion) -> Bool = { _ in true }
    ) -> [FamilySample] {
        let each = (count + Family.allCases.count - 1) / Family.allCases.count
        let drawn = Family.allCases.map { Self.draw($0, count: each, draw: draw, part: part, where: isWanted) }
        let inTurn = (0..<each).flatMap { index in drawn.compactMap { $0.indices.contains(index) ? $0[index] : nil } }
        return Array(inTurn.prefix(count))
    }

    /// Up to `count` questions of a family about as many pictures of the test split, one for each picture: so they are
    /// independent of each other, as intervals suppose.
    ///
    /// - Parameters:
    ///   - draw: which pictures; each number has its own.
    ///   - part: draws of several parts have other pictures in each.
    ///   - isWanted: leaves questions out; a picture without a wanted one is passed by, and after twenty times `count`
    ///     pictures there are no more.
    public static func draw(
        _ family: Family, count: Int, draw: UInt64, part: Int = 0,
        where isWanted: (FamilyQuestion) -> Bool = { _ in true }
    ) -> [FamilySample] {
        let range = 20 * UInt64(count)
        precondition(count > 0 && part >= 0 && (UInt64(part) + 1) * range <= stride)
        let first = draw % 10_000 * stride + UInt64(part) * range
        var samples: [FamilySample] = []
        for index in first..<(first + range) where samples.count < count {
            let seed = SeedSplit.test.seed(at: index)
            let picture = family.picture(seed: seed)
            let questions = picture.questions.filter(isWanted)
            guard !questions.isEmpty else { continue }
            var generator = SeededGenerator(seed: seed)
            samples.append(
                FamilySample(seed: seed, question: generator.draw(from: questions), scene: picture.scene))
        }
        return samples
    }
}
