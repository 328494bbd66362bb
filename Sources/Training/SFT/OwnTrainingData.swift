import Checkpoints
package import Datasets
import Foundation
import Tokenizers

/// How a user's own data take part in fine-tuning.
public struct OwnDataSettings: Codable, Sendable, Equatable {
    /// A step's images, in the unit of `weights`.
    public static let whole = 1_000

    /// The share of the images that is held out, by their digests, where the data name no split.
    public var heldOutShare = 0.1
    /// The share of a step's images that each input has, in thousandths. If there are no other images, the weights are
    /// relative to each other.
    public var weights: [Int]
    /// Whether training shows images a little differently each time; nil for no.
    public var variesImages: Bool?

    /// The given weights.
    public init(weights: [Int]) {
        precondition(weights.allSatisfy { $0 > 0 } && weights.reduce(0, +) <= Self.whole, "weights \(weights)")
        self.weights = weights
    }
}

/// One input of a user's own data, cut into training and held-out examples.
struct OwnTrainingData: Sendable {
    /// What training makes of examples, and so what each must have.
    enum Use: Sendable {
        /// Dialogues with images, to learn the answers of.
        case demonstrations
        /// One question about one image, to sample answers to.
        case prompts
    }

    /// The name under which its metrics are reported.
    let group: String
    let split: OwnDataSplit
    private let files: [String]

    /// Reads the data at each of `paths`. An image is held out in all of them or in none.
    ///
    /// - Parameters:
    ///   - share: the share of the images to hold out.
    ///   - use: what all examples must be fit for.
    /// - Throws: `OwnDataError`.
    static func all(
        at paths: [String], share: Double, for use: Use = .demonstrations
    ) throws(OwnDataError) -> [OwnTrainingData] {
        let examples = try paths.map { path throws(OwnDataError) in try OwnData.examples(at: path) }
        var all: [OwnTrainingData] = []
        for (index, path) in paths.enumerated() {
            let others = examples.indices.filter { $0 != index }.flatMap { examples[$0] }
            all.append(
                try OwnTrainingData(
                    path: path, examples: examples[index], beside: others, share: share, use: use,
                    group: paths.count == 1 ? "own" : "own_\(index + 1)"))
        }
        return all
    }

    private init(
        path: String, examples: [OwnExample], beside others: [OwnExample], share: Double, use: Use, group: String
    ) throws(OwnDataError) {
        self.group = group
        files = try OwnData.files(at: path)
        for (isUnfit, reason) in use.requirements {
            try Self.refuse(examples.filter(isUnfit), of: examples, at: path, for: reason)
        }
        split = try OwnDataSplit(examples, share: share, beside: others)
        guard !split.training.isEmpty else {
            throw .unusable(path: path, reason: "all examples are held out, so there is nothing to train on")
        }
        let images = Set(examples.flatMap { $0.images.map(\.digest) }).count
        guard share == 0 || !split.heldOut.isEmpty else {
            throw .unusable(
                path: path,
                reason:
                    "none of its \(images) images is among the held-out share of \(share); raise --held-out, or pass "
                    + "--held-out 0 to measure on none")
        }
    }

    private static func refuse(
        _ some: [OwnExample], of all: [OwnExample], at path: String, for reason: String
    ) throws(OwnDataError) {
        guard let first = some.first else { return }
        throw .unusable(
            path: path,
            reason: "\(some.count) of \(all.count) examples have \(reason), so take them out; the first one is at "
                + "\(first.source)")
    }

    /// Throws if an example cannot be trained on with this format.
    func check(_ format: DialogueFormat, contextLength: Int) throws(OwnDataError) {
        let lengths = try OwnDataLengths(split.training + split.heldOut, format: format, contextLength: contextLength)
        guard lengths.faults.isEmpty else {
            throw .badLines(first: Array(lengths.faults.prefix(5)), count: lengths.faults.count)
        }
    }

    /// The digest of its files and of the images that they show.
    func digest() throws -> FileDigest {
        var (lines, bytes) = ("", 0)
        for file in files {
            let digest = try FileDigest(path: file)
            lines += "\(digest.sha256) \(URL(fileURLWithPath: file).lastPathComponent)\n"
            bytes += digest.bytes
        }
        let images = Set((split.training + split.heldOut).flatMap { $0.images.map(\.digest) })
        return FileDigest(sha256: FileDigest.sha256(of: lines + images.sorted().joined(separator: "\n")), bytes: bytes)
    }
}

extension OwnTrainingData.Use {
    /// What an example must not be, with what it then has and what is needed.
    fileprivate var requirements: [(isUnfit: @Sendable (OwnExample) -> Bool, reason: String)] {
        switch self {
        case .demonstrations:
            [
                ({ $0.answer == nil }, "no answer, and fine-tuning needs one"),
                ({ $0.images.isEmpty }, "no image, and fine-tuning needs one"),
            ]
        case .prompts:
            [
                ({ $0.images.count != 1 }, "no image or several, and reinforcement asks about one"),
                ({ $0.messages.count != 1 }, "earlier turns, and reinforcement asks one question"),
                ({ $0.showsImageAfterText }, "the image behind the question, and reinforcement shows it first"),
            ]
        }
    }
}

