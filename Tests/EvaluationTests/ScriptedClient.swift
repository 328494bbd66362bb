import Evaluation
import Foundation
import Policies
import Synchronization
import TestSupport

/// A scripted server: records every request and replies by `script`.
final class ScriptedClient: ReplyClient {
    struct Request: Decodable, Sendable {
        let question: String
        let images: [String]
        let model: String?
        let stream: Bool
        let max_tokens: Int
        let temperature: Double?
        let seed: UInt32?

        /// The bytes of the first image's data URL.
        var image: [UInt8] {
            let prefix = "data:image/png;base64,"
            guard let image = images.first, image.hasPrefix(prefix) else { return [] }
            return Data(base64Encoded: String(image.dropFirst(prefix.count))).map { [UInt8]($0) } ?? []
        }
    }

    private struct State {
        var requests: [Request] = []
        var urls: Set<String> = []
        var open = 0
        var maximumOpen = 0
    }

    private let state = Mutex(State())
    private let gathering: Int
    private let script: @Sendable (Request, _ earlier: Int) throws -> Reply

    /// - Parameters:
    ///   - gathering: the number of open requests that replies wait for; they give up waiting after a while.
    ///   - script: the reply to a request; `earlier` is the number of earlier posts of the same question.
    init(gathering: Int = 0, _ script: @escaping @Sendable (Request, _ earlier: Int) throws -> Reply) {
        self.gathering = gathering
        self.script = script
    }

    var requests: [Request] { state.withLock(\.requests) }
    var urls: Set<String> { state.withLock(\.urls) }
    var maximumOpen: Int { state.withLock(\.maximumOpen) }

    func post(_ json: [UInt8], to url: String) async throws -> Reply {
        let request = try JSONDecoder().decode(Request.self, from: Data(json))
        let earlier = state.withLock { state in
            let earlier = state.requests.count { $0.question == request.question }
            state.requests.append(request)
            state.urls.insert(url)
            state.open += 1
            state.maximumOpen = max(state.maximumOpen, state.open)
            return earlier
        }
        // Lets other requests begin, so that `maximumOpen` shows how many may be open.
        var turns = 0
        while turns < 20 || (turns < 100_000 && maximumOpen < gathering) {
            await Task.yield()
            turns += 1
        }
        defer { state.withLock { $0.open -= 1 } }
        return try script(request, earlier)
    }

    /// Every policy exists, in generation 1; without a name, `sft` is the first.
    func get(_ url: String) async throws -> Reply {
        let encoder = JSONEncoder()
        let batches = url.split(separator: "/")
        guard let last = batches.last, last != "models" else {
            return Reply(status: 200, body: [UInt8](try encoder.encode(["data": [EvaluatedPolicy.scripted("sft")]])))
        }
        return Reply(status: 200, body: [UInt8](try encoder.encode(EvaluatedPolicy.scripted(String(last)))))
    }
}

extension EvaluatedPolicy {
    /// A policy with digests made from its name.
    static func scripted(_ name: String) -> EvaluatedPolicy {
        EvaluatedPolicy(name: name, generation: 1, digests: .scripted(name))
    }
}

extension Reply {
    /// A server's answer.
    static func answer(_ text: String, reason: String = "stop", generation: Int = 1) throws -> Reply {
        struct Body: Encodable {
            let answer: String
            let finish_reason: String
            let generation: Int
        }
        let body = Body(answer: text, finish_reason: reason, generation: generation)
        return Reply(status: 200, body: [UInt8](try JSONEncoder().encode(body)))
    }
}
