package import Checkpoints
package import Tensors

/// What vision encoders made of pictures, within a budget of bytes: those least recently used go first.
package struct EmbeddingCache {
    /// Which encoder saw which pixels.
    package struct Key: Hashable {
        let picture: TensorDigest
        /// `Policy.Vision.id`.
        let vision: UInt64

        package init(picture: TensorDigest, vision: UInt64) {
            self.picture = picture
            self.vision = vision
        }
    }

    private let budget: Int
    private var embeddings: [Key: Tensor] = [:]
    private var order = RecencyQueue<Key>()
    /// Bytes that are kept.
    package private(set) var byteCount = 0
    /// Pictures that were found.
    package private(set) var hits = 0
    /// Pictures that had to be encoded.
    package private(set) var misses = 0

    /// An empty cache of at most `bytes` bytes.
    package init(bytes: Int) {
        budget = bytes
    }

    /// The embeddings of a picture, which `encode` makes if they are not there.
    package mutating func embeddings(of key: Key, encode: () -> Tensor) -> Tensor {
        if let known = embeddings[key] {
            hits += 1
            order.use(key)
            return known
        }
        misses += 1
        let made = encode()
        byteCount += Self.bytes(made)
        embeddings[key] = made
        order.use(key)
        while byteCount > budget, let oldest = order.removeOldest() {
            if let dropped = embeddings.removeValue(forKey: oldest) { byteCount -= Self.bytes(dropped) }
        }
        return made
    }

    private static func bytes(_ tensor: Tensor) -> Int { tensor.count * MemoryLayout<Float>.size }
}
