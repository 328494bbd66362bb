import Engine
import HTTPTypes
import Hummingbird
import NIOCore
import Tokenizers
import WireFormats

/// Answers an admitted request of one of OpenAI's routes, streamed or whole.
struct CompletionAnswer: Sendable {
    let services: Services
    let admitted: Admitted
    let encoder: any CompletionEncoding
    let delivery: StreamOptions
    let monitor: ConnectionMonitor
    let record: RequestRecord

    /// The response; when it is streamed, its body runs later.
    func response() async throws -> Response {
        guard delivery.isStreaming else { return try await whole() }
        return .eventStream { writer in try await stream(to: &writer) }
    }

    private func whole() async throws -> Response {
        var meter = AnswerMeter(admitted, metrics: services.metrics, record: record)
        do {
            let count = admitted.streams.count
            var choices = Array(
                repeating: CompletionChoice(
                    text: "", logprobs: admitted.reportsTokens ? [] : nil, finishReason: ""), count: count)
            var endings = Array(repeating: [TokenLogprob](), count: count)
            var usage = admitted.usage
            var open = count
            try await signals { signals in
                for await signal in signals {
                    switch signal {
                    case .idle, .event(_, .started): break
                    case .closed: throw ClientClosed()
                    case .event(let choice, .text(let delta)):
                        meter.text(delta, choice: choice)
                        choices[choice].text += delta.text
                        if let entries = logprobs(delta.tokens) {
                            choices[choice].logprobs?.append(contentsOf: entries)
                        }
                    case .event(let choice, .finished(let completion)):
                        choices[choice].finishReason = try completion.finishReason()
                        endings[choice] = logprobs(completion.tokens) ?? []
                        usage.add(completion, ofPrompt: admitted.prompt(of: choice))
                        meter.finished(completion, choice: choice)
                        open -= 1
                    case .event(_, .failed(let failure)): throw failure
                    }
                    if open == 0 { break }
                }
            }
            guard open == 0 else { throw ClientClosed() }
            meter.end(outcome: choices[0].finishReason)
            return Response(encoder.response(choices, endings: endings, usage: usage))
        } catch {
            meter.end(error)
            throw error
        }
    }

    private func signals(_ body: (AsyncStream<Signal>) async throws -> Void, last: LastFrame = LastFrame()) async throws
    {
        try await withSignals(
            from: admitted.streams, monitor: monitor, keepAlive: services.configuration.keepAlive, last: last, body)
    }

    /// Writes all frames. An engine's failure becomes the error frame; only a lost connection is thrown.
    private func stream(to writer: inout any ResponseBodyWriter) async throws {
        var meter = AnswerMeter(admitted, metrics: services.metrics, record: record)
        let last = LastFrame()
        var frames = CompletionFrames(encoder: encoder, delivery: delivery, admitted: admitted)
        do {
            try await signals(
                { signals in
                    for await signal in signals {
                        try await write(try frames.next(signal, logprobs: logprobs), to: &writer, last)
                        switch signal {
                        case .event(let choice, .text(let delta)): meter.text(delta, choice: choice)
                        case .event(let choice, .finished(let completion)):
                            meter.finished(completion, choice: choice)
                        default: break
                        }
                        if frames.isComplete { return }
                    }
                    throw ClientClosed()
                }, last: last)
            meter.end(outcome: frames.firstReason)
            try await write(frames.ending, to: &writer, last)
        } catch let failure as EngineFailure {
            meter.end(failure)
            try await write([EventStream.frame(APIError(failure).json), EventStream.done], to: &writer, last)
        } catch {
            meter.end(error)
            throw error
        }
        try await writer.finish(nil)
    }

    private func write(_ frames: [String], to writer: inout any ResponseBodyWriter, _ last: LastFrame) async throws {
        for frame in frames {
            try await writer.write(ByteBuffer(string: frame))
            last.touch()
        }
    }

    /// The tokens with their probabilities; nil if the request did not ask for them.
    private func logprobs(_ tokens: [GeneratedToken]) -> [TokenLogprob]? {
        guard admitted.reportsTokens else { return nil }
        let tokenizer = admitted.tokenizer
        func alternative(_ id: Int32, _ logprob: Float?) -> TokenLogprob.Alternative {
            TokenLogprob.Alternative(bytes: tokenizer.bytes(of: id), logprob: logprob)
        }
        return tokens.map { token in
            TokenLogprob(alternative(token.id, token.logprob), top: token.top.map { alternative($0.id, $0.logprob) })
        }
    }
}

extension Usage {
    /// Counts a whole answer to the prompt of the given index.
    mutating func add(_ completion: Completion, ofPrompt index: Int) {
        completionTokens += completion.generatedTokens
        add(cachedTokens: completion.cachedTokens, ofPrompt: index)
    }
}

extension Response {
    /// A stream of events, which proxies neither keep nor change.
    static func eventStream(
        _ write: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void
    ) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-cache, no-transform",
                .accelBuffering: "no",
            ], body: ResponseBody(write))
    }
}
