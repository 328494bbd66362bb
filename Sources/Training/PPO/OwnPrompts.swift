import Checkpoints
import Datasets

/// A user's own images with the questions about each, in a new order each epoch. Answers take no part. Images are
/// decoded when their iteration comes.
struct OwnPrompts: PositionedPrompts {
    /// An image with all its questions.
    private struct Group: Sendable {
        let image: OwnImage
        let reference: PreferenceImage
        var questions: [String]

        init(_ image: OwnImage) throws(OwnDataError) {
            self.image = image
            reference = .stored(sha256: FileDigest.sha256(of: try image.bytes()))
            questions = []
        }

        func prompts(_ questions: some Sequence<String>) throws(OwnDataError) -> ImagePrompts {
            ImagePrompts(reference: reference, image: try image.decoded(), questions: Array(questions))
        }
    }

    /// Images that no position has, each with as many questions as in an iteration.
    let heldOut: [ImagePrompts]
    private let groups: [Group]
    private let order: DemonstrationOrder

    /// - Parameters:
    ///   - data: read as prompts: an image and a question each.
    ///   - heldOut: upper bound on the held-out images.
    ///   - questions: upper bound on the questions of each image.
    /// - Throws: `OwnDataError` if an image can no longer be read.
    init(_ data: OwnTrainingData, seed: UInt64, heldOut limit: Int, questions: Int) throws(OwnDataError) {
        groups = try Self.groups(data.split.training)
        order = DemonstrationOrder(seed: seed, counts: groups.map(\.questions.count), questionsPerImage: questions)
        heldOut = try Self.groups(data.split.heldOut).prefix(limit)
            .map { group throws(OwnDataError) in try group.prompts(group.questions.prefix(questions)) }
    }

    func images(at positions: Range<Int>) throws -> [ImagePrompts] {
        try order.items(at: positions).map { item in
            let group = groups[item.image]
            return try group.prompts(item.questions.map { group.questions[$0] })
        }
    }

    /// The images in the order of their first questions. A question that stands twice is asked once.
    private static func groups(_ examples: [OwnExample]) throws(OwnDataError) -> [Group] {
        var groups: [Group] = []
        var indices: [String: Int] = [:]
        for example in examples {
            let image = example.images[0]
            let index = indices[image.digest] ?? groups.count
            if index == groups.count { groups.append(try Group(image)) }
            indices[image.digest] = index
            if !groups[index].questions.contains(example.question) { groups[index].questions.append(example.question) }
        }
        return groups
    }
}
