import Foundation

/// Asks a server's `/v1/ask`, and again if it was busy.
struct AskClient: Sendable {
    private struct Question: Encodable {
        let question: String
        let images: [String]
        let model: String?
        let stream = false
        let maximumTokens: Int

        enum CodingKeys: String, CodingKey {
            case question, images, model, stream
            case maximumTokens = "max_tokens"
        }
    }

    private struct Answer: Decodable {
        let answer: String
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

    /// The answer to a question about one PNG, as the server gives it.
    func answer(to question: String, about png: [UInt8], maximumTokens: Int) async throws -> String {
        let image = "data:image/png;base64," + Data(png).base64EncodedString()
        let body = Question(question: question, images: [image], model: model, maximumTokens: maximumTokens)
        let json = [UInt8](try JSONEncoder().encode(body))
        for _ in 0..<Self.tries {
            let reply = try await post(json)
            if reply.status == 429, let seconds = reply.retryAfter, seconds >= 0 {
                try await wait(.seconds(seconds))
                continue
            }
            return try text(of: reply)
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

    private func text(of reply: Reply) throws(EvaluationError) -> String {
        let shown = String(decoding: reply.body.prefix(500), as: UTF8.self)
        guard reply.status == 200 else { throw .refused(url: url, status: reply.status, body: shown) }
        do {
            return try JSONDecoder().decode(Answer.self, from: Data(reply.body)).answer
        } catch {
            throw .malformed(url: url, reason: "expected an object whose field answer is a string", body: shown)
        }
    }
}
