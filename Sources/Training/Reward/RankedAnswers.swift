import Checkpoints
public import Datasets
import Images
import Models
import Policies
import Tensors
import Tokenizers

/// A question, its answers, and every labeler's ranking of them: all records of one comparison.
public struct RankedAnswers: Sendable, Equatable {
    /// One labeler's preferences.
    public struct Ranking: Sendable, Equatable {
        /// The labeler.
        public let labeler: PreferenceRecord.Labeler
        /// The ordered pairs; none for an answer that was judged by itself.
        public let pairs: [PreferenceRecord.Pair]
        /// The answers that are good or bad without pairs: those that no other is preferred to, and those that are
        /// preferred to no other. The answers between them are neither.
        package let verdicts: [Verdict]
        /// How many rankings it counts for in the loss.
        package var weight: Double

        /// What was said of an answer by itself.
        package struct Verdict: Sendable, Equatable {
            /// The answer's index.
            package let answer: Int
            /// Whether it is good.
            package let isDesirable: Bool
        }

        package init(labeler: PreferenceRecord.Labeler, pairs: [PreferenceRecord.Pair], weight: Double = 1) {
            let (chosen, rejected) = (Set(pairs.map(\.chosen)), Set(pairs.map(\.rejected)))
            self.labeler = labeler
            self.pairs = pairs
            self.weight = weight
            verdicts =
                chosen.subtracting(rejected).sorted().map { Verdict(answer: $0, isDesirable: true) }
                + rejected.subtracting(chosen).sorted().map { Verdict(answer: $0, isDesirable: false) }
        }

        /// A thumb: the first answer is good or bad.
        fileprivate init(labeler: PreferenceRecord.Labeler, isGood: Bool) {
            self.labeler = labeler
            pairs = []
            weight = 1
            verdicts = [Verdict(answer: 0, isDesirable: isGood)]
        }
    }

    /// The identifier of the comparison.
    public let id: String
    /// The image of the question; nil for text.
    public let image: PreferenceImage?
    /// The user's turn.
    public let question: String
    /// The question's index among the image's generated questions; nil for other questions.
    public let questionIndex: Int?
    /// The answers.
    public let completions: [PreferenceRecord.RankedCompletion]
    /// One ranking for each labeler with a preference. A labeler who ranks all answers equal has none.
    public var rankings: [Ranking]

    private init(_ record: PreferenceRecord) {
        id = record.id
        image = record.image
        question = record.question
        questionIndex = record.questionIndex
        completions = record.completions
        rankings = []
    }

    /// An answer with a thumb.
    package init(_ thumb: UnpairedPreference.Answer) {
        id = "thumb \(thumb.line)"
        image = thumb.image
        question = thumb.question
        questionIndex = nil
        completions = [.init(text: thumb.answer, tokens: [], policy: nil, finishReason: .stop)]
        rankings = [Ranking(labeler: .init(kind: .human, id: thumb.labeler), isGood: thumb.isGood)]
    }

    /// The comparisons in `records`, in the order of their first records, without those where no labeler has a
    /// preference.
    ///
    /// - Throws: `RankedAnswersError.contradiction` if records of one comparison differ in the ranked answers.
    public static func comparisons(
        of records: [PreferenceRecord]
    ) throws(RankedAnswersError) -> [RankedAnswers] {
        var indices: [String: Int] = [:]
        var comparisons: [RankedAnswers] = []
        for record in records {
            let index = indices[record.id] ?? comparisons.count
            if index == comparisons.count {
                indices[record.id] = index
                comparisons.append(RankedAnswers(record))
            }
            let first = comparisons[index]
            guard
                first.image == record.image, first.question == record.question,
                first.completions == record.completions
            else { throw .contradiction(id: record.id) }
            if !record.pairs.isEmpty {
                comparisons[index].rankings.append(Ranking(labeler: record.labeler, pairs: record.pairs))
            }
        }
        return comparisons.filter { !$0.rankings.isEmpty }
    }

    /// The comparison with each of its rankings counting `weight` times.
    func weighted(by weight: Double) -> RankedAnswers {
        var weighted = self
        for index in rankings.indices { weighted.rankings[index].weight = weight }
        return weighted
    }

