import Engine
import Foundation
import HTTPTypes
import HummingbirdTesting
import Logging
import Serving
import Testing

/// Logs and metrics for operators.
@Suite struct ObservabilityTests {
    private let chat = #"{"model":"sft","messages":[{"role":"user","content":"hi"}]}"#
    private let engine = ScriptedEngine(ScriptedEngine.saying(["x"]))

    /// One object per line, with times that sort as text and numbers that compare as numbers.
    @Test func logsAreJSON() {
        let time = Date(timeIntervalSince1970: 1_700_000_000.25)
        func line(_ message: Logger.Message, _ metadata: Logger.Metadata) -> String {
            JSONLogHandler().line(
                LogEvent(
                    level: .notice, message: message, metadata: metadata, source: "", file: "", function: "", line: 1),
                at: time)
        }
        #expect(
            line("request.done", ["status": .stringConvertible(200), "ts": "never", "key_id": "a\n\"b"])
                == #"{"ts":"2023-11-14T22:13:20.250Z","level":"notice","event":"request.done","#
                + #""key_id":"a\n\"b","status":200}"#)
        #expect(
            line("Server started.", ["share": .stringConvertible(0.5)])
                == #"{"ts":"2023-11-14T22:13:20.250Z","level":"notice","event":"message","#
                + #""message":"Server started.","share":0.5}"#)
    }

    /// Probes and scrapes come every few seconds; only failed ones are of interest.
    @Test func probesThatGoWellAreNotLogged() async throws {
        let log = LogRecorder()
        try await withServer(engine, logger: log.logger) { client in
            for path in ["/livez", "/readyz", "/health", "/startupz", "/metrics", "/v1/models"] {
                #expect(try await client.execute(uri: path, method: .get).status == .ok)
            }
            _ = try await client.execute(uri: "/livez", method: .post)
            _ = try await client.post("/v1/chat/completions", chat)
        }
        let requests = log.lines.filter { $0.contains("request.done") }
        #expect(requests.map { $0.contains("status=200") } == [true, false, true], "\(requests)")
        #expect(requests.last?.contains(" modality=text model=sft outcome=stop ") == true)
    }

    /// A counter that appears with its first value has no rate.
    @Test func seriesBeginAtZero() async throws {
        try await withServer(engine) { client in
            let text = try await client.execute(uri: "/metrics", method: .get).text
            let route = "route=\"/v1/chat/completions\""
            for series in [
                "apus_requests_total{\(route),model=\"sft\",modality=\"text\",outcome=\"error\"}",
                "apus_http_responses_total{\(route),method=\"POST\",status=\"499\"}",
                "apus_http_responses_total{route=\"/v1/models\",method=\"GET\",status=\"500\"}",
                "apus_generated_tokens_total{model=\"sft\"}", "apus_prompt_tokens_total{model=\"sft\",kind=\"text\"}",
                "apus_auth_failures_total{reason=\"invalid\"}", "apus_rate_limited_total{scope=\"streams\"}",
                "apus_image_rejected_total{reason=\"invalid_image\"}", "apus_policy_swaps_total{outcome=\"failed\"}",
                "apus_time_to_first_token_seconds_count{model=\"sft\",modality=\"text\"}",
                "apus_connections_refused_total{limit=\"total\"}", "apus_image_decode_seconds_count",
            ] {
                #expect(text.contains("\n\(series) 0\n"), "\(series)")
            }
            #expect(text.utf8.count < 200 << 10)
            for gauge in ["process_start_time_seconds", "process_open_fds", "process_max_fds", "apus_connections"] {
                let value = text.split(separator: "\n").first { $0.hasPrefix(gauge + " ") }?.split(separator: " ").last
                #expect(value.flatMap { Double($0) }.map { $0 > 0 } == true, "\(gauge)")
            }
        }
    }

    /// Callers do not see metrics that have a separate port.
    @Test func metricsMayHaveTheirOwnPort() async throws {
        try await withServer(engine, configure: { $0.metricsPort = 1 }) { client in
            let metrics = try await client.execute(uri: "/metrics", method: .get)
            #expect(metrics.status == .notFound)
            let probe = try await client.execute(uri: "/livez", method: .get)
            #expect(probe.status == .ok)
        }
        let own = try await buildMetricsApplication(
            models: [.init { [engine] in try servedModel(engine) }], configuration: ServerConfiguration(),
            logger: silent)
        try await own.test(.live) { client in
            let text = try await client.execute(uri: "/metrics", method: .get).text
            #expect(text.contains("apus_policy_generation{model=\"sft\"} 3.0\n"))
            #expect(try await client.execute(uri: "/readyz", method: .get).status == .ok)
            #expect(try await client.execute(uri: "/v1/models", method: .get).status == .notFound)
        }
    }
}
