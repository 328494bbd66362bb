package import Checkpoints
package import Tensors

/// What vision encoders made of images, within a budget of bytes: those least recently used go first.
package struct EmbeddingCache {
    /// Which encoder saw which pixels.
    package struct Key: Hashable {
        let image: TensorDigest
        /// `Policy.Vision.id`.
        let vision: UInt64

        package init(image: TensorDigest, vision: UInt64) {
            self.image = image
            self.vision = vision
        }
    }

    private let budget: Int
    private var embeddings: [Key: Tensor] = [:]
    private var order = RecencyQueue<Key>()
    /// Bytes that are kept.
    package private(set) var byteCount = 0
    /// Images that were found.
    package private(set) var hits = 0
    /// Images that had to be encoded.
    package private(set) var misses = 0

    /// An empty cache of at most `bytes` bytes.
    package init(bytes: Int) {
        budget = bytes
    }

    /// Whether the embeddings of an image are kept.
    package func contains(_ key: Key) -> Bool { embeddings[key] != nil }

    /// The embeddings of an image, which count as found; nil if they are not kept.
    package mutating func find(_ key: Key) -> Tensor? {
        guard let known = embeddings[key] else { return nil }
        hits += 1
        order.use(key)
        return known
    }

    /// Keeps the embeddings of an image that had to be encoded.
    package mutating func insert(_ made: Tensor, for key: Key) {
        misses += 1
        if let other = embeddings.updateValue(made, forKey: key) { byteCount -= Self.bytes(other) }
        byteCount += Self.bytes(made)
        order.use(key)
        while byteCount > budget, let oldest = order.removeOldest() {
            if let dropped = embeddings.removeValue(forKey: oldest) { byteCount -= Self.bytes(dropped) }
        }
    }

    private static func bytes(_ tensor: Tensor) -> Int { tensor.count * MemoryLayout<Float>.size }
}