    /// The image's family, by its name in reports.
    public var family: String {
        switch image {
        case .generated(let family, _): ImageKind.family(family).name
        case .document(let family, _): ImageKind.document(family).name
        case .easyVQA: "easy-vqa"
        case .stored: "sent"
        case nil: "text"
        }
    }
}

/// Why rankings cannot be used for training.
public enum RankedAnswersError: Error, Equatable, CustomStringConvertible {
    /// Two records of one comparison have different answers or questions.
    case contradiction(id: String)
    /// A completion has no token whose reward could be read, or a token outside of the vocabulary.
    case completion(id: String, index: Int, reason: String)
    /// An image belongs to another split than the training asks for.
    case split(id: String, expected: SeedSplit, found: SeedSplit)
    /// There are too few comparisons, or too few images to hold some out.
    case tooFew(what: String, expected: Int, found: Int)

    /// What is wrong, and where.
    public var description: String {
        switch self {
        case .contradiction(let id): "comparison \(id): its records rank other answers, or answers to another question"
        case .completion(let id, let index, let reason): "comparison \(id): candidates[\(index)] \(reason)"
        case .split(let id, let expected, let found):
            "comparison \(id): expected a picture for \(expected.rawValue), found one for \(found.rawValue)"
        case .tooFew(let what, let expected, let found): "expected at least \(expected) \(what), found \(found)"
        }
    }
}

/// The rankings of a run, the embeddings of their images, and the prompts made of both.
struct RankedData {
    let training: [RankedAnswers]
    let heldOut: [RankedAnswers]
    private let demonstrated: (RankedAnswers) throws -> String?
    private let reader: RankedPromptReader
    private let images: [PreferenceImage: EncodedImage]
    /// The embeddings of a blank tile, `[tokens of a tile, hidden]`.
    let blankTile: Tensor

    /// Encodes each image of `files` once, as serving does: vision encoder and connector are frozen.
    init(
        _ files: RankedFiles, of inputs: RankingInputs, basis: PolicyBasis, on compute: Compute,
        report: (String) -> Void
    ) throws {
        (training, heldOut) = (files.training, files.heldOut)
        demonstrated = inputs.demonstration
        let model = inputs.baseModel
        let vision = try basis.vision(in: inputs.vision, over: model, on: compute)
        let format = try DialogueFormat(
            template: ChatTemplate(named: basis.template, model: model.template), processor: vision.processor,
            positionsPerTile: vision.encoder.configuration.positionsPerTile, reader: vision.reader,
            tokenizer: Tokenizer(model.vocabulary))
        reader = RankedPromptReader(format: format, vocabulary: model.decoder.configuration.vocabulary)
        var images: [PreferenceImage: EncodedImage] = [:]
        for reference in (training + heldOut).compactMap(\.image) where images[reference] == nil {
            let image = format.tiled(try inputs.image(reference))
            images[reference] = EncodedImage(
                layout: image.layout, embeddings: vision.encoder.encode(image.pixels))
            if images.count % 500 == 0 { report("\(images.count) images encoded") }
        }
        self.images = images
        let side = vision.processor.tileSize
        let blank = RGBImage(width: side, height: side, red: 243, green: 243, blue: 243)
        blankTile = vision.encoder.encode(vision.processor.tiles(of: blank, detail: .low))
    }

    /// Each comparison's prompt, in order.
    func prompts(of comparisons: [RankedAnswers]) throws -> [RankedPrompt] {
        try comparisons.map { try reader.prompt(of: $0, image: $0.image.flatMap { images[$0] }) }
    }

    /// For each prompt the tokens of the demonstrated answer, found by the comparison that the prompt was made of.
    func demonstrations(for prompts: [RankedPrompt]) throws -> [[Int32]?] {
        let comparisons = Dictionary(uniqueKeysWithValues: (training + heldOut).map { ($0.id, $0) })
        return try prompts.map { prompt in
            try comparisons[prompt.id].flatMap(demonstrated).map(reader.answer)
        }
    }
}
