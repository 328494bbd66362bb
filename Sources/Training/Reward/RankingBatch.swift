import Datasets
import Models

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
        let node = trees.append(image: prompt.prefix, visual: prompt.visual, embeddings: embeddings)
        tree = prompt.image.map { ($0, node) }
        return node
    }
}
