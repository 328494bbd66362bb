import Models
package import Tensors

/// One accepted request on its way through the engine. Only the engine's thread touches it.
package final class EngineSequence {
    package typealias ID = UInt64

    package let id: ID
    package let request: EngineRequest
    /// The prompt and the answer so far.
    package private(set) var tokens: [Int32]
    /// Positions whose keys and values are in the cache.
    package var computed = 0
    /// The cache blocks of positions `0..<computed`, and room for those of the running step.
    package var blockTable: [Int32] = []
    /// The whole blocks among them, as far as they have keys.
    private(set) var chain: BlockChain
    /// Positions that came from the cache when the sequence was first scheduled; nil before.
    package private(set) var cachedPositions: Int?
    /// The embeddings of each image, once encoded.
    package var imageEmbeddings: [Tensor?]
    package var output: OutputProcessor
    private var lookup: PromptLookup
    package let sampler: Sampler
    package let continuation: AsyncStream<EngineEvent>.Continuation
    package let submitted: ContinuousClock.Instant
    package var started: ContinuousClock.Instant?
    package var firstToken: ContinuousClock.Instant?
    package var imageTime: Duration = .zero
    /// Held until the sequence is first scheduled.
    package var reservation: Reservation?
    /// The given tokens whose log-probabilities are wanted, from the first on, as far as these are known.
    package var scores: [GeneratedToken] = []
    /// What was read off the answers so far.
    package private(set) var measured: [Double] = []
    package var hasEchoed = false

    package init(
        id: ID, request: EngineRequest, output: OutputProcessor, continuation: AsyncStream<EngineEvent>.Continuation,
        submitted: ContinuousClock.Instant, reservation: Reservation?, draftTokens: Int
    ) {
        self.id = id
        self.request = request
        self.tokens = request.prompt + (request.measurement?.answers.first ?? [])
        self.chain = BlockChain(of: request.policy)
        self.imageEmbeddings = request.images.map(\.embeddings)
        self.lookup = PromptLookup(limit: draftTokens)
        self.output = output
        self.sampler = Sampler(request.sampling)
        self.continuation = continuation
        self.submitted = submitted
        self.reservation = reservation
    }

    /// The given tokens whose log-probabilities are wanted: of an echoed prompt all but the first, before which nothing
    /// stands, or of the answer that is measured.
    private var scored: Range<Int> {
        if let measurement = request.measurement {
            return measurement.logProbWeight == 0 ? 0..<0 : request.prompt.count..<tokens.count
        }
        return request.echoesPrompt && request.topLogprobs != nil ? 1..<max(1, request.prompt.count) : 0..<0
    }

    /// The most positions of one step. Where each position's logits are read, many at once would take much memory;
    /// before that, none are.
    package var largestChunk: Int { scored.isEmpty ? .max : max(64, scored.lowerBound - 1 - computed) }

    /// The positions of `range` whose logits give the log-probability of a given token that has none yet.
    package func scoring(in range: Range<Int>) -> Range<Int> {
        scored.isEmpty ? 0..<0 : range.clamped(to: scored.lowerBound + scores.count - 1..<scored.upperBound - 1)
    }

    /// Positions that need not be computed if the cache has them: what is read at the others is still wanted.
    private var reusable: Int {
        if request.measurement != nil { return request.prompt.count - 1 }
        return scored.isEmpty ? tokens.count - 1 : 0
    }

    /// Positions that are never written again: a measurement's answers stand one after the other in the same blocks.
    private var lasting: Int { request.measurement == nil ? tokens.count : request.prompt.count - 1 }

    /// The key of the next block that has none, if all of its positions are `computed` and stay as they are.
    package func nextKey(computed: Int) -> BlockKey? {
        (chain.count + 1) * KVCache.blockSize <= min(computed, lasting) ? key(after: chain) : nil
    }

    /// The key of the block that comes next in `chain`, if the cache may have it.
    package func reusableKey(after chain: BlockChain) -> BlockKey? {
        (chain.count + 1) * KVCache.blockSize <= reusable ? key(after: chain) : nil
    }

    private func key(after chain: BlockChain) -> BlockKey {
        BlockKey(chain.count, of: tokens, images: request.images, after: chain.end)
    }

    /// The next whole block has a key now.
    package func extendChain(by id: UInt64) {
        chain.append(id)
    }

    /// Begins with blocks that others computed.
    package func adopt(_ blocks: [Int32], _ chain: BlockChain) {
        blockTable = blocks
        self.chain = chain
        computed = blocks.count * KVCache.blockSize
    }

    /// Notes what came from the cache, unless the sequence was scheduled before.
    package func noteCachedPositions() {
        cachedPositions = cachedPositions ?? computed
    }

    /// Loses its blocks: all positions are to be computed again, or found.
    package func forget() {
        blockTable = []
        chain = BlockChain(of: request.policy)
        computed = 0
    }

    /// Positions that the next steps must compute before a token can be drawn.
    package var pending: Int { tokens.count - computed }

    /// Whether all that is missing is the position of the last drawn token.
    package var isDecoding: Bool {
        request.measurement == nil && computed >= request.prompt.count && pending == 1
    }

    /// The answer so far.
    package var generated: [Int32] { Array(tokens[request.prompt.count...]) }

    package func append(_ token: Int32) {
        tokens.append(token)
    }

    /// What the answer may go on with, at most `room` tokens; all but the last one that may come.
    package func guess(room: Int) -> ArraySlice<Int32> {
        lookup.guess(after: tokens, room: min(room, output.remaining - 1))
    }

    /// Notes how many of its guesses were drawn: their positions are computed.
    package func accept(_ right: Int, of draft: ArraySlice<Int32>) {
        computed += right
        lookup.learn(guessed: draft.count, right: right)
    }

    /// Takes what was read off an answer and turns to the next one, behind the positions of the prompt that are in the
    /// cache: all but the last, whose hidden state the next answer needs too.
    ///
    /// - Returns: false if that was the last answer.
    package func take(_ value: Double, of measurement: Measurement) -> Bool {
        measured.append(value)
        guard measured.count < measurement.answers.count else { return false }
        scores = []
        tokens = request.prompt + measurement.answers[measured.count]
        computed = min(computed, request.prompt.count - 1)
        return true
    }

    /// The images whose embeddings it does not have yet.
    package var missingImages: [EmbeddingCache.Key] {
        guard let vision = request.policy.vision else { return [] }
        return request.images.indices.filter { imageEmbeddings[$0] == nil }.map {
            EmbeddingCache.Key(image: request.images[$0].content, vision: vision.id)
        }
    }

    /// The images that have to be encoded before `range` can be computed, in the order of their positions.
    package func missingImages(in range: Range<Int>) -> [Int] {
        request.images.indices.filter {
            imageEmbeddings[$0] == nil && request.images[$0].range.overlaps(range)
        }
    }
}
