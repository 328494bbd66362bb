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
        var deltas = [[TextDelta]](repeating: [], count: count)
        let completed = try await completions(of: admitted.streams, last: last) { progress in
            guard case .text(let choice, let delta) = progress else { return try await send(nil) }
            deltas[choice].append(delta)
            guard count == 1 else { return meter.generated(delta, choice: choice) }
            meter.text(delta, choice: choice)
            try await send(delta.text)
        }
        let sampled = ContinuousClock.now
        for (choice, completion) in completed.enumerated() { meter.finished(completion, choice: choice) }
        guard let scoring = admitted.scoring else { return try ending(of: completed, best: 0) }
        var best = 0
        let scores = try await scoring.pick(
            from: zip(deltas, completed).map { Answer(deltas: $0, completion: $1) }, wantsScores: wantsScores,
            score: { try await self.scores(of: $0, last: last) { try await send(nil) } },
            present: { pick in
                best = pick.index
                meter.reward(pick.reward)
                guard count > 1 else { return }
                pick.answer.deltas.first.map { meter.text($0, choice: best) }
                for delta in pick.answer.deltas { try await send(delta.text) }
            })
        var ending = try ending(of: completed, best: best)
        ending.scores = scores.map { AskScores(reward: $0.reward, value: $0.value, kl: $0.kl) }
        ending.timing.total += (ContinuousClock.now - sampled).milliseconds
        return ending
    }

    /// Computes requests for scores. They belong to a request that the engine took long ago, and need no place in the
    /// queue.
    private func scores(
        of requests: [EngineRequest], last: LastFrame, _ idle: () async throws -> Void
    ) async throws -> [[Double]] {
        let streams: [AsyncStream<EngineEvent>]
        do {
            streams = try requests.map { try engine.submit($0, in: Reservation {}) }
        } catch let error as AdmissionError {
            throw error == .stopping ? EngineFailure.stopped : EngineFailure.internal("\(error)")
        }
        return try await completions(of: streams, last: last) { _ in try await idle() }.map(\.scores)
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
