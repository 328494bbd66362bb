import Checkpoints
import Foundation
import Models
import Policies
import Tensors

/// Keeps the prefix cache in a file from one process to the next.
struct PrefixKeeper {
    private let path: String
    private let origin: PrefixFile.Origin
    private let cache: KVCache
    /// The weights of the policies that were served, by `Policy.id`.
    private var digests: [PolicyIdentity: PolicyDigests] = [:]

    init(path: String, decoder: TransformerDecoder, cache: KVCache) {
        self.path = path
        self.cache = cache
        origin = PrefixFile.Origin(
            instructionSet: decoder.compute.instructionSet.rawValue, precision: cache.precision.rawValue,
            weights: decoder.precision == .asStored ? nil : decoder.precision.rawValue,
            contextLength: decoder.configuration.stretchedLength, blockBytes: cache.blockBytes)
    }

    /// Notes a policy, whose blocks can be kept if it came from files.
    mutating func note(_ policy: Policy) {
        digests[policy.id] = policy.digests
    }

    /// Fills free blocks of `pool` with the blocks of the file that one of `policies` computed. Without a file there
    /// are none.
    ///
    /// - Returns: the number of restored blocks.
    mutating func restore(into pool: inout BlockPool, policies: [Policy]) throws(PrefixFileError) -> Int {
        policies.forEach { note($0) }
        let url = URL(fileURLWithPath: path)
        AtomicFile.removeLeftovers(in: url.deletingLastPathComponent().path, of: url.lastPathComponent)
        guard FileManager.default.fileExists(atPath: path) else { return 0 }
        let file = try PrefixFile(path: path, expecting: origin)
        let ids = file.index.policies.map { kept in digests.first { $0.value == kept }?.key }
        var entries: [BlockPool.Entry?] = []
        for (position, block) in file.index.blocks.enumerated() {
            let entry = key(of: block, after: entries, ids: ids).flatMap { pool.reserve(for: $0) }
            if let entry { cache.fill(entry.block, with: file.contents(of: position)) }
            entries.append(entry)
        }
        let restored = entries.compactMap { $0?.block }
        pool.restore(restored)
        return restored.count
    }

    /// The key by which this process will look for `block`; nil if none of its policies computes such blocks, or the
    /// block before is missing.
    private func key(of block: PrefixFile.Block, after entries: [BlockPool.Entry?], ids: [PolicyIdentity?]) -> BlockKey?
    {
        let parent: BlockKey.Parent
        if let position = block.parent {
            guard let entry = entries[position] else { return nil }
            parent = .block(entry.id)
        } else {
            guard let id = ids[block.policy] else { return nil }
            parent = .policy(id)
        }
        let images = block.images.compactMap { image in
            TensorDigest(hexadecimal: image.sha256).map { BlockKey.Image(content: $0, first: image.first) }
        }
        return BlockKey(parent: parent, tokens: block.tokens, images: images)
    }

    /// Writes the cached blocks of `pool` whose policies came from files.
    ///
    /// - Returns: the number of written blocks.
    func save(_ pool: BlockPool) throws(PrefixFileError) -> Int {
        var index = PrefixFile.Index(origin: origin, policies: [], blocks: [])
        var positions: [UInt64: Int] = [:]
        var policies: [PolicyIdentity: Int] = [:]
        var blocks: [Int32] = []
        for (key, entry) in pool.contents {
            let policy: Int
            var parent: Int?
            switch key.parent {
            case .block(let id):
                // A lookup finds no block without the block before it.
                guard let position = positions[id] else { continue }
                (policy, parent) = (index.blocks[position].policy, position)
            case .policy(let id):
                guard let kept = digests[id] else { continue }
                policy = policies[id, default: index.policies.count]
                if policies.updateValue(policy, forKey: id) == nil { index.policies.append(kept) }
            }
            positions[entry.id] = blocks.count
            blocks.append(entry.block)
            index.blocks.append(PrefixFile.Block(key, policy: policy, parent: parent))
        }
        try PrefixFile.write(index, to: path) { cache.contents(of: blocks[$0]) }
        return blocks.count
    }
}

extension PrefixFile.Block {
    fileprivate init(_ key: BlockKey, policy: Int, parent: Int?) {
        let images = key.images.map { Image(sha256: $0.content.hexadecimal, first: $0.first) }
        self.init(policy: policy, parent: parent, tokens: key.tokens, images: images)
    }
}
