package import Checkpoints
import Models
package import Policies
package import Tensors

/// Runs images through the vision encoder, several layers per step, and keeps the embeddings.
struct ImageEncoder {
    private(set) var embeddings: EmbeddingCache
    /// Partly encoded images.
    private var encodings: [EmbeddingCache.Key: VisionEncoding] = [:]
    /// Multiplications in the decoder's layers per position.
    private let positionProducts: Int
    private let clock = ContinuousClock()

    /// An encoder that fills `embeddings`. `decoder` sets the scale for the cost of its layers.
    init(embeddings: EmbeddingCache, decoder: DecoderConfiguration) {
        self.embeddings = embeddings
        positionProducts = decoder.positionProducts
    }

    /// The layers that an image still needs; nil if the sequence's policy has no vision.
    func work(for sequence: EngineSequence, image: Int) -> ImageWork? {
        guard let vision = sequence.request.policy.vision else { return nil }
        let span = sequence.request.images[image]
        let key = EmbeddingCache.Key(image: span.content, vision: vision.id)
        let sizes = vision.encoder.configuration
        let layers = embeddings.contains(key) ? 0 : encodings[key]?.remainingLayers ?? sizes.layers
        // The encoder's 32-bit floats take about twice the time of the decoder's integers.
        let products = 2 * span.pixels.shape[0] * sizes.layerProducts
        return ImageWork(
            sequence: sequence, image: image, key: key, layers: layers, layerCost: 1 + products / positionProducts)
    }

    /// Computes the planned layers, and passes finished embeddings to the sequences.
    mutating func run(_ planned: [ImageWork]) {
        // Kept here as well: the cache may be too small to keep them until the end of the step.
        var whole: [EmbeddingCache.Key: Tensor] = [:]
        for work in planned {
            work.sequence.imageTime += clock.measure {
                let known = whole[work.key] ?? embeddings.find(work.key)
                whole[work.key] = known ?? advance(work)
            }
            work.sequence.imageEmbeddings[work.image] = whole[work.key]
        }
    }

    private mutating func advance(_ work: ImageWork) -> Tensor? {
        guard let vision = work.sequence.request.policy.vision else { return nil }
        let pixels = work.sequence.request.images[work.image].pixels
        var encoding = encodings.removeValue(forKey: work.key) ?? VisionEncoding(pixels, by: vision.encoder)
        encoding.advance(layers: work.layers)
        guard encoding.remainingLayers == 0 else {
            encodings[work.key] = encoding
            return nil
        }
        let made = encoding.embeddings
        embeddings.insert(made, for: work.key)
        return made
    }

    /// Drops partly encoded images that none of these sequences needs.
    mutating func drop(except sequences: [EngineSequence]) {
        guard !encodings.isEmpty else { return }
        let wanted = sequences.flatMap { sequence in
            sequence.request.images.indices.compactMap { work(for: sequence, image: $0)?.key }
        }
        encodings = encodings.filter { wanted.contains($0.key) }
    }
}

/// A cache of image embeddings with a limit in bytes. It evicts the least recently used.
package struct EmbeddingCache {
    /// The pixels and the encoder that embeddings were computed from.
    package struct Key: Hashable {
        let image: TensorDigest
        /// `Policy.Vision.id`.
        let vision: PolicyIdentity

        package init(image: TensorDigest, vision: PolicyIdentity) {
            self.image = image
            self.vision = vision
        }
    }

    private let budget: Int
    private var embeddings: [Key: Tensor] = [:]
    private var order = RecencyQueue<Key>()
    /// Bytes in the cache.
    package private(set) var byteCount = 0
    /// Images found in the cache.
    package private(set) var hits = 0
    /// Images that had to be encoded.
    package private(set) var misses = 0

    /// An empty cache with a limit of `bytes` bytes.
    package init(bytes: Int) {
        budget = bytes
    }

    /// Whether the cache has the embeddings of an image.
    package func contains(_ key: Key) -> Bool { embeddings[key] != nil }

    /// The embeddings of an image, counted as a hit; nil if the cache does not have them.
    package mutating func find(_ key: Key) -> Tensor? {
        guard let known = embeddings[key] else { return nil }
        hits += 1
        order.use(key)
        return known
    }

    /// Inserts the embeddings of an image that had to be encoded.
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
