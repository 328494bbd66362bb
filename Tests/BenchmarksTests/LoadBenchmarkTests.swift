import Benchmarks
import Foundation
import Synchronization
import Testing

@Suite struct LoadBenchmarkTests {
    @Test func eventsAreWholeHoweverTheirBytesCome() {
        let text = "data: {\"a\":1}\n\n: comment\nevent: x\ndata:two\r\ndata: [DONE]\n\nda"
        for size in [1, 2, 3, 7, 100] {
            var lines = EventLines()
            let bytes = Array(text.utf8)
            let found = stride(from: 0, to: bytes.count, by: size).flatMap {
                lines.append(bytes[$0..<min(bytes.count, $0 + size)])
            }
            #expect(found == ["{\"a\":1}", "two", "[DONE]"], "pieces of \(size)")
        }
    }

    @Test func arrivalsAreAPoissonProcess() {
        var profile = LoadProfile()
        profile.requests = 4_000
        profile.arrival = .rate(5)
        let times = profile.times()
        let gaps = zip(times.dropFirst(), times).map { $0 - $1 }
        let mean = gaps.reduce(0, +) / Double(gaps.count)
        #expect(gaps.allSatisfy { $0 > 0 } && abs(mean - 0.2) < 0.01)
        // Of an exponential distribution the deviation is the mean.
        let variance = gaps.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(gaps.count)
        #expect(abs(variance.squareRoot() - 0.2) < 0.02)
        #expect(profile.times() == times)
        profile.arrival = .open(3)
        #expect(profile.times() == Array(repeating: 0, count: 4_000))
    }

    @Test func questionsAreMixedAndBeginUnlike() throws {
        var profile = LoadProfile()
        profile.requests = 400
        profile.words = 20
        let bodies = try (0..<400).map { try profile.body($0, model: "sft") }
        let share = Double(bodies.count(where: \.hasImage)) / 400
        #expect(abs(share - 0.25) < 0.08)
        #expect(Set(bodies.map { String(decoding: $0.json, as: UTF8.self) }).count == 400)
        let text = String(decoding: bodies[0].json, as: UTF8.self)
        #expect(text.contains(#""ignore_eos":true"#) && text.contains(#""max_tokens":64"#))
        for body in bodies where body.hasImage {
            #expect(String(decoding: body.json, as: UTF8.self).contains("data:image\\/png;base64,"))
        }
    }

    @Test func percentilesAreNearestRanks() {
        let percentiles = LoadReport.Percentiles((1...200).map(Double.init).shuffled())
        #expect(percentiles == LoadReport.Percentiles((1...200).map(Double.init)))
        #expect(percentiles.p50 == 100 && percentiles.p95 == 190 && percentiles.p99 == 198)
        #expect(LoadReport.Percentiles([]).p99 == 0 && LoadReport.Percentiles([7]).p50 == 7)
    }

    /// A server by script: each event takes a tenth of a second of its clock.
    private final class Server: EventStreamClient {
        private let state = Mutex((time: 0.0, open: 0, maximumOpen: 0))
        private let status: @Sendable (Int) -> Int
        private let gathering: Int
        private let count = Mutex(0)

        /// Answers none before `gathering` requests were open at once.
        init(gathering: Int = 1, status: @escaping @Sendable (Int) -> Int = { _ in 200 }) {
            self.gathering = gathering
            self.status = status
        }

        var maximumOpen: Int { state.withLock(\.maximumOpen) }

        var clock: LoadClock {
            LoadClock(
                now: { [self] in state.withLock(\.time) },
                wait: { [self] time in state.withLock { $0.time = max($0.time, time) } })
        }

        func stream(_ json: [UInt8], to url: String, event: (String) throws -> Void) async throws -> Int {
            let number = count.withLock { count in
                count += 1
                return count
            }
            state.withLock {
                $0.open += 1
                $0.maximumOpen = max($0.maximumOpen, $0.open)
            }
            defer { state.withLock { $0.open -= 1 } }
            var turns = 0
            while turns < 20 || (turns < 100_000 && maximumOpen < gathering) {
                turns += 1
                await Task.yield()
            }
            guard status(number) == 200 else { return status(number) }
            for text in ["", "a", "b"] {
                state.withLock { $0.time += 0.1 }
                try event(#"{"choices":[{"delta":{"content":"\#(text)"}}]}"#)
            }
            try event(#"{"choices":[],"usage":{"completion_tokens":5}}"#)
            try event("[DONE]")
            return 200
        }
    }

    @Test func oneStreamIsTimedToTheToken() async throws {
        let server = Server()
        var profile = LoadProfile()
        profile.requests = 3
        profile.imageShare = 0
        let report = try await LoadBenchmark(
            client: server, server: "http://localhost:1/", model: nil, profile: profile, time: server.clock
        ).run()
        #expect(report.answers.count == 3 && report.failures.isEmpty && server.maximumOpen == 1)
        #expect(abs(report.firstText.p50 - 0.2) < 1e-9 && abs(report.gaps.p99 - 0.1) < 1e-9)
        #expect(report.firstImage.count == 0 && abs(report.seconds - 0.9) < 1e-9)
        #expect(abs(report.tokensPerSecond - 15 / 0.9) < 1e-6)
        #expect(LoadReport.table([report]).contains("1 open"))
    }

    @Test func answersThatFailAreCountedByReason() async throws {
        let server = Server(gathering: 4) { $0.isMultiple(of: 4) ? 429 : 200 }
        var profile = LoadProfile()
        profile.requests = 8
        profile.arrival = .open(4)
        let report = try await LoadBenchmark(
            client: server, server: "http://localhost:1", model: "m", profile: profile, time: server.clock
        ).run()
        #expect(report.failures == ["status 429": 2] && server.maximumOpen == 4)
        #expect(LoadReport.table([report]).hasSuffix("\n2 failed with 4 open: status 429"))
        #expect(report.tokensPerSecond > 0 && report.answers.count { $0.failure == nil } == 6)
    }
}
