import Datasets
import Models
import Tensors

/// The rows of one step: trees of pictures with questions and their answers.
struct RankingBatch: Sendable {
    /// A question's place among the rewards.
    struct Prompt: Sendable {
        let rewards: Range<Int>
        let rankings: [RankedAnswers.Ranking]
        let family: String
    }

    private(set) var rows = PackedRows()
    /// Where the visual tokens of each picture stand, and what the decoder reads there.
    private(set) var pictures: [(row: Int, embeddings: Tensor)] = []
    /// The tokens of all answers.
    private(set) var targets: [Int32] = []
    /// The places of each answer's tokens among them.
    private(set) var answers: [Range<Int>] = []
    private var predicting: [Int] = []
    private var ends: [Int] = []
    private(set) var prompts: [Prompt] = []
    /// The picture whose tree was begun last, and its node.
    private var tree: (picture: PictureReference, node: PackedRows.Node)?

    /// The rows that predict the answers' tokens, in their order, and then the last row of each answer.
    var outputs: [Int] { predicting + ends }

    init(_ prompts: some Sequence<RankedPrompt>) {
        for prompt in prompts { append(prompt) }
    }

    private mutating func append(_ prompt: RankedPrompt) {
        let question = rows.append(prompt.question, after: root(of: prompt))
        let start = ends.count
        for answer in prompt.answers {
            let node = rows.append(answer, after: question)
            predicting += [question.rows.upperBound - 1] + node.rows.dropLast()
            answers.append(targets.count..<targets.count + answer.count)
            targets += answer
            ends.append(node.rows.upperBound - 1)
        }
        prompts.append(
            Prompt(rewards: start..<ends.count, rankings: prompt.rankings, family: prompt.family))
    }

    /// The node of the prompt's picture, which follows that of the prompt before if both show the same one.
    private mutating func root(of prompt: RankedPrompt) -> PackedRows.Node? {
        guard let embeddings = prompt.embeddings else {
            tree = nil
            return nil
        }
        if let tree, tree.picture == prompt.picture { return tree.node }
        let node = rows.append(prompt.prefix)
        pictures.append((node.rows.lowerBound + prompt.visual.lowerBound, embeddings))
        tree = prompt.picture.map { ($0, node) }
        return node
    }
}
