package import Datasets
import Models
package import Tensors
import Tokenizers

/// A ranked question as token ids: the prompt up to its image, the rest of the prompt, and the answers.
public struct RankedPrompt: Sendable {
    /// The comparison that it was made of.
    package let id: String
    /// The image, which decides the tree: consecutive prompts about equal images share the rows of `prefix`.
    package let image: PreferenceImage?
    /// The prompt up to and with the image; empty without one.
    package let prefix: [Int32]
    /// The rows of each of the image's tiles in the prefix.
    package let tiles: [Range<Int>]
    /// The embeddings of these rows, `[visual tokens, hidden]`.
    package let embeddings: Tensor?
    /// The rest of the prompt.
    package let question: [Int32]
    /// The answers, each with its end token if it ended.
    package let answers: [[Int32]]
    /// The rankings of all labelers; empty for answers that are only scored.
    package let rankings: [RankedAnswers.Ranking]
    /// The family, for a report's metrics.
    package let family: String
    /// The indices of the distractors, the answers to another image.
    package let distractors: Set<Int>

    /// The given prompt, whose tokens and embeddings already exist.
    package init(
        id: String, image: PreferenceImage?, prefix: [Int32], tiles: [Range<Int>], embeddings: Tensor?,
        question: [Int32],
        answers: [[Int32]], rankings: [RankedAnswers.Ranking], family: String, distractors: Set<Int> = []
    ) {
        precondition(answers.allSatisfy { !$0.isEmpty }, "an answer without tokens has no reward")
        let rows = tiles.reduce(0) { $0 + $1.count }
        precondition(rows == embeddings?.rows ?? 0, "\(rows) rows for a picture of other size")
        self.id = id
        self.image = image
        self.prefix = prefix
        self.tiles = tiles
        self.embeddings = embeddings
        self.question = question
        self.answers = answers
        self.rankings = rankings
        self.family = family
        self.distractors = distractors
    }

    /// The prompt with a further answer, which no ranking contains.
    func appending(_ answer: [Int32]) -> RankedPrompt {
        RankedPrompt(
            id: id, image: image, prefix: prefix, tiles: tiles, embeddings: embeddings, question: question,
            answers: answers + [answer], rankings: rankings, family: family, distractors: distractors)
    }

    /// The prompt with other answers, without rankings.
    func scoring(_ answers: [[Int32]]) -> RankedPrompt {
        RankedPrompt(
            id: id, image: image, prefix: prefix, tiles: tiles, embeddings: embeddings, question: question,
            answers: answers, rankings: [], family: family)
    }
}

/// Prompts for training, and prompts about other images to measure on.
struct RankedPromptSplit: Sendable {
    /// Prompts about one image are neighbours.
    let training: [RankedPrompt]
    let heldOut: [RankedPrompt]

    /// Holds out the prompts about `heldOutImages` images, which the generator chooses.
    ///
    /// - Throws: `RankedAnswersError.tooFew` if no prompts are left for training.
    init(
        _ prompts: [RankedPrompt], heldOutImages: Int, using generator: inout some RandomNumberGenerator
    ) throws(RankedAnswersError) {
        let groups = Self.grouped(prompts).shuffled(using: &generator)
        guard groups.count > heldOutImages else {
            throw .tooFew(what: "pictures", expected: heldOutImages + 1, found: groups.count)
        }
        heldOut = Array(groups.prefix(heldOutImages).joined())
        training = Array(groups.dropFirst(heldOutImages).joined())
    }

    /// Prompts grouped by image, in the order of each image's first prompt. A prompt without an image is a group by
    /// itself.
    static func grouped(_ prompts: [RankedPrompt]) -> [[RankedPrompt]] {
        var indices: [PreferenceImage: Int] = [:]
        var groups: [[RankedPrompt]] = []
        for prompt in prompts {
            if let image = prompt.image, let index = indices[image] {
                groups[index].append(prompt)
            } else {
                if let image = prompt.image { indices[image] = groups.count }
                groups.append([prompt])
            }
        }
        return groups
    }
}

/// Renders ranked answers exactly as in serving.
public struct RankedPromptReader: Sendable {
    private let format: DialogueFormat
    private let vocabulary: Int

