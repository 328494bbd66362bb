import Models
import Policies
import Tensors

/// Takes images through the vision encoder, some layers a step, and keeps what comes out.
struct ImageEncoder {
    private(set) var embeddings: EmbeddingCache
    /// Images that are not whole yet.
    private var encodings: [EmbeddingCache.Key: VisionEncoding] = [:]
    /// Multiplications of the decoder's layers for one position.
    private let positionProducts: Int
    private let clock = ContinuousClock()

    /// An encoder that fills `embeddings`, beside this decoder.
    init(embeddings: EmbeddingCache, decoder: DecoderConfiguration) {
        self.embeddings = embeddings
        positionProducts = decoder.positionProducts
    }

    /// What is left to do for an image; nil if the sequence's policy cannot see.
    func work(for sequence: EngineSequence, image: Int) -> ImageWork? {
        guard let vision = sequence.request.policy.vision else { return nil }
        let span = sequence.request.images[image]
        let key = EmbeddingCache.Key(image: span.content, vision: vision.id)
        let sizes = vision.encoder.configuration
        let layers = embeddings.contains(key) ? 0 : encodings[key]?.remainingLayers ?? sizes.layers
        // The encoder's 32-bit floats take about twice the time of the decoder's integers.
        let products = 2 * span.pixels.shape[0] * sizes.layerProducts
        return ImageWork(key: key, layers: layers, layerCost: 1 + products / positionProducts)
    }

    /// Computes the slices' layers, and gives the sequences what is whole.
    mutating func run(_ slices: [StepPlan.ImageSlice]) {
        // Not only in the cache, which may be too small to keep it until the step's end.
        var whole: [EmbeddingCache.Key: Tensor] = [:]
        for slice in slices {
            slice.sequence.imageTime += clock.measure {
                let known = whole[slice.key] ?? embeddings.find(slice.key)
                whole[slice.key] = known ?? advance(slice)
            }
            slice.sequence.imageEmbeddings[slice.image] = whole[slice.key]
        }
    }

    private mutating func advance(_ slice: StepPlan.ImageSlice) -> Tensor? {
        guard let vision = slice.sequence.request.policy.vision else { return nil }
        let pixels = slice.sequence.request.images[slice.image].pixels
        var encoding = encodings.removeValue(forKey: slice.key) ?? VisionEncoding(pixels, by: vision.encoder)
        encoding.advance(layers: slice.layers)
        guard encoding.remainingLayers == 0 else {
            encodings[slice.key] = encoding
            return nil
        }
        let made = encoding.embeddings
        embeddings.insert(made, for: slice.key)
        return made
    }

    /// Drops what is not whole and what none of these sequences waits for.
    mutating func drop(except sequences: [EngineSequence]) {
        guard !encodings.isEmpty else { return }
        let wanted = sequences.flatMap { sequence in
            sequence.request.images.indices.compactMap { work(for: sequence, image: $0)?.key }
        }
        encodings = encodings.filter { wanted.contains($0.key) }
    }
}
