import Datasets
import Models
import Tensors

/// The rows of one step: trees of images with their questions and answers.
struct RankingBatch: Sendable {
    /// A question, and the indices of its answers' rewards. Equal answers share one: samples often coincide.
    struct Prompt: Sendable {
        let indices: [Int]
        let rankings: [RankedAnswers.Ranking]
        let family: String
    }

    private(set) var rows = PackedRows()
    /// The first row of each image's visual tokens, and their embeddings.
    private(set) var images: [(row: Int, embeddings: Tensor)] = []
    /// The tokens of all distinct answers.
    private(set) var targets: [Int32] = []
    /// The range of each distinct answer in these tokens.
    private(set) var answers: [Range<Int>] = []
    private var predicting: [Int] = []
    private var ends: [Int] = []
    private(set) var prompts: [Prompt] = []
    /// The image of the latest tree, and its node.
    private var tree: (image: PreferenceImage, node: PackedRows.Node)?

    /// The rows that predict the answers' tokens, in their order, followed by each answer's last row.
    var outputs: [Int] { predicting + ends }

    init(_ prompts: some Sequence<RankedPrompt>) {
        for prompt in prompts { append(prompt) }
    }

    /// The rewards of each prompt's answers, from the rewards of the distinct answers.
    func byPrompt(_ rewards: [Float]) -> [[Float]] {
        prompts.map { $0.indices.map { rewards[$0] } }
    }

    private mutating func append(_ prompt: RankedPrompt) {
        let question = rows.append(prompt.question, after: root(of: prompt))
        var known: [[Int32]: Int] = [:]
        let indices = prompt.answers.map { answer in
            if let index = known[answer] { return index }
            known[answer] = ends.count
            let node = rows.append(answer, after: question)
            predicting += [question.rows.upperBound - 1] + node.rows.dropLast()
            answers.append(targets.count..<targets.count + answer.count)
            targets += answer
            ends.append(node.rows.upperBound - 1)
            return ends.count - 1
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
        let node = rows.append(prompt.prefix)
        images.append((node.rows.lowerBound + prompt.visual.lowerBound, embeddings))
        tree = prompt.image.map { ($0, node) }
        return node
    }
}