    /// A reader for a model of `vocabulary` tokens.
    public init(format: DialogueFormat, vocabulary: Int) {
        self.format = format
        self.vocabulary = vocabulary
    }

    /// The prompt and answers of a comparison.
    ///
    /// - Parameter image: the encoded image; nil for text.
    /// - Throws: `ChatTemplateError`, or `RankedAnswersError.completion` for an answer that cannot be scored.
    public func prompt(of ranked: RankedAnswers, image: EncodedImage?) throws -> RankedPrompt {
        let prompt = try format.prompt(ranked.question, image: image?.layout)
        var answers: [[Int32]] = []
        for (index, completion) in ranked.completions.enumerated() {
            let tokens = tokens(of: completion)
            if tokens.isEmpty {
                throw RankedAnswersError.completion(id: ranked.id, index: index, reason: "has no token")
            }
            if let unknown = tokens.first(where: { $0 < 0 || Int($0) >= vocabulary }) {
                throw RankedAnswersError.completion(
                    id: ranked.id, index: index, reason: "has the token \(unknown), the model \(vocabulary)")
            }
            answers.append(tokens)
        }
        return RankedPrompt(
            id: ranked.id, image: ranked.image, prefix: prompt.prefix, tiles: prompt.tiles,
            embeddings: image?.embeddings, question: prompt.question, answers: answers, rankings: ranked.rankings,
            family: ranked.family,
            distractors: Set(ranked.completions.indices.filter { ranked.completions[$0].isDistractor }))
    }

    /// The tokens of a complete answer, including the end token.
    func answer(_ answer: String) -> [Int32] { format.answer(answer) }

    /// The sampled tokens, or the tokens of the text if those are unknown. An answer that was cut off has no end token;
    /// its reward is read at its last token, as in PPO before the penalty for a missing end.
    private func tokens(of completion: PreferenceRecord.RankedCompletion) -> [Int32] {
        if !completion.tokens.isEmpty { return completion.tokens }
        switch completion.finishReason {
        case .stop: return format.answer(completion.text)
        case .length: return format.tokenizer.encode(completion.text, special: .asText)
        }
    }
}

/// The rows of one step: trees of images with their questions and answers.
struct RankingBatch: Sendable {
    /// A question, and the indices of its answers' rewards. Equal answers share one: samples often coincide.
    struct Prompt: Sendable {
        let indices: [Int]
        let rankings: [RankedAnswers.Ranking]
        let family: String
    }

    private(set) var trees = AnswerTrees()
    private(set) var prompts: [Prompt] = []
    /// The image of the latest tree, and its node.
    private var tree: (image: PreferenceImage, node: PackedRows.Node)?

    /// The rows that predict the answers' tokens, in the tokens' order, and then each answer's last row.
    var outputs: [Int] { trees.predictors + trees.ends }

    init(_ prompts: some Sequence<RankedPrompt>) {
        for prompt in prompts { append(prompt) }
    }

    /// The rewards of each prompt's answers, from the rewards of the distinct answers.
    func byPrompt(_ rewards: [Float]) -> [[Float]] {
        prompts.map { $0.indices.map { rewards[$0] } }
    }

    private mutating func append(_ prompt: RankedPrompt) {
        let question = trees.append(question: prompt.question, after: root(of: prompt))
        var known: [[Int32]: Int] = [:]
        let indices = prompt.answers.map { answer in
            if let index = known[answer] { return index }
            let index = trees.answers.count
            known[answer] = index
            trees.append(answer: answer, after: question, withEnd: true)
            return index
        }
        prompts.append(Prompt(indices: indices, rankings: prompt.rankings, family: prompt.family))
    }

    /// The node of the prompt's image: the previous prompt's node if both have the same image.
    private mutating func root(of prompt: RankedPrompt) -> PackedRows.Node? {
        guard let embeddings = prompt.embeddings else {
            tree = nil
            return nil
        }
        if let tree, tree.image == prompt.image { return tree.node }
        let node = trees.append(image: prompt.prefix, tiles: prompt.tiles, embeddings: embeddings)
        tree = prompt.image.map { ($0, node) }
        return node
    }
}