/// How long examples of own data are in tokens, and which of them cannot be shown to a model.
package struct OwnDataLengths: Sendable {
    /// The tokens of each example, prompt and answer together.
    package private(set) var tokens: [Int] = []
    /// The tokens of each answer, with its end.
    package private(set) var answerTokens: [Int] = []
    /// The tiles of each distinct image.
    package private(set) var tiles: [Int] = []
    /// The tokens of each distinct image.
    package private(set) var imageTokens: [Int] = []
    /// The examples that the format cannot write, or that do not fit.
    package private(set) var faults: [OwnDataFault] = []

    /// Renders `examples` as training does.
    ///
    /// - Parameter contextLength: upper bound on the tokens of an example.
    /// - Throws: `OwnDataError` if an image can no longer be read.
    package init(_ examples: [OwnExample], format: DialogueFormat, contextLength: Int) throws(OwnDataError) {
        var layouts: [String: ImageLayout] = [:]
        for example in examples {
            for image in example.images where layouts[image.digest] == nil {
                let layout = format.tiled(try image.decoded()).layout
                layouts[image.digest] = layout
                tiles.append(layout.tiles.count)
                imageTokens.append(layout.tiles.reduce(0, +))
            }
            let answer = example.answer.map { format.answer($0).count } ?? 0
            do throws(ChatTemplateError) {
                let prompt = try format.prompt(
                    example.messages, images: example.images.compactMap { layouts[$0.digest] })
                let count = prompt.prefix.count + prompt.question.count + answer
                guard count <= contextLength else {
                    let reason = "\(count) tokens, expected at most \(contextLength)"
                    faults.append(OwnDataFault(source: example.source, reason: reason))
                    continue
                }
                tokens.append(count)
                if example.answer != nil { answerTokens.append(answer) }
            } catch {
                faults.append(OwnDataFault(source: example.source, reason: error.description))
            }
        }
    }
}

/// A user's own examples as demonstrations, in a new order each epoch. Images are decoded when their step comes.
struct OwnDemonstrations: PositionedDemonstrations {
    /// Images with the questions that show them in the same conversation.
    private struct Group: Sendable {
        let images: [OwnImage]
        var questions: [ImageQuestions.Question]

        func demonstrations(_ questions: some Sequence<ImageQuestions.Question>) throws(OwnDataError) -> ImageQuestions
        {
            ImageQuestions(
                images: try images.map { image throws(OwnDataError) in try image.decoded() },
                questions: Array(questions))
        }
    }

    /// The common beginning of a group's questions: the images, and the conversation up to the last one.
    private struct Key: Hashable {
        let digests: [String]
        let beginning: [String]

        init(_ example: OwnExample) {
            digests = example.images.map(\.digest)
            let parts = example.messages.flatMap { message in
                message.content.map { (isImage: Self.isImage($0), text: "\(message.role.rawValue) \($0)") }
            }
            let end = parts.lastIndex { $0.isImage } ?? -1
            beginning = parts[..<(end + 1)].map(\.text)
        }

        private static func isImage(_ part: ChatMessage.Part) -> Bool {
            if case .image = part { true } else { false }
        }
    }

    let heldOut: [ImageQuestions]
    private let groups: [Group]
    private let order: DemonstrationOrder
    private let seed: UInt64
    private let variesImages: Bool

    /// - Parameters:
    ///   - limit: upper bound on the held-out groups that validation asks about.
    ///   - variesImages: whether images are shown a little differently each time.
    init(
        _ data: OwnTrainingData, seed: UInt64, heldOut limit: Int, questionsPerImage: Int, variesImages: Bool = false
    ) throws(OwnDataError) {
        self.seed = seed
        self.variesImages = variesImages
        groups = Self.groups(data.split.training, name: data.group)
        order = DemonstrationOrder(
            seed: seed, counts: groups.map(\.questions.count), questionsPerImage: questionsPerImage)
        heldOut = try Self.groups(data.split.heldOut, name: data.group).prefix(limit)
            .map { group throws(OwnDataError) in try group.demonstrations(group.questions.prefix(questionsPerImage)) }
    }

    func images(at positions: Range<Int>) throws -> [ImageQuestions] {
        try zip(positions, order.items(at: positions)).map { position, item in
            let group = groups[item.image]
            let shown = try group.demonstrations(item.questions.map { group.questions[$0] })
            guard variesImages else { return shown }
            var variation = ImageVariation(seed: seed, number: Self.variations | UInt64(position))
            return ImageQuestions(images: shown.images.map { variation.varied($0) }, questions: shown.questions)
        }
    }

    /// The first of the streams of random numbers that decide variations.
    private static let variations: UInt64 = 5 << 48

    private static func groups(_ examples: [OwnExample], name: String) -> [Group] {
        var groups: [Group] = []
        var indices: [Key: Int] = [:]
        for example in examples {
            guard let answer = example.answer else { continue }
            let key = Key(example)
            let index = indices[key] ?? groups.count
            if index == groups.count { groups.append(Group(images: example.images, questions: [])) }
            indices[key] = index
            groups[index].questions.append(.init(messages: example.messages, answer: answer, group: name))
        }
        return groups
    }
}
