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
        /// Of the policy that answered.
        let generation: Int

        /// Whether the policy ended it, and not a limit.
        var ended: Bool { finishReason == "stop" }

        enum CodingKeys: String, CodingKey {
            case generation
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
    private let server: String
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
        self.server = server.hasSuffix("/") ? String(server.dropLast()) : server
        self.url = self.server + "/v1/ask"
        self.model = model
        self.wait = wait
    }

    /// Who will answer, as the server says.
    func policy() async throws -> EvaluatedPolicy {
        struct List: Decodable { let data: [EvaluatedPolicy] }
        let models = server + "/v1/models"
        guard let model else {
            let list: List = try decoded(try await reply(from: models) { try await client.get(models) }, from: models)
            guard let first = list.data.first else {
                throw EvaluationError.malformed(url: models, reason: "expected at least one policy", body: "[]")
            }
            return first
        }
        let name = model.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? model
        let one = "\(models)/\(name)"
        return try decoded(try await reply(from: one) { try await client.get(one) }, from: one)
    }

    /// The answers of `policy` to all prompts, in their order.
    ///
    /// - Parameters:
    ///   - concurrency: prompts that are open at the same time.
    ///   - progress: told how many of how many answers are there.
    /// - Throws: the first error; then there are no answers.
    func answers(
        of policy: EvaluatedPolicy, to prompts: [Prompt], concurrency: Int,
        progress: (_ done: Int, _ total: Int) -> Void
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
                guard answer.generation == policy.generation else {
                    throw EvaluationError.otherGeneration(
                        url: url, policy: policy.name, expected: policy.generation, found: answer.generation)
                }
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
            let reply = try await reply(from: url) { try await client.post(json, to: url) }
            if reply.status == 429, let seconds = reply.retryAfter, seconds >= 0 {
                try await wait(.seconds(seconds))
                continue
            }
            return try decoded(reply, from: url)
        }
        throw EvaluationError.busy(url: url, tries: Self.tries)
    }

    private static func fields<T>(of type: T.Type) -> String {
        type == Answer.self
            ? "an object with the strings answer and finish_reason and the number generation"
            : "policies with the string id and the number generation"
    }

    private func reply(from url: String, _ ask: () async throws -> Reply) async throws -> Reply {
        do {
            return try await ask()
        } catch let error as CancellationError {
            throw error
        } catch {
            throw EvaluationError.noReply(url: url, reason: "\(error)")
        }
    }

    private func decoded<T: Decodable>(_ reply: Reply, from url: String) throws(EvaluationError) -> T {
        let shown = String(decoding: reply.body.prefix(500), as: UTF8.self)
        guard reply.status == 200 else { throw .refused(url: url, status: reply.status, body: shown) }
        do {
            return try JSONDecoder().decode(T.self, from: Data(reply.body))
        } catch {
            throw .malformed(url: url, reason: "expected \(Self.fields(of: T.self))", body: shown)
        }
    }
}
