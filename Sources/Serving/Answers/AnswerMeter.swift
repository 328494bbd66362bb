import Engine
import Policies
import WireFormats

/// Measures one request's answer while it is generated.
struct AnswerMeter {
    private let metrics: ServerMetrics
    private let record: RequestRecord
    private let labels: ServerMetrics.Labels
    private var lastText: [ContinuousClock.Instant?]
    private var hasText = false
    /// Tokens received for each choice; nil once the completion of the choice has reported their number.
    private var tokens: [Int?]
    /// The index of the prompt that each choice answers.
    private let prompts: [Int]
    /// Tokens of the prompt and of all choices so far.
    private(set) var usage: Usage
    private var isOver = false

    init(_ admitted: Admitted, metrics: ServerMetrics, record: RequestRecord) {
        self.metrics = metrics
        self.record = record
        self.labels = [
            ("model", admitted.policy.requestName), ("modality", record.current.hasImages ? "image" : "text"),
        ]
        self.lastText = Array(repeating: nil, count: admitted.streams.count)
        self.tokens = Array(repeating: 0, count: admitted.streams.count)
        self.prompts = admitted.streams.indices.map(admitted.prompt)
        self.usage = admitted.usage
    }

    /// Counts text of a choice that is not forwarded.
    mutating func generated(_ delta: TextDelta, choice: Int) {
        guard let count = tokens[choice], !delta.isPrompt else { return }
        tokens[choice] = count + delta.tokens.count
        usage.completionTokens += delta.tokens.count
    }

    /// Counts text of a choice that is forwarded.
    mutating func text(_ delta: TextDelta, choice: Int) {
        generated(delta, choice: choice)
        guard !delta.isPrompt else { return }
        let now = ContinuousClock.now
        if !hasText {
            hasText = true
            let time = now - record.started
            metrics.observe(.firstToken, labels, time.seconds)
            record.update { $0.firstToken = time }
        }
        if let last = lastText[choice] { metrics.observe(.interToken, labels, (now - last).seconds) }
        lastText[choice] = now
    }

    /// Counts a completed choice.
    mutating func finished(_ completion: Completion, choice: Int) {
        usage.completionTokens += completion.generatedTokens - (tokens[choice] ?? 0)
        usage.add(cachedTokens: completion.cachedTokens, ofPrompt: prompts[choice])
        tokens[choice] = nil
        metrics.observe(.queue, labels, completion.timing.queue.seconds)
        let timing = completion.timing
        record.update { facts in
            facts.queue = facts.queue ?? timing.queue
            facts.images = facts.images ?? timing.imagePreparation + timing.images
        }
        let before = timing.imagePreparation + timing.queue + timing.images
        metrics.observe(.prefill, labels, max(timing.firstToken - before, .zero).seconds)
        if completion.timing.images > .zero {
            metrics.observe(.imageEncode, [], completion.timing.images.seconds)
        }
        add(completion.generatedTokens)
    }

    private func add(_ tokens: Int) {
        metrics.add(.generatedTokens, [labels[0]], tokens)
        record.update { $0.generatedTokens += tokens }
    }

    /// Counts the answer's reward.
    func reward(_ reward: Double) {
        metrics.observe(.answerReward, [labels[0]], reward)
    }

    /// Ends the request. Only the first call counts: a caller may still disconnect before the last frame.
    mutating func end(outcome: String) {
        guard !isOver else { return }
        isOver = true
        metrics.observe(.request, labels, (ContinuousClock.now - record.started).seconds)
        record.update { $0.outcome = outcome }
    }

    /// Ends the request without its answer, unless it has ended already.
    mutating func end(_ error: any Error) {
        guard !isOver else { return }
        add(tokens.reduce(0) { $0 + ($1 ?? 0) })
        if case .internal(let reason)? = error as? EngineFailure { record.update { $0.failure = reason } }
        end(outcome: error is EngineFailure ? "error" : "cancelled")
    }
}
