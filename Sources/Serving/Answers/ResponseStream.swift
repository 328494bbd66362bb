import Engine
import HTTPTypes
import Hummingbird
import NIOCore
import Tokenizers
import WireFormats

/// Turns the engine's events for one request into its response: a stream of frames, or one body.
///
/// An encoder decides which bytes are written. The rest is the same for every API: a silent stream gets keep-alive
/// comments; each frame waits until the socket has accepted the frame before; a disconnect cancels the request; and the
/// request ends once, with one terminal frame and one outcome. With several candidates, the reward model picks one,
/// whose text is sent once all are complete. All other text is sent as it is generated.
struct ResponseStream: Sendable {
    private let services: Services
    private let admitted: Admitted
    private let monitor: ConnectionMonitor
    private let record: RequestRecord

    /// The response to an admitted request.
    init(_ admitted: Admitted, services: Services, context: ServerContext) async throws {
        self.services = services
        self.admitted = admitted
        monitor = try await context.monitor()
        record = context.record
    }

    /// The response. If it is streamed, its body runs later.
    func response(_ encoder: some AnswerEncoder, isStreaming: Bool) async throws -> Response {
        isStreaming ? stream(encoder) : try await whole(encoder)
    }

    private func whole(_ encoder: some AnswerEncoder) async throws -> Response {
        var choices = (0..<admitted.choices).map { index in
            AnswerChoice(
                logprobs: admitted.reportsTokens ? [] : nil, ending: AnswerEnding(choice: index, reason: "error"))
        }
        var counts = admitted.usage
        try await answer(last: LastFrame()) { step in
            switch step {
            case .text(let piece, _): choices[piece.choice].append(piece)
            case .toolCall(let piece, _): choices[piece.choice].append(piece)
            case .finished(let ending, let usage):
                choices[ending.choice].finish(ending)
                counts = usage
            case .idle: break
            }
        }
        return Response(encoder.whole(choices, usage: counts))
    }

    private func stream(_ encoder: some AnswerEncoder) -> Response {
        let format = encoder.format
        let body = ResponseBody { writer in
            var encoder = encoder
            let last = LastFrame()
            func send(_ frames: [String]) async throws {
                for frame in frames {
                    try await writer.write(ByteBuffer(string: frame))
                    last.touch()
                }
            }
            var trailers: HTTPFields?
            try await send(encoder.begin(choices: admitted.choices, usage: admitted.usage))
            do {
                try await answer(last: last) { step in
                    switch step {
                    case .text(let piece, let usage): try await send(encoder.text(piece, usage: usage))
                    case .toolCall(let piece, let usage): try await send(encoder.toolCall(piece, usage: usage))
                    case .finished(let ending, let usage):
                        try await send(encoder.finish(ending, usage: usage))
                        trailers = format.trailers(ending)
                    case .idle: try await send(encoder.keepAlive)
                    }
                }
            } catch let failure as EngineFailure {
                guard let frames = encoder.fail(APIError(failure)) else { throw failure }
                try await send(frames)
            }
            try await writer.finish(trailers)
        }
        return Response(status: .ok, headers: format.headers, body: body)
    }

    /// One step towards the complete answer, with the tokens counted so far.
    private enum Step {
        case text(AnswerPiece, Usage)
        case toolCall(ToolCallPiece, Usage)
        case finished(AnswerEnding, Usage)
        /// Nothing was sent for the keep-alive interval.
        case idle

        init(_ part: ToolCallStream.Part, ids: inout TokenIDs?, _ usage: Usage) {
            switch part {
            case .text(var piece):
                piece.tokenIDs = ids?.take()
                self = .text(piece, usage)
            case .toolCall(var piece):
                switch piece.step {
                case .begin, .arguments: piece.tokenIDs = ids?.take()
                // It has no frame of its own.
                case .end: break
                }
                self = .toolCall(piece, usage)
            }
        }
    }

    /// The ids of a choice's tokens that no frame has had yet.
    private struct TokenIDs {
        private var waiting: [Int32] = []

        mutating func add(_ tokens: [GeneratedToken]) { waiting += tokens.map(\.id) }

        mutating func take() -> [Int32] {
            defer { waiting = [] }
            return waiting
        }
    }

    /// Passes each step to `take` until the answer is complete, and counts its metrics.
    private func answer(last: LastFrame, _ take: (Step) async throws -> Void) async throws {
        var meter = AnswerMeter(admitted, metrics: services.metrics, record: record)
        do {
            if let scoring = admitted.scoring {
                try await pick(by: scoring, last: last, meter: &meter, take)
            } else {
                try await forward(last: last, meter: &meter, take)
            }
        } catch {
            meter.end(error)
            throw error
        }
    }

