package import Checkpoints
package import Policies
import Tensors

/// Everything that the keys and values of a full block depend on: the policy, the blocks before it, its own tokens, and
/// the images in it. Equal keys mean bitwise equal contents.
package struct BlockKey: Hashable {
    /// What precedes a block.
    package enum Parent: Hashable {
        /// Nothing: it is the first block of a sequence of this policy.
        case policy(PolicyIdentity)
        /// The block of this id.
        case block(UInt64)
    }

    /// An image's position. The image may begin before the block and end after it.
    package struct Image: Hashable {
        package let content: TensorDigest
        /// Its first position, relative to the block's first.
        package let first: Int

        package init(content: TensorDigest, first: Int) {
            self.content = content
            self.first = first
        }
    }

    package let parent: Parent
    package let tokens: [Int32]
    package let images: [Image]

    /// A key of these components; `tokens` has one token for each position of a block.
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

/// The full blocks of a sequence that have keys.
package struct BlockChain {
    /// The parent of the next block.
    package private(set) var end: BlockKey.Parent
    /// Blocks that have keys.
    package private(set) var count = 0

    /// The chain of a policy's sequence, still without blocks.
    package init(of policy: Policy) {
        end = .policy(policy.id)
    }

    /// Appends the block of this id.
    package mutating func append(_ id: UInt64) {
        end = .block(id)
        count += 1
    }
}
