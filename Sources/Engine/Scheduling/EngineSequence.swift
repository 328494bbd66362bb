package import Grammars
import Models
import Policies
package import Tensors

/// One accepted request in the engine. Only the engine's thread uses it.
package final class EngineSequence {
    package typealias ID = UInt64

    package let id: ID
    package let request: EngineRequest
    /// The answers to score, one after the other; nil for another task.
    private let scoring: Scoring?
    /// The prompt and the answer so far.
    package private(set) var tokens: [Int32]
    /// Positions whose keys and values are in the cache.
    package var computed = 0
    /// The cache blocks of positions `0..<computed`, and blocks for the positions of the running step.
    package var blockTable: [Int32] = []
    /// The chain of its full blocks that have keys.
    private(set) var chain: BlockChain
    /// Positions that the cache provided when the sequence was first scheduled; nil before.
    package private(set) var cachedPositions: Int?
    /// The embeddings of each image, once encoded.
    package var imageEmbeddings: [Tensor?]
    package var output: OutputProcessor
    /// The position in the grammar that the answer follows; nil without a grammar.
    package private(set) var constraint: TokenPosition?
    /// Whether the text was brought to an early end to fit the token limit.
    package private(set) var isShortened = false
    /// The token that was drawn last, and the position after it.
    private var next: (token: Int32, position: TokenPosition)?
    private var lookup: PromptLookup
    package let sampler: Sampler
    package let continuation: AsyncStream<EngineEvent>.Continuation
    package let submitted: ContinuousClock.Instant
    package var started: ContinuousClock.Instant?
    package var firstToken: ContinuousClock.Instant?
    package var imageTime: Duration = .zero
    /// Held until the sequence is first scheduled.
    package var reservation: Reservation?
    /// The given tokens with their log-probabilities, in order, as far as these are computed.
    package var scoredTokens: [GeneratedToken] = []
    /// The scores of the answers so far.
    package private(set) var scores: [Double] = []
    package var hasEchoed = false
    /// The sum of the last hidden states so far, and the number of its positions; empty for another task.
    private var hiddenSum: [Double] = []
    private var summedPositions = 0

    package init(
        id: ID, request: EngineRequest, output: OutputProcessor, continuation: AsyncStream<EngineEvent>.Continuation,
        submitted: ContinuousClock.Instant, reservation: Reservation?, draftTokens: Int
    ) {
        self.id = id
        self.request = request
        self.scoring = if case .score(let scoring) = request.task { scoring } else { nil }
        self.tokens = request.prompt + (scoring?.answers[0] ?? [])
        self.chain = BlockChain(of: request.policy)
        self.imageEmbeddings = request.images.map(\.embeddings)
        self.lookup = PromptLookup(limit: draftTokens)
        self.output = output
        self.constraint = request.grammar?.start()
        self.sampler = Sampler(request.sampling)
        self.continuation = continuation
        self.submitted = submitted
        self.reservation = reservation
    }

    /// The positions of the sequence that its task scores, may reuse, and leaves unchanged.
    private struct Extent {
        /// The given tokens whose log-probabilities are needed.
        var scored: Range<Int>
        /// Positions that the cache may provide, because nothing reads their hidden states.
        var reusable: Int
        /// Positions whose keys and values are never overwritten.
        var lasting: Int
    }

    private var extent: Extent {
        let prompt = request.prompt.count
        switch request.task {
        case .generate:
            // The first token of an echoed prompt has no log-probability, because nothing precedes it.
            let scored = request.echoesPrompt && request.topLogprobs != nil ? 1..<max(1, prompt) : 0..<0
            return Extent(scored: scored, reusable: scored.isEmpty ? tokens.count - 1 : 0, lasting: tokens.count)
        case .score(let scoring):
            // The answers use the same blocks one after the other, and each needs the prompt's last hidden state.
            let scored = scoring.logProbWeight == 0 ? 0..<0 : prompt..<tokens.count
            return Extent(scored: scored, reusable: prompt - 1, lasting: prompt - 1)
        case .embed:
            // The mean needs the hidden states of all positions.
            return Extent(scored: 0..<0, reusable: 0, lasting: tokens.count)
        }
    }

    /// Upper bound on the chunk size. Scoring keeps a row of logits for each position, so a scored range is cut into
    /// chunks of 64; the positions before it are not.
    package var largestChunk: Int {
        let scored = extent.scored
        return scored.isEmpty ? .max : max(64, scored.lowerBound - 1 - computed)
    }

    /// The positions of `range` whose logits give the log-probability of a given token that has none yet.
    func scoredPositions(in range: Range<Int>) -> Range<Int> {
        let scored = extent.scored
        guard !scored.isEmpty else { return 0..<0 }
        return range.clamped(to: scored.lowerBound + scoredTokens.count - 1..<scored.upperBound - 1)
    }

    /// The head that reads the last token of each answer to be scored.
    var head: ScalarHead? { scoring?.head }

    /// The key of the next block without a key, if all of its positions are `computed` and never overwritten.
    package func nextKey(computed: Int) -> BlockKey? {
        (chain.count + 1) * KVCache.blockSize <= min(computed, extent.lasting) ? key(after: chain) : nil
    }

    /// The key of the block that comes next in `chain`, if the cache may provide that block.
    package func reusableKey(after chain: BlockChain) -> BlockKey? {
        (chain.count + 1) * KVCache.blockSize <= extent.reusable ? key(after: chain) : nil
    }

    private func key(after chain: BlockChain) -> BlockKey {
        BlockKey(chain.count, of: tokens, images: request.images, after: chain.end)
    }

    /// Records that the next full block has a key.
    package func extendChain(by id: UInt64) {
        chain.append(id)
    }

    /// Begins with blocks from the cache.
    package func adopt(_ blocks: [Int32], _ chain: BlockChain) {
        blockTable = blocks
        self.chain = chain
        computed = blocks.count * KVCache.blockSize
    }

    /// Records how many positions came from the cache, unless the sequence was scheduled before.
    package func noteCachedPositions() {
        cachedPositions = cachedPositions ?? computed
    }

    /// Gives up its blocks: all positions must be computed again, or found in the cache.
    package func forget() {
        blockTable = []
        chain = BlockChain(of: request.policy)
        computed = 0
    }

    /// Positions that the next steps must compute before a token can be drawn.
    package var pending: Int { tokens.count - computed }

    /// Whether the last drawn token is the only position left to compute.
    package var isDecoding: Bool { drawsTokens && computed >= request.prompt.count && pending == 1 }

    /// Whether the task draws tokens after the given tokens.
    var drawsTokens: Bool {
        switch request.task {
        case .generate: true
        case .score, .embed: false
        }
    }

    /// The tokens that were drawn so far.
    package var generated: [Int32] { drawsTokens ? Array(tokens[request.prompt.count...]) : [] }

    package func append(_ token: Int32) {
        tokens.append(token)
        // An end token is no part of the text.
        if let next, next.token == token { constraint = next.position } else { _ = constraint?.advance(token) }
        next = nil
    }

    /// Draws the next token of the answer. If the drawn token leaves too few tokens to complete the form, draws again
    /// among the tokens that leave enough.
    func drawToken(from logits: [Float], on compute: Compute) -> Int32 {
        var context = samplingContext()
        let token = sampler.sample(logits, context: context, on: compute)
        guard let position = constraint?.advanced(by: token) else { return token }
        next = (token, position)
        guard let mask = constraint?.endingMask(insteadOf: position, tokens: output.remaining - 1) else { return token }
        if mask.isEmpty {
            // The text is complete, and everything that may follow is too long.
            guard !context.ending.isEmpty else { return token }
            context.banned = []
        }
        next = nil
        isShortened = true
        context.mask = mask
        return sampler.sample(logits, context: context, on: compute)
    }

    /// Guesses at the next tokens of the answer: up to `room` tokens, and fewer than the answer may still have. A guess
    /// ends before a token that the grammar does not allow.
    package func guess(room: Int) -> ArraySlice<Int32> {
        let guess = lookup.guess(after: tokens, room: min(room, output.remaining - 1))
        guard var position = constraint else { return guess }
        return guess.prefix { position.advance($0) }
    }

    /// What the sampler needs to know of the answer so far.
    func samplingContext() -> Sampler.Context {
        var context = Sampler.Context(prompt: request.prompt, generated: generated, banned: output.bannedTokens)
        guard let mask = constraint?.mask() else { return context }
        context.mask = mask
        guard constraint?.isEnd == true else { return context }
        context.ending = output.modelEndTokens
        // A complete text that nothing can follow ends, even before the minimum length.
        if mask.isEmpty { context.banned = [] }
        return context
    }

    /// Records how many guesses were drawn: their positions are computed.
    package func accept(_ right: Int, of draft: ArraySlice<Int32>) {
        computed += right
        lookup.learn(guessed: draft.count, right: right)
    }

    /// Records the score of an answer and begins the next answer. The cached prompt positions stay, except the last
    /// one: the next answer needs its hidden state.
    ///
    /// - Returns: false if that was the last answer.
    func advance(past score: Double) -> Bool {
        scores.append(score)
        guard let scoring, scores.count < scoring.answers.count else { return false }
        scoredTokens = []
        tokens = request.prompt + scoring.answers[scores.count]
        computed = min(computed, request.prompt.count - 1)
        return true
    }

    /// The positions of `range` whose hidden states the embedding still lacks.
    func embeddedPositions(in range: Range<Int>) -> Range<Int> {
        guard case .embed = request.task else { return 0..<0 }
        // After a preemption, positions are computed again that the sum has.
        return range.clamped(to: summedPositions..<tokens.count)
    }

    /// Adds the last hidden states of the next positions to the sum: one position after the other, so that the sum does
    /// not depend on how steps cut the prompt.
    func addHiddenStates(_ states: Tensor) {
        for row in 0..<states.rows {
            let values = states.elements(ofRow: row)
            if hiddenSum.isEmpty { hiddenSum = Array(repeating: 0, count: values.count) }
            for (index, value) in values.enumerated() { hiddenSum[index] += Double(value) }
        }
        summedPositions += states.rows
    }

    /// The mean of the hidden states, scaled to length 1; nil if it has no direction.
    var embedding: [Float]? {
        let length = hiddenSum.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard length > 0, length.isFinite else { return nil }
        return hiddenSum.map { Float($0 / length) }
    }

    /// The images whose embeddings are still missing.
    package var missingImages: [EmbeddingCache.Key] {
        guard let vision = request.policy.vision else { return [] }
        return request.images.indices.filter { imageEmbeddings[$0] == nil }.map {
            EmbeddingCache.Key(image: request.images[$0].content, vision: vision.id)
        }
    }

    /// The images that must be encoded before `range` can be computed, in the order of their positions.
    package func missingImages(in range: Range<Int>) -> [Int] {
        request.images.indices.filter {
            imageEmbeddings[$0] == nil && request.images[$0].range.overlaps(range)
        }
    }
}
