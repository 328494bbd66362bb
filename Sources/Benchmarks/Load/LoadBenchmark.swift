import Evaluation
import Foundation

/// Puts a load on a server with `POST /v1/chat/completions`, Apus or another one, and times every token.
public struct LoadBenchmark: Sendable {
    private let client: any EventStreamClient
    private let url: String
    private let model: String?
    private let profile: LoadProfile
    private let time: LoadClock

    /// A benchmark of the server at `server`, as `http://127.0.0.1:8080`.
    ///
    /// - Parameter model: the name that requests ask for; nil for none.
    public init(client: any EventStreamClient, server: String, model: String?, profile: LoadProfile) {
        self.init(client: client, server: server, model: model, profile: profile, time: .continuous())
    }

    package init(
        client: any EventStreamClient, server: String, model: String?, profile: LoadProfile, time: LoadClock
    ) {
        self.client = client
        self.url = (server.hasSuffix("/") ? String(server.dropLast()) : server) + "/v1/chat/completions"
        self.model = model
        self.profile = profile
        self.time = time
    }

    /// Sends all questions and waits for all answers. An answer that fails is counted as a failure, with its reason.
    public func run() async throws -> LoadReport {
        let times = profile.times()
        let bodies = try times.indices.map { try profile.body($0, model: model) }
        let start = time.now()
        let limit = if case .open(let count) = profile.arrival { count } else { bodies.count }
        let answers = try await AskClient.results(
            of: Array(zip(times, bodies)), concurrency: limit, progress: { _, _ in },
            { seconds, body in
                try await time.wait(start + seconds)
                return try await answer(to: body.json, hasImage: body.hasImage)
            })
        return LoadReport(profile, seconds: time.now() - start, answers: answers)
    }

    private struct Chunk: Decodable {
        struct Choice: Decodable {
            struct Delta: Decodable { let content: String? }
            let delta: Delta?
        }
        struct Usage: Decodable { let completion_tokens: Int }
        let choices: [Choice]?
        let usage: Usage?
    }

    private func answer(to json: [UInt8], hasImage: Bool) async throws -> LoadReport.Answer {
        let asked = time.now()
        var pieces: [Double] = []
        var tokens: Int?
        var isWhole = false
        var failure: String?
        do {
            let status = try await client.stream(json, to: url) { data in
                if data == "[DONE]" {
                    isWhole = true
                    return
                }
                let chunk = try JSONDecoder().decode(Chunk.self, from: Data(data.utf8))
                if let usage = chunk.usage { tokens = usage.completion_tokens }
                let text = chunk.choices?.first?.delta?.content ?? ""
                if !text.isEmpty { pieces.append(time.now() - asked) }
            }
            if status != 200 { failure = "status \(status)" } else if !isWhole { failure = "the stream was cut off" }
        } catch let error as CancellationError {
            throw error
        } catch {
            failure = "\(error)"
        }
        return LoadReport.Answer(
            hasImage: hasImage, pieces: pieces, tokens: tokens ?? pieces.count, failure: failure)
    }
}

/// A clock that measures seconds and waits until a given time.
package struct LoadClock: Sendable {
    package var now: @Sendable () -> Double
    package var wait: @Sendable (Double) async throws -> Void

    package init(now: @escaping @Sendable () -> Double, wait: @escaping @Sendable (Double) async throws -> Void) {
        self.now = now
        self.wait = wait
    }

    /// The system's clock, starting at 0 now.
    static func continuous() -> LoadClock {
        let (clock, start) = (ContinuousClock(), ContinuousClock.now)
        return LoadClock(
            now: { start.duration(to: clock.now) / .seconds(1) },
            wait: { try await clock.sleep(until: start + .seconds($0)) })
    }
}
