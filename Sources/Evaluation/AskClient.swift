import Foundation

/// Asks a server's `/v1/ask` and retries while the server is busy.
package struct AskClient: Sendable {
    /// One question about one image, with its sampling.
    struct Prompt: Sendable {
        let question: String
        let png: [UInt8]
        let maximumTokens: Int
        /// 0 for the most likely answer; nil leaves it to the policy.
        var temperature: Double?
        var seed: UInt32?
    }

    /// The server's answer.
    struct Answer: Decodable, Sendable {
        let text: String
        let finishReason: String
        /// The generation of the policy that answered.
        let generation: Int

        /// Whether the policy ended the answer; false if a limit cut it.
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

    private struct RewardBody: Encodable {
        let question: String
        let images: [String]
        let answers: [String]
    }

    private struct Rewards: Decodable {
        struct Reward: Decodable { let reward: Double }
        let data: [Reward]
    }

    /// Upper bound on the tries of one question while the server is busy.
    private static let tries = 100

    private let client: any ReplyClient
    let server: String
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

    /// The policy that will answer, as the server describes it.
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
    ///   - progress: receives the number of answers so far and their total.
    /// - Throws: the first error; then there are no answers.
    func answers(
        of policy: EvaluatedPolicy, to prompts: [Prompt], concurrency: Int,
        progress: (_ done: Int, _ total: Int) -> Void
    ) async throws -> [Answer] {
        try await Self.results(of: prompts, concurrency: concurrency, progress: progress) { prompt in
            let answer = try await answer(to: prompt)
            guard answer.generation == policy.generation else {
                throw EvaluationError.otherGeneration(
                    url: url, policy: policy.name, expected: policy.generation, found: answer.generation)
            }
            return answer
        }
    }

    /// The results of `body` for all items, in their order, at most `concurrency` at a time. Throws the first error.
    package static func results<Item: Sendable, Result: Sendable>(
        of items: [Item], concurrency: Int, progress: (_ done: Int, _ total: Int) -> Void,
        _ body: @escaping @Sendable (Item) async throws -> Result
    ) async throws -> [Result] {
        var results = [Result?](repeating: nil, count: items.count)
        try await withThrowingTaskGroup(of: (index: Int, result: Result).self) { group in
            var pending = items.indices[...]
            func startNext() {
                guard let index = pending.popFirst() else { return }
                group.addTask { (index, try await body(items[index])) }
            }
            for _ in 0..<concurrency { startNext() }
            var done = 0
            while let (index, result) = try await group.next() {
                results[index] = result
                done += 1
                progress(done, items.count)
                startNext()
            }
        }
        return results.compactMap { $0 }
    }

    /// The answer to one prompt, as the server gives it.
    func answer(to prompt: Prompt) async throws -> Answer {
        try await post(
            Body(
                question: prompt.question, images: [Self.dataURL(prompt.png)], model: model,
                maximumTokens: prompt.maximumTokens, temperature: prompt.temperature, seed: prompt.seed), to: url)
    }

    /// The server's rewards of answers to a question about an image, in their order.
    func rewards(of answers: [String], to question: String, about png: [UInt8]) async throws -> [Double] {
        try await rewards(of: answers, to: question, imageURL: Self.dataURL(png))
    }

    /// The same for an image as a data URL.
    func rewards(of answers: [String], to question: String, imageURL: String) async throws -> [Double] {
        let body = RewardBody(question: question, images: [imageURL], answers: answers)
        let url = server + "/v1/reward"
        let rewards: Rewards = try await post(body, to: url)
        guard rewards.data.count == answers.count else {
            throw EvaluationError.malformed(
                url: url, reason: "expected \(answers.count) rewards", body: "\(rewards.data.count) of them")
        }
        return rewards.data.map(\.reward)
    }

    /// A PNG file's bytes as a data URL.
    package static func dataURL(_ png: [UInt8]) -> String {
        "data:image/png;base64," + Data(png).base64EncodedString()
    }

    /// Posts until the server is not busy.
    func post<Result: Decodable>(_ body: some Encodable, to url: String) async throws -> Result {
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
        switch type {
        case is Answer.Type: "an object with the strings answer and finish_reason and the number generation"
        case is ChatReply.Type: "a chat completion whose choices have a message with content and a finish_reason"
        case is Rewards.Type: "an object whose array data has objects with the number reward"
        default: "policies with the string id and the number generation"
        }
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
