import Models
package import Tensors

/// One accepted request on its way through the engine. Only the engine's thread touches it.
package final class Sequence {
    package typealias ID = UInt64

    package let id: ID
    package let request: EngineRequest
    /// The prompt and the answer so far.
    package private(set) var tokens: [Int32]
    /// Positions whose keys and values are in the cache.
    package var computed = 0
    /// The cache blocks of positions `0..<computed`, and room for those of the running step.
    package var blockTable: [Int32] = []
    /// The embeddings of each picture, once encoded.
    package var imageEmbeddings: [Tensor?]
    package var output: OutputProcessor
    package let sampler: Sampler
    package let continuation: AsyncStream<EngineEvent>.Continuation
    package let submitted: ContinuousClock.Instant
    package var started: ContinuousClock.Instant?
    package var firstToken: ContinuousClock.Instant?
    package var imageTime: Duration = .zero
    /// Held until the sequence is first scheduled.
    package var place: Reservation?
    /// The first tokens of an echoed prompt, as far as their log-probabilities are known; the very first one has none.
    package var scores: [GeneratedToken]
    package var hasEchoed = false

    package init(
        id: ID, request: EngineRequest, output: OutputProcessor, continuation: AsyncStream<EngineEvent>.Continuation,
        submitted: ContinuousClock.Instant, place: Reservation?
    ) {
        self.id = id
        self.request = request
        self.tokens = request.prompt
        self.imageEmbeddings = Array(repeating: nil, count: request.images.count)
        self.output = output
        self.sampler = Sampler(request.sampling)
        self.continuation = continuation
        self.submitted = submitted
        self.place = place
        self.scores = request.prompt.prefix(1).map { GeneratedToken(id: $0) }
    }

    private var scoresPrompt: Bool { request.echoesPrompt && request.topLogprobs != nil }

    /// The most positions of one step. Where each position's logits are read, many at once would take much memory.
    package var largestChunk: Int { scoresPrompt ? 64 : .max }

    /// The positions of `range` whose logits give the log-probability of a prompt token that has none yet.
    package func scoring(in range: Range<Int>) -> Range<Int> {
        scoresPrompt ? range.clamped(to: scores.count - 1..<request.prompt.count - 1) : 0..<0
    }

    /// Positions that the next steps must compute before a token can be drawn.
    package var pending: Int { tokens.count - computed }

    /// Whether all that is missing is the position of the last drawn token.
    package var isDecoding: Bool { computed >= request.prompt.count && pending == 1 }

    /// The answer so far.
    package var generated: [Int32] { Array(tokens[request.prompt.count...]) }

    package func append(_ token: Int32) {
        tokens.append(token)
    }

    /// The picture that has to be encoded before `range` can be computed.
    package func missingImage(in range: Range<Int>) -> Int? {
        request.images.indices.first {
            imageEmbeddings[$0] == nil && request.images[$0].range.overlaps(range)
        }
    }
}
