import Foundation
import Grammars
import Models
import Policies
import Tensors
import Tokenizers

/// The engine's thread: collect mail, plan, run, draw, send. Only that thread uses this object.
final class EngineLoop: @unchecked Sendable {
    // Sendable: handed to its thread once, in `start`, and never touched from elsewhere.
    private let configuration: EngineConfiguration
    private let tokenizer: Tokenizer
    private let endTokens: [Int32]
    private let mailbox: Mailbox
    private let published: Published
    private let end: AsyncStream<Engine.KeptBlocks>.Continuation
    private var keeper: PrefixKeeper?
    private var runner: ModelRunner
    private let clock = ContinuousClock()
    private var scheduler: Scheduler
    private var sequences: [EngineSequence.ID: EngineSequence] = [:]
    private var load = EngineLoad()

    init(
        decoder: TransformerDecoder, tokenizer: Tokenizer, endTokens: [Int32], configuration: EngineConfiguration,
        mailbox: Mailbox,
        published: Published, end: AsyncStream<Engine.KeptBlocks>.Continuation
    ) {
        let cache = decoder.makeCache(
            bytes: configuration.cacheBytes, minimumPositions: configuration.contextLength,
            precision: configuration.cachePrecision)
        self.configuration = configuration
        self.tokenizer = tokenizer
        self.endTokens = endTokens
        self.mailbox = mailbox
        self.published = published
        self.end = end
        self.keeper = configuration.prefixFile.map { PrefixKeeper(path: $0, decoder: decoder, cache: cache) }
        self.runner = ModelRunner(
            decoder: decoder, cache: cache,
            images: ImageEncoder(
                embeddings: EmbeddingCache(bytes: configuration.embeddingBytes), decoder: decoder.configuration))
        self.scheduler = Scheduler(
            blocks: cache.blocks, evenDepth: decoder.configuration.evenDepth, configuration: configuration)
        load.blocks = cache.blocks
        load.blockSize = KVCache.blockSize
        published.load = load
    }

    /// Before the thread starts: restores the blocks of these policies from the prefix file.
    func restorePrefixes(of policies: [Policy]) -> Engine.KeptBlocks? {
        guard keeper != nil else { return nil }
        let restored = Result { () throws(PrefixFileError) in
            try scheduler.restore { pool throws(PrefixFileError) in
                try keeper?.restore(into: &pool, policies: policies) ?? 0
            }
        }
        publish()
        return restored
    }

    func start() {
        let thread = Thread { [self] in run() }
        thread.name = "apus-engine"
        thread.stackSize = 8 << 20
        thread.start()
    }

    private func run() {
        while true {
            let mail = mailbox.collect(waiting: scheduler.isIdle)
            mail.submissions.forEach(accept)
            for id in mail.cancellations { sequences[id].map { finish($0, .cancelled) } }
            if mail.isStopping {
                sequences.values.forEach { end($0, with: .failed(.stopped)) }
                publish()
                if let keeper { end.yield(Result { () throws(PrefixFileError) in try keeper.save(scheduler.pool) }) }
                end.finish()
                return
            }
            expireDeadlines()
            step()
            publish()
        }
    }

    private func accept(_ submission: Mailbox.Submission) {
        let request = submission.request
        let output = OutputProcessor(
            stop: request.stop, endTokens: endTokens, room: configuration.contextLength - request.prompt.count,
            tokenizer: tokenizer)
        let sequence = EngineSequence(
            id: submission.id, request: request, output: output, continuation: submission.continuation,
            submitted: submission.submitted, reservation: submission.reservation, draftTokens: configuration.draftTokens
        )
        sequences[sequence.id] = sequence
        keeper?.note(request.policy)
        scheduler.add(sequence)
    }

    private func expireDeadlines() {
        let now = clock.now
        for sequence in sequences.values {
            if let deadline = sequence.request.deadline, deadline <= now {
                end(sequence, with: .failed(.deadlineExceeded))
            }
        }
    }

    private func step() {
        let plan = scheduler.plan(runner.images.work)
        guard !plan.isEmpty else { return }
        let began = clock.now
        load.steps += 1
        defer {
            load.stepSeconds.observe((clock.now - began) / .seconds(1))
            load.batchTokens.observe(Double(plan.chunks.reduce(0) { $0 + $1.count }))
        }
        plan.images.forEach { begin($0.sequence) }
        plan.chunks.forEach { begin($0.sequence) }
        runner.images.run(plan.images)
        guard !plan.chunks.isEmpty else { return }
        let outputs = runner.run(plan.chunks)
        scheduler.finishStep()
        apply(outputs)
    }

    /// Passes each sequence the outputs of its chunk: the next tokens of its answer, or a score.
    private func apply(_ outputs: [ChunkOutput]) {
        for (output, tokens) in zip(outputs, runner.readTokens(of: outputs)) {
            let sequence = output.sequence
            if !sequence.isDecoding { load.prefilledTokens += output.chunk.range.count }
            sequence.scoredTokens += tokens.scored
            sequence.addHiddenStates(output.hiddenStates)
            sequence.computed = output.chunk.range.upperBound
            guard output.chunk.isLast else { continue }
            switch sequence.request.task {
            case .generate:
                echoPrompt(of: sequence)
                drawTokens(of: output, first: tokens.drawn)
            case .score(let scoring):
                record(scoring.score(headScore: output.headScore, tokens: sequence.scoredTokens), for: sequence)
            case .embed: finishEmbedding(of: sequence)
            }
        }
    }

