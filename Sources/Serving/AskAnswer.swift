import Engine
import HTTPTypes
import Hummingbird
import NIOCore
import WireFormats

/// Answers an admitted question: as events, as bare text, or whole.
struct AskAnswer: Sendable {
    let services: Services
    let admitted: Admitted
    let encoder: AskEncoder
    let monitor: ConnectionMonitor
    let record: RequestRecord

    /// The end of an answer.
    private struct End {
        var reason: String
        var usage: Usage
        var timing: AskTiming
    }

    /// One JSON object.
    func whole() async throws -> Response {
        var text = ""
        let end = try await run(last: LastFrame()) { text += $0 ?? "" }
        return Response(encoder.response(text, reason: end.reason, usage: end.usage, timing: end.timing))
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
                let done = encoder.done(reason: end.reason, usage: end.usage, timing: end.timing)
                try await send(EventStream.frame(event: "done", done))
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
    private func run(last: LastFrame, _ send: (String?) async throws -> Void) async throws -> End {
        var meter = AnswerMeter(admitted, metrics: services.metrics, record: record)
        do {
            let end = try await withSignals(
                from: admitted.streams, monitor: monitor, keepAlive: services.configuration.keepAlive, last: last
            ) { signals -> End in
                for await signal in signals {
                    switch signal {
                    case .event(_, .started): break
                    case .idle: try await send(nil)
                    case .closed: throw ClientClosed()
                    case .event(_, .failed(let failure)): throw failure
                    case .event(_, .text(let delta)):
                        meter.text(delta, choice: 0)
                        try await send(delta.text)
                    case .event(_, .finished(let completion)):
                        meter.finished(completion)
                        return try summary(of: completion)
                    }
                }
                throw ClientClosed()
            }
            meter.end(outcome: end.reason)
            return end
        } catch {
            meter.end(error)
            throw error
        }
    }

    private func summary(of completion: Completion) throws -> End {
        var usage = admitted.usage
        usage.add(completion)
        let timing = completion.timing
        return End(
            reason: try completion.finishReason(), usage: usage,
            timing: AskTiming(
                queue: timing.queue.milliseconds, images: timing.images.milliseconds,
                firstToken: timing.firstToken.milliseconds, total: timing.total.milliseconds))
    }
}

extension Duration {
    /// The duration as a number, to the microsecond.
    fileprivate var milliseconds: Double { (seconds * 1e6).rounded() / 1e3 }
}