    /// Forwards each choice as it is generated.
    private func forward(
        last: LastFrame, meter: inout AnswerMeter, _ take: (Step) async throws -> Void
    ) async throws {
        var reasons = [String?](repeating: nil, count: admitted.choices)
        var calls = (0..<admitted.choices).map { ToolCallStream(choice: $0, calls: admitted.calls) }
        var ids = (0..<admitted.choices).map { _ in admitted.promptTokenIDs.map { _ in TokenIDs() } }
        _ = try await completions(of: admitted.streams, last: last) { progress in
            switch progress {
            case .text(let choice, let delta):
                meter.text(delta, choice: choice)
                if !delta.isPrompt { ids[choice]?.add(delta.tokens) }
                for part in calls[choice].append(piece(delta, choice: choice)) {
                    try await take(Step(part, ids: &ids[choice], meter.usage))
                }
            case .finished(let choice, let completion):
                var ending = try ending(of: completion, choice: choice)
                for part in calls[choice].finish(ending.reason) {
                    try await take(Step(part, ids: &ids[choice], meter.usage))
                }
                ids[choice]?.add(completion.tokens)
                ending.tokenIDs = ids[choice]?.take()
                ending.reason = calls[choice].reason(ending.reason)
                reasons[choice] = ending.reason
                ending.isLast = !reasons.contains(nil)
                meter.finished(completion, choice: choice)
                if ending.isLast { meter.end(outcome: reasons[0] ?? ending.reason) }
                try await take(.finished(ending, meter.usage))
            case .idle: try await take(.idle)
            }
        }
    }

    /// Forwards the answer that the reward model picks. A single answer is forwarded as it is generated.
    private func pick(
        by scoring: AnswerScoring, last: LastFrame, meter: inout AnswerMeter, _ take: (Step) async throws -> Void
    ) async throws {
        let isOnlyOne = admitted.streams.count == 1
        var deltas = [[TextDelta]](repeating: [], count: admitted.streams.count)
        let completed = try await completions(of: admitted.streams, last: last) { progress in
            switch progress {
            case .text(let choice, let delta):
                deltas[choice].append(delta)
                guard isOnlyOne else { return meter.generated(delta, choice: choice) }
                meter.text(delta, choice: choice)
                try await take(.text(piece(delta, choice: choice), meter.usage))
            case .finished(let choice, let completion): meter.finished(completion, choice: choice)
            case .idle: try await take(.idle)
            }
        }
        let sampled = ContinuousClock.now
        var ending = AnswerEnding(reason: "")
        let scores = try await scoring.pick(
            from: zip(deltas, completed).map { Answer(deltas: $0, completion: $1) },
            wantsScores: admitted.reportsScores,
            score: { try await self.scores(of: $0, last: last) { try await take(.idle) } },
            present: { pick in
                ending = try self.ending(of: pick.answer.completion, choice: 0)
                meter.reward(pick.reward)
                guard !isOnlyOne else { return }
                pick.answer.deltas.first.map { meter.text($0, choice: pick.index) }
                for delta in pick.answer.deltas { try await take(.text(piece(delta, choice: 0), meter.usage)) }
            })
        ending.scores = scores.map { .init(reward: $0.reward, value: $0.value, kl: $0.kl) }
        ending.timing.total =
            (completed.map(\.timing.total).max() ?? .zero).milliseconds + (ContinuousClock.now - sampled).milliseconds
        meter.end(outcome: ending.reason)
        try await take(.finished(ending, meter.usage))
    }

    /// Runs scoring requests. They belong to a request that the engine has already taken, so they need no slot in the
    /// queue.
    private func scores(
        of requests: [EngineRequest], last: LastFrame, _ idle: () async throws -> Void
    ) async throws -> [[Double]] {
        let streams: [AsyncStream<EngineEvent>]
        do {
            streams = try requests.map { try admitted.engine.submit($0, in: Reservation {}) }
        } catch let error as AdmissionError {
            throw error == .stopping ? EngineFailure.stopped : EngineFailure.internal("\(error)")
        }
        return try await completions(of: streams, last: last) { progress in
            if case .idle = progress { try await idle() }
        }.map(\.scores)
    }

    private func completions(
        of streams: [AsyncStream<EngineEvent>], last: LastFrame, _ take: (AnswerProgress) async throws -> Void
    ) async throws -> [Completion] {
        try await Serving.completions(
            of: streams, monitor: monitor, keepAlive: services.configuration.keepAlive, last: last, take)
    }

    private func piece(_ delta: TextDelta, choice: Int) -> AnswerPiece {
        AnswerPiece(choice: choice, text: delta.text, logprobs: logprobs(delta.tokens))
    }

    private func ending(of completion: Completion, choice: Int) throws(EngineFailure) -> AnswerEnding {
        var ending = AnswerEnding(
            choice: choice, reason: try completion.finishReason(), logprobs: logprobs(completion.tokens))
        if case .stopString(let string) = completion.reason { ending.stopString = string }
        ending.isShortened = completion.isShortened
        ending.unfinishedTokens = completion.unfinishedTokens
        ending.timing.queue = completion.timing.queue.milliseconds
        ending.timing.images = (completion.timing.imagePreparation + completion.timing.images).milliseconds
        ending.timing.firstToken = completion.timing.firstToken.milliseconds
        ending.timing.total = completion.timing.total.milliseconds
        return ending
    }

    /// The tokens with their log-probabilities; nil if the request did not ask for them.
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

extension StreamFormat {
    /// The response headers. They keep proxies from buffering or changing a stream.
    fileprivate var headers: HTTPFields {
        var headers: HTTPFields = [
            .contentType: self == .events ? "text/event-stream; charset=utf-8" : "text/plain; charset=utf-8",
            .cacheControl: "no-cache, no-transform", .accelBuffering: "no",
        ]
        if self == .text { headers[.trailer] = HTTPField.Name.finishReason.rawName }
        return headers
    }

    fileprivate func trailers(_ ending: AnswerEnding) -> HTTPFields? {
        self == .text ? [.finishReason: ending.reason] : nil
    }
}

extension Duration {
    /// The duration as a number, rounded to microseconds.
    fileprivate var milliseconds: Double { (seconds * 1e6).rounded() / 1e3 }
}