    /// Records the score of an answer, and ends the request after the last answer.
    private func record(_ score: Double, for sequence: EngineSequence) {
        guard score.isFinite else {
            end(sequence, with: .failed(.internal("\(sequence.request.policy.name) scores an answer \(score)")))
            return
        }
        if !sequence.advance(past: score) { finish(sequence, .length) }
    }

    private func finishEmbedding(of sequence: EngineSequence) {
        guard sequence.embedding == nil else { return finish(sequence, .length) }
        end(sequence, with: .failed(.internal("an embedding of \(sequence.request.policy.name) has no direction")))
    }

    private func echoPrompt(of sequence: EngineSequence) {
        guard sequence.request.echoesPrompt, !sequence.hasEchoed else { return }
        sequence.hasEchoed = true
        let prompt = sequence.request.prompt
        let unscored = prompt.prefix(prompt.count - sequence.scoredTokens.count).map { GeneratedToken(id: $0) }
        let tokens = unscored + sequence.scoredTokens
        sequence.continuation.yield(.text(TextDelta(text: tokenizer.decode(prompt), tokens: tokens, isPrompt: true)))
    }

    private func begin(_ sequence: EngineSequence) {
        guard sequence.started == nil else { return }
        sequence.started = clock.now
        load.cachedTokens += sequence.cachedPositions ?? 0
        load.admittedTokens += sequence.tokens.count
        sequence.reservation = nil
        sequence.continuation.yield(.started)
    }

    /// Emits the chunk's next token, and one more for each right guess.
    private func drawTokens(of output: ChunkOutput, first: GeneratedToken?) {
        let (sequence, draft) = (output.sequence, output.chunk.draft)
        emit(first, for: sequence)
        var right = 0
        for (index, guess) in draft.enumerated() {
            guard guess == sequence.tokens.last, sequences[sequence.id] != nil else { break }
            right += 1
            let logits = output.drawingLogits.elements(ofRow: index + 1)
            emit(sequence.draw(from: logits, on: runner.decoder.compute), for: sequence)
        }
        sequence.accept(right, of: draft)
        load.draftedTokens += draft.count
        load.acceptedTokens += right
    }

    /// Adds a token to the answer and sends the text that is now certain.
    ///
    /// - Parameter token: nil if its logit is not finite.
    private func emit(_ token: GeneratedToken?, for sequence: EngineSequence) {
        guard sequence.request.stop.maximumTokens != 0 else { return finish(sequence, .length) }
        guard let token else {
            end(sequence, with: .failed(.internal("the logits of \(sequence.request.policy.name) are not finite")))
            return
        }
        sequence.append(token.id)
        sequence.firstToken = sequence.firstToken ?? clock.now
        load.generatedTokens += 1
        let (delta, reason) = sequence.output.append(
            token, isComplete: sequence.constraint?.isEnd ?? true)
        if let delta { sequence.continuation.yield(.text(delta)) }
        if let reason { finish(sequence, reason) }
    }

    private func finish(_ sequence: EngineSequence, _ reason: FinishReason) {
        var timing = Timing()
        let now = clock.now
        let preparation = sequence.request.imagePreparation
        timing.imagePreparation = preparation
        timing.total = preparation + sequence.submitted.duration(to: now)
        timing.queue = sequence.submitted.duration(to: sequence.started ?? now)
        timing.firstToken = preparation + sequence.submitted.duration(to: sequence.firstToken ?? now)
        timing.images = sequence.imageTime
        let completion = Completion(
            reason: reason, isShortened: sequence.isShortened, tokens: sequence.output.remainingTokens,
            generatedTokens: sequence.generated.count, cachedTokens: sequence.cachedPositions ?? 0,
            scores: sequence.scores, embedding: sequence.embedding ?? [], timing: timing)
        end(sequence, with: .finished(completion))
    }

    /// Releases everything that the sequence holds, then sends the one terminal event. Once a caller has the event, the
    /// load no longer includes the sequence.
    private func end(_ sequence: EngineSequence, with event: EngineEvent) {
        guard sequences.removeValue(forKey: sequence.id) != nil else { return }
        scheduler.remove(sequence)
        runner.images.drop(except: scheduler.running + scheduler.waiting)
        sequence.reservation = nil
        load.ended += 1
        publish()
        sequence.continuation.yield(event)
        sequence.continuation.finish()
    }

    private func publish() {
        load.running = scheduler.running.count
        load.runningWithImages = scheduler.running.count { !$0.request.images.isEmpty }
        let (running, waiting) = (adapters(of: scheduler.running), adapters(of: scheduler.waiting))
        if (running, waiting) != (load.runningAdapters, load.waitingAdapters) {
            (load.runningAdapters, load.waitingAdapters) = (running, waiting)
            load.adaptersChanged = Date().timeIntervalSince1970
        }
        load.usedBlocks = scheduler.pool.count - scheduler.pool.freeCount
        load.cachedBlocks = scheduler.pool.cachedCount
        load.preemptions = scheduler.preemptions
        load.imageHits = runner.images.embeddings.hits
        load.imageMisses = runner.images.embeddings.misses
        published.load = load
    }

    private func adapters(of sequences: [EngineSequence]) -> [String] {
        Set(sequences.map(\.request.policy).filter { $0.adapter != nil }.map(\.name)).sorted()
    }
}
