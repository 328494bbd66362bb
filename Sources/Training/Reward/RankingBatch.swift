import Datasets
import Models
import Tensors

/// The rows of one step: trees of images with questions and their answers.
struct RankingBatch: Sendable {
    /// A question, and where the rewards of its answers are. Equal answers share one: samples often coincide.
    struct Prompt: Sendable {
        let indices: [Int]
        let rankings: [RankedAnswers.Ranking]
        let family: String
    }

    private(set) var rows = PackedRows()
    /// Where the visual tokens of each image stand, and what the decoder reads there.
    private(set) var images: [(row: Int, embeddings: Tensor)] = []
    /// The tokens of all different answers.
    private(set) var targets: [Int32] = []
    /// Where each one's tokens are among them.
    private(set) var answers: [Range<Int>] = []
    private var predicting: [Int] = []
    private var ends: [Int] = []
    private(set) var prompts: [Prompt] = []
    /// The image whose tree was begun last, and its node.
    private var tree: (image: PreferenceImage, node: PackedRows.Node)?

    /// The rows that predict the answers' tokens, in their order, and then each answer's last row.
    var outputs: [Int] { predicting + ends }

    init(_ prompts: some Sequence<RankedPrompt>) {
        for prompt in prompts { append(prompt) }
    }

    /// The rewards of each prompt's answers, given those of the different ones.
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

    /// The node of the prompt's image, which follows that of the prompt before if both show the same one.
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
