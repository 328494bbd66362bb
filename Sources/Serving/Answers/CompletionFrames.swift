import Engine
import WireFormats

/// Decides which frames follow from what happens: the order of OpenAI's streams.
struct CompletionFrames {
    private let encoder: any CompletionEncoding
    private let delivery: StreamOptions
    private let admitted: Admitted
    private var usage: Usage
    private var offsets: [Int]
    private var reasons: [String?]
    private var isOpen = false

    init(encoder: any CompletionEncoding, delivery: StreamOptions, admitted: Admitted) {
        self.encoder = encoder
        self.delivery = delivery
        self.admitted = admitted
        self.usage = admitted.usage
        self.offsets = Array(repeating: 0, count: admitted.streams.count)
        self.reasons = Array(repeating: nil, count: admitted.streams.count)
    }

    /// Whether every choice is whole.
    var isComplete: Bool { !reasons.contains(nil) }

    /// Why the first choice ended.
    var firstReason: String { (reasons.first ?? nil) ?? "error" }

    /// `usage` of a frame in the middle: running counts, `null`, or no such member at all.
    private var runningUsage: JSON? {
        if delivery.hasContinuousUsage { return usage.json }
        return delivery.includesUsage ? .null : nil
    }

    /// The frames that a signal causes.
    mutating func next(_ signal: Signal, logprobs: ([GeneratedToken]) -> [TokenLogprob]?) throws -> [String] {
        switch signal {
        case .event(_, .started): return []
        case .idle: return [EventStream.keepAlive]
        case .closed: throw ClientClosed()
        case .event(_, .failed(let failure)): throw failure
        case .event(let choice, .text(let delta)):
            let opening = open()
            if delivery.hasContinuousUsage, !delta.isPrompt { usage.completionTokens += delta.tokens.count }
            let frame = encoder.delta(
                index: choice, text: delta.text, logprobs: logprobs(delta.tokens), offset: &offsets[choice],
                usage: runningUsage)
            return opening + [EventStream.frame(frame)]
        case .event(let choice, .finished(let completion)):
            let opening = open()
            let reason = try completion.finishReason()
            reasons[choice] = reason
            if delivery.hasContinuousUsage {
                usage.completionTokens += completion.tokens.count
                usage.add(cachedTokens: completion.cachedTokens, ofPrompt: admitted.prompt(of: choice))
            } else {
                usage.add(completion, ofPrompt: admitted.prompt(of: choice))
            }
            let frame = encoder.finish(
                index: choice, reason: reason, logprobs: logprobs(completion.tokens), offset: &offsets[choice],
                usage: runningUsage)
            return opening + [EventStream.frame(frame)]
        }
    }

    /// The frames after the last choice.
    var ending: [String] {
        (delivery.includesUsage ? [EventStream.frame(encoder.usage(usage))] : []) + [EventStream.done]
    }

    /// The opening frames of all choices in order, before anything else and only once.
    private mutating func open() -> [String] {
        guard !isOpen else { return [] }
        isOpen = true
        return reasons.indices.compactMap { index in
            encoder.opening(index: index, usage: runningUsage).map { EventStream.frame($0) }
        }
    }
}
