import Foundation

/// Asks a server's `/v1/ask`, and again if it was busy.
struct AskClient: Sendable {
    /// One question about one picture, and how it is to be answered.
    struct Prompt: Sendable {
        let question: String
        let png: [UInt8]
        let maximumTokens: Int
        /// 0 for the likeliest answer; nil leaves it to the policy.
        var temperature: Double?
        var seed: UInt32?
    }

    /// What came back.
    struct Answer: Decodable, Sendable {
        let text: String
        let finishReason: String

        /// Whether the policy ended it, and not a limit.
        var ended: Bool { finishReason == "stop" }

        enum CodingKeys: String, CodingKey {
            case text = "answer"
            case finishReason = "finish_reason"
        }
    }

    private struct Body: Encodable {
        let question: String
        let images: [String]
        let model: String?
        let stream = false
        let maximumTokens: Int
        let temperature: Double?
        let seed: UInt32?

        enum CodingKeys: String, CodingKey {
            case question, images, model, stream, temperature, seed
            case maximumTokens = "max_tokens"
        }
    }

    /// How often one question is tried while the server is busy.
    private static let tries = 100

    private let client: any ReplyClient
    private let url: String
    private let model: String?
    private let wait: @Sendable (Duration) async throws -> Void

    init(
        client: any ReplyClient, server: String, model: String?,
        wait: @escaping @Sendable (Duration) async throws -> Void
    ) throws(EvaluationError) {
        guard let parts = URLComponents(string: server), ["http", "https"].contains(parts.scheme),
            parts.host?.isEmpty == false
        else { throw .badAddress(server) }
        self.client = client
        self.url = (server.hasSuffix("/") ? String(server.dropLast()) : server) + "/v1/ask"
        self.model = model
        self.wait = wait
    }

    /// The answers to all prompts, in their order.
    ///
    /// - Parameters:
    ///   - concurrency: prompts that are open at the same time.
    ///   - progress: told how many of how many answers are there.
    /// - Throws: the first error; then there are no answers.
    func answers(
        to prompts: [Prompt], concurrency: Int, progress: (_ done: Int, _ total: Int) -> Void
    ) async throws -> [Answer] {
        var answers = [Answer?](repeating: nil, count: prompts.count)
        try await withThrowingTaskGroup(of: (index: Int, answer: Answer).self) { group in
            var pending = prompts.indices[...]
            func askNext() {
                guard let index = pending.popFirst() else { return }
                group.addTask { (index, try await answer(to: prompts[index])) }
            }
            for _ in 0..<concurrency { askNext() }
            var done = 0
            while let (index, answer) = try await group.next() {
                answers[index] = answer
                done += 1
                progress(done, prompts.count)
                askNext()
            }
        }
        return answers.compactMap { $0 }
    }

    /// The answer to one prompt, as the server gives it.
    func answer(to prompt: Prompt) async throws -> Answer {
        let image = "data:image/png;base64," + Data(prompt.png).base64EncodedString()
        let body = Body(
            question: prompt.question, images: [image], model: model, maximumTokens: prompt.maximumTokens,
            temperature: prompt.temperature, seed: prompt.seed)
        let json = [UInt8](try JSONEncoder().encode(body))
        for _ in 0..<Self.tries {
            let reply = try await post(json)
            if reply.status == 429, let seconds = reply.retryAfter, seconds >= 0 {
                try await wait(.seconds(seconds))
                continue
            }
            return try decoded(reply)
        }
        throw EvaluationError.busy(url: url, tries: Self.tries)
    }

    private func post(_ json: [UInt8]) async throws -> Reply {
        do {
            return try await client.post(json, to: url)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw EvaluationError.noReply(url: url, reason: "\(error)")
        }
    }

    private func decoded(_ reply: Reply) throws(EvaluationError) -> Answer {
        let shown = String(decoding: reply.body.prefix(500), as: UTF8.self)
        guard reply.status == 200 else { throw .refused(url: url, status: reply.status, body: shown) }
        do {
            return try JSONDecoder().decode(Answer.self, from: Data(reply.body))
        } catch {
            throw .malformed(
                url: url, reason: "expected an object with the strings answer and finish_reason", body: shown)
        }
    }
}
