/// Words as a tree of their letters, so that common beginnings are there once.
struct WordTree<Letter: Hashable> {
    private struct Branch: Hashable {
        var node: Int
        var letter: Letter
    }

    private struct Node {
        var isWord = false
        var branches: [(letter: Letter, node: Int)] = []
    }

    /// Every node comes behind the one that it branches from; the first is the root.
    private var nodes = [Node()]
    private var known: [Branch: Int] = [:]

    /// Adds a word.
    mutating func add(_ word: some Sequence<Letter>) {
        var node = 0
        for letter in word {
            let branch = Branch(node: node, letter: letter)
            if let next = known[branch] {
                node = next
                continue
            }
            nodes[node].branches.append((letter, nodes.count))
            known[branch] = nodes.count
            node = nodes.count
            nodes.append(Node())
        }
        nodes[node].isWord = true
    }

    /// Combines the tree from its leaves to its root: `combine` sees whether a word ends at a node, and what it has
    /// made of the nodes behind each letter.
    func fold(
        _ combine: (_ isWord: Bool, _ branches: [(letter: Letter, made: Int32)]) throws(GrammarError) -> Int32
    ) throws(GrammarError) -> Int32 {
        var made = [Int32](repeating: 0, count: nodes.count)
        for (index, node) in nodes.enumerated().reversed() {
            made[index] = try combine(node.isWord, node.branches.map { ($0.letter, made[$0.node]) })
        }
        return made[0]
    }
}
