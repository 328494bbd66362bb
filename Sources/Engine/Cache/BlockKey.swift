package import Checkpoints
package import Policies
import Tensors

/// All that the keys and values of a whole block of positions depend on: who computed them, what stands before, its own
/// tokens, and the images in it. Equal keys mean bitwise equal contents.
package struct BlockKey: Hashable {
    /// What a block may follow.
    package enum Parent: Hashable {
        /// Nothing: it is the first block of a sequence of this policy.
        case policy(UInt64)
        /// The block of this id.
        case block(UInt64)
    }

    /// An image's place, which may begin before the block and end behind it.
    package struct Image: Hashable {
        package let content: TensorDigest
        /// Its first position, counted from the block's.
        package let first: Int

        package init(content: TensorDigest, first: Int) {
            self.content = content
            self.first = first
        }
    }

    package let parent: Parent
    package let tokens: [Int32]
    package let images: [Image]

    /// The key of these parts; `tokens` are as many as a block has positions.
    package init(parent: Parent, tokens: [Int32], images: [Image]) {
        precondition(tokens.count == KVCache.blockSize, "\(tokens.count) tokens")
        self.parent = parent
        self.tokens = tokens
        self.images = images
    }

    /// The key of block `index` of `tokens`, all of whose positions must be there.
    package init(_ index: Int, of tokens: [Int32], images: [PromptImage], after parent: Parent) {
        let range = index * KVCache.blockSize..<(index + 1) * KVCache.blockSize
        self.init(
            parent: parent, tokens: Array(tokens[range]),
            images: images.filter { $0.range.overlaps(range) }.map {
                Image(content: $0.content, first: $0.range.lowerBound - range.lowerBound)
            })
    }
}

/// A sequence's whole blocks, as far as they have keys.
package struct BlockChain {
    /// What the next block follows.
    package private(set) var end: BlockKey.Parent
    /// Blocks that have keys.
    package private(set) var count = 0

    /// No block of a policy's sequence yet.
    package init(of policy: Policy) {
        end = .policy(policy.id)
    }

    /// Goes on behind the block of this id.
    package mutating func append(_ id: UInt64) {
        end = .block(id)
        count += 1
    }
}
