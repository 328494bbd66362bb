import Engine
import HTTPTypes
import Hummingbird
import NIOCore
import WireFormats

/// Answers an admitted question: as events, as bare text, or whole.
///
/// One answer is handed on as it comes; of several candidates the one that is picked, once all are there.
struct AskAnswer: Sendable {
    let services: Services
    let engine: any InferenceEngine
    let admitted: Admitted
    /// Whether the answer comes with its scores.
    let wantsScores: Bool
    let encoder: AskEncoder
    let monitor: ConnectionMonitor
    let record: RequestRecord

    /// One JSON object.
    func whole() async throws -> Response {
        var text = ""
        let end = try await run(last: LastFrame()) { text += $0 ?? "" }
        return Response(encoder.response(text, end))
    }

    /// `start`, `text` …, and `done` or `error`.
    func events() -> Response {
        .eventStream { writer in
            let last = LastFrame()
            func send(_ frame: String) async throws {
                try await writer.write(ByteBuffer(string: frame))
                last.touch()
            }
            try await send(EventStream.frame(event: "start", encoder.start(admitted.usage)))
            do {
                let end = try await run(last: last) { text in
                    try await send(
                        text.map { EventStream.frame(event: "text", encoder.text($0)) } ?? EventStream.keepAlive)
                }
                try await send(EventStream.frame(event: "done", encoder.done(end)))
            } catch let failure as EngineFailure {
                try await send(EventStream.frame(event: "error", APIError(failure).json))
            }
            try await writer.finish(nil)
        }
    }

    /// The words alone. On failure the body is cut short, so that a client notices. There is no sign of life while
    /// nothing is said: whatever was sent would be part of the answer.
    func plain() -> Response {
        let headers: HTTPFields = [
            .contentType: "text/plain; charset=utf-8", .cacheControl: "no-cache, no-transform",
            .accelBuffering: "no", .trailer: HTTPField.Name.finishReason.rawName,
        ]
        let body = ResponseBody { writer in
            let end = try await run(last: LastFrame()) { text in
                if let text { try await writer.write(ByteBuffer(string: text)) }
            }
            try await writer.write(ByteBuffer(string: "\n"))
            try await writer.finish([.finishReason: end.reason])
        }
        return Response(status: .ok, headers: headers, body: body)
    }

    /// Hands on each piece of text, and nil where a stream needs a sign of life.
    private func run(last: LastFrame, _ send: (String?) async throws -> Void) async throws -> AskEnding {
        var meter = AnswerMeter(admitted, metrics: services.metrics, record: record)
        do {
            let ending = try await answer(last: last, meter: &meter, send)
            meter.end(outcome: ending.reason)
            return ending
        } catch {
            meter.end(error)
            throw error
        }
    }

    private func answer(
        last: LastFrame, meter: inout AnswerMeter, _ send: (String?) async throws -> Void
    ) async throws -> AskEnding {
        let count = admitted.streams.count
        var answers = [DrawnAnswer](repeating: DrawnAnswer(), count: count)
        let completed = try await completions(of: admitted.streams, last: last) { progress in
            guard case .text(let choice, let delta) = progress else { return try await send(nil) }
            answers[choice].append(delta)
            guard count == 1 else { return meter.generated(delta, choice: choice) }
            meter.text(delta, choice: choice)
            try await send(delta.text)
        }
        let sampled = ContinuousClock.now
        for (choice, completion) in completed.enumerated() {
            answers[choice].completion = completion
            meter.finished(completion, choice: choice)
        }
        let rewards = try await rewards(of: answers, last: last) { try await send(nil) }
        let best = AnswerScoring.best(of: rewards)
        if count > 1 {
            answers[best].deltas.first.map { meter.text($0, choice: best) }
            for delta in answers[best].deltas { try await send(delta.text) }
        }
        var ending = try ending(of: completed, best: best)
        if let reward = rewards.isEmpty ? nil : rewards[best] {
            meter.reward(reward)
            if wantsScores {
                ending.scores = try await scores(of: answers[best], reward: reward, last: last) { try await send(nil) }
            }
            ending.timing.total += (ContinuousClock.now - sampled).milliseconds
        }
        return ending
    }

    /// The rewards of all answers; none where nobody asked for them.
    private func rewards(
        of answers: [DrawnAnswer], last: LastFrame, _ idle: () async throws -> Void
    ) async throws -> [Double] {
        guard let scoring = admitted.scoring else { return [] }
        return try await measure([scoring.rewards(of: answers)], last: last, idle)[0]
    }

    private func scores(
        of answer: DrawnAnswer, reward: Double, last: LastFrame, _ idle: () async throws -> Void
    ) async throws -> AskScores? {
        guard let scoring = admitted.scoring else { return nil }
        let (value, reference) = (scoring.values, scoring.referenceLogProbability(of: answer))
        var read = try await measure([value, reference].compactMap { $0 }, last: last, idle).map { $0[0] }[...]
        return AskScores(
            reward: reward, value: value == nil ? nil : read.popFirst(),
            kl: scoring.kl(of: answer, reference: reference == nil ? nil : read.popFirst()))
    }

    /// What the engine reads off answers: they belong to a request that it took long ago, and need no place in the
    /// queue.
    private func measure(
        _ requests: [EngineRequest], last: LastFrame, _ idle: () async throws -> Void
    ) async throws -> [[Double]] {
        let streams: [AsyncStream<EngineEvent>]
        do {
            streams = try requests.map { try engine.submit($0, in: Reservation {}) }
        } catch let error as AdmissionError {
            throw error == .stopping ? EngineFailure.stopped : EngineFailure.internal("\(error)")
        }
        return try await completions(of: streams, last: last) { _ in try await idle() }.map(\.measured)
    }

    private func completions(
        of streams: [AsyncStream<EngineEvent>], last: LastFrame, _ take: (Progress) async throws -> Void
    ) async throws -> [Completion] {
        try await Serving.completions(
            of: streams, monitor: monitor, keepAlive: services.configuration.keepAlive, last: last, take)
    }

    private func ending(of completed: [Completion], best: Int) throws -> AskEnding {
        var usage = admitted.usage
        for completion in completed { usage.add(completion, ofPrompt: 0) }
        let timing = completed[best].timing
        return AskEnding(
            reason: try completed[best].finishReason(), usage: usage,
            timing: AskTiming(
                queue: timing.queue.milliseconds, images: timing.images.milliseconds,
                firstToken: timing.firstToken.milliseconds,
                total: (completed.map(\.timing.total).max() ?? .zero).milliseconds))
    }
}

extension Duration {
    /// The duration as a number, to the microsecond.
    fileprivate var milliseconds: Double { (seconds * 1e6).rounded() / 1e3 }
}
