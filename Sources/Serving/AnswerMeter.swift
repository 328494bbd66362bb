import Engine
import WireFormats

/// Measures one request's answer while it comes.
struct AnswerMeter {
    private let metrics: Metrics
    private let record: RequestRecord
    private let labels: Metrics.Labels
    private var lastText: [ContinuousClock.Instant?]
    private var hasText = false

    init(_ admitted: Admitted, metrics: Metrics, record: RequestRecord) {
        self.metrics = metrics
        self.record = record
        self.labels = [
            ("model", admitted.policy.name), ("modality", record.current.hasImages ? "image" : "text"),
        ]
        self.lastText = Array(repeating: nil, count: admitted.streams.count)
    }

    /// Text has come for a choice.
    mutating func text(_ delta: TextDelta, choice: Int) {
        guard !delta.isPrompt else { return }
        let now = ContinuousClock.now
        if !hasText {
            hasText = true
            metrics.observe(.firstToken, labels, (now - record.started).seconds)
        }
        if let last = lastText[choice] { metrics.observe(.interToken, labels, (now - last).seconds) }
        lastText[choice] = now
    }

    /// A choice is whole.
    func finished(_ completion: Completion) {
        metrics.observe(.queue, labels, completion.timing.queue.seconds)
        let timing = completion.timing
        metrics.observe(.prefill, labels, max(timing.firstToken - timing.queue - timing.images, .zero).seconds)
        if completion.timing.images > .zero {
            metrics.observe(.imageEncode, [], completion.timing.images.seconds)
        }
        metrics.add(.generatedTokens, [labels[0]], completion.generatedTokens)
        record.update { $0.generatedTokens += completion.generatedTokens }
    }

    /// The answer's reward is known.
    func reward(_ reward: Double) {
        metrics.observe(.answerReward, [labels[0]], reward)
    }

    /// The whole request is over.
    func end(outcome: String) {
        metrics.observe(.request, labels, (ContinuousClock.now - record.started).seconds)
        record.update { $0.outcome = outcome }
    }

    /// The request ended without its answer.
    func end(_ error: any Error) {
        if case .internal(let reason)? = error as? EngineFailure { record.update { $0.failure = reason } }
        end(outcome: error is EngineFailure ? "error" : "cancelled")
    }
}
