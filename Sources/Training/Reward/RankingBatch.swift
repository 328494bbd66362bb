import Datasets
import Models
import Tensors

/// The rows of one step: trees of pictures with questions and their answers, whose rewards are read at their last rows.
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
    /// The last row of each answer.
    private(set) var outputs: [Int] = []
    private(set) var prompts: [Prompt] = []
    /// The picture whose tree was begun last, and its node.
    private var tree: (picture: PictureReference, node: PackedRows.Node)?

    init(_ prompts: some Sequence<RankedPrompt>) {
        for prompt in prompts { append(prompt) }
    }

    private mutating func append(_ prompt: RankedPrompt) {
        let question = rows.append(prompt.question, after: root(of: prompt))
        let start = outputs.count
        for answer in prompt.answers {
            outputs.append(rows.append(answer, after: question).rows.upperBound - 1)
        }
        prompts.append(
            Prompt(rewards: start..<outputs.count, rankings: prompt.rankings, family: prompt.family))
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
