import Engine
import Foundation

/// Writes Prometheus' text format 0.0.4. Reads snapshots only, so that scraping never waits for the engine.
struct MetricsPage {
    private var text = ""

    /// The page of a server at this moment.
    static func text(_ services: Services) -> String {
        var page = MetricsPage()
        page.addRequests(services.metrics)
        page.addEngine(services.engine.load, model: services.catalog.defaultPolicy.name)
        let build = services.configuration
        page.gauge(
            "apus_build_info", "What this server is",
            [("version", build.version), ("isa", build.isa), ("backbone", build.backbone)], 1)
        if let bytes = residentBytes() {
            page.gauge("process_resident_memory_bytes", "Resident memory in bytes", [], Double(bytes))
        }
        return page.text
    }

    private mutating func addRequests(_ metrics: Metrics) {
        let counters = [
            ("apus_requests_total", "Generating requests that ended"),
            ("apus_http_responses_total", "Responses"), ("apus_prompt_tokens_total", "Prompt positions taken in"),
            ("apus_generated_tokens_total", "Tokens generated"),
        ]
        for (name, help) in counters {
            head(name, help, "counter")
            for series in metrics.counters(name) { line(name, series.labels, "\(series.value)") }
        }
        let histograms = [
            ("apus_time_to_first_token_seconds", "From the request to its first text"),
            ("apus_inter_token_seconds", "Between two pieces of text"),
            ("apus_request_seconds", "From the request to the end of its answer"),
            ("apus_queue_seconds", "From submission until scheduled"),
            ("apus_image_decode_seconds", "Decoding a request's pictures"),
            ("apus_image_encode_seconds", "A request's time in the vision encoder"),
        ]
        for (name, help) in histograms {
            head(name, help, "histogram")
            for series in metrics.histograms(name) { add(series.value, name, series.labels) }
        }
    }

    private mutating func addEngine(_ load: EngineLoad, model: String) {
        let usage = load.blocks > 0 ? Double(load.usedBlocks) / Double(load.blocks) : 0
        gauge("apus_requests_running", "Requests being answered", [], Double(load.running))
        gauge("apus_requests_waiting", "Requests that wait", [], Double(load.waiting))
        gauge("apus_kv_cache_usage_ratio", "Share of the KV blocks in use", [], usage)
        head("apus_kv_blocks", "KV blocks", "gauge")
        line("apus_kv_blocks", "state=\"used\"", "\(load.usedBlocks)")
        line("apus_kv_blocks", "state=\"free\"", "\(load.blocks - load.usedBlocks)")
        head("apus_preemptions_total", "Sequences preempted", "counter")
        line("apus_preemptions_total", "", "\(load.preemptions)")
        let labels: Metrics.Labels = [("model_name", model)]
        gauge("vllm:num_requests_running", "As apus_requests_running", labels, Double(load.running))
        gauge("vllm:num_requests_waiting", "As apus_requests_waiting", labels, Double(load.waiting))
        gauge("vllm:kv_cache_usage_perc", "As apus_kv_cache_usage_ratio, 0 to 1", labels, usage)
    }

    private mutating func head(_ name: String, _ help: String, _ type: String) {
        text += "# HELP \(name) \(help).\n# TYPE \(name) \(type)\n"
    }

    private mutating func line(_ name: String, _ labels: String, _ value: String) {
        text += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
    }

    private mutating func gauge(_ name: String, _ help: String, _ labels: Metrics.Labels, _ value: Double) {
        head(name, help, "gauge")
        line(name, Metrics.text(labels), "\(value)")
    }

    private mutating func add(_ histogram: Metrics.Histogram, _ name: String, _ labels: String) {
        let prefix = labels.isEmpty ? "" : labels + ","
        var total = 0
        for (bound, count) in zip(Metrics.Histogram.bounds, histogram.counts) {
            total += count
            line("\(name)_bucket", "\(prefix)le=\"\(bound)\"", "\(total)")
        }
        line("\(name)_bucket", "\(prefix)le=\"+Inf\"", "\(histogram.count)")
        line("\(name)_sum", labels, "\(histogram.sum)")
        line("\(name)_count", labels, "\(histogram.count)")
    }

    /// Linux tells in kB; nil elsewhere.
    private static func residentBytes() -> Int? {
        guard let status = FileManager.default.contents(atPath: "/proc/self/status") else { return nil }
        for line in String(decoding: status, as: UTF8.self).split(separator: "\n") where line.hasPrefix("VmRSS:") {
            return line.split { $0 == " " || $0 == "\t" }.dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
        }
        return nil
    }
}
