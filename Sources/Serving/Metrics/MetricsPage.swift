import Engine
import Foundation
import Policies

/// Writes Prometheus' text format 0.0.4. It reads snapshots only, so scraping never waits for the engine.
struct MetricsPage {
    private var text = ""

    /// The current page of a server; the model's metrics are missing until it is loaded.
    static func text(_ services: Services) -> String {
        var page = MetricsPage()
        for family in MetricFamily.all { page.add(family, of: services.metrics) }
        let models = services.models.loaded
        if services.state.phase != .loading {
            let load = services.models.load
            page.addEngine(load)
            page.addPolicies(models.flatMap(\.policies.catalog.all))
            page.addAliases(load, policies: models.flatMap(\.policies.catalog.policies))
            page.addModels(services.models.status)
        }
        page.gauge(
            "apus_memory_bytes", "Memory that is taken, by what for",
            [
                ([("part", "bodies")], Double(services.bodies.used)),
                ([("part", "images")], Double(services.imageReader.memory.used)),
            ])
        page.gauge(
            "apus_build_info", "What this server is",
            (models.isEmpty ? [nil] : models.map { $0 }).map { model in
                let version = ("version", services.configuration.version)
                return ([version, ("isa", model?.isa ?? ""), ("backbone", model?.backbone ?? "")], 1)
            })
        page.gauge(
            "apus_insecure", "Whether others are served without a key",
            [([], services.configuration.isInsecure ? 1 : 0)])
        page.gauge("apus_connections", "Open connections", [([], Double(services.connections.total))])
        page.addProcess(since: services.started)
        return page.text
    }

    private mutating func add(_ family: MetricFamily, of metrics: ServerMetrics) {
        switch family.kind {
        case .counter:
            head(family.name, family.help, "counter")
            for series in metrics.counters(family) { line(family.name, series.labels, "\(series.value)") }
        case .histogram:
            head(family.name, family.help, "histogram")
            for series in metrics.histograms(family) { buckets(series.value, family.name, series.labels) }
        }
    }

    private mutating func addEngine(_ load: EngineLoad) {
        func byModality(_ all: Int, _ images: Int) -> [(ServerMetrics.Labels, Double)] {
            [([("modality", "text")], Double(max(all - images, 0))), ([("modality", "image")], Double(images))]
        }
        gauge(
            "apus_requests_running", "Requests being answered", byModality(load.running, load.runningWithImages))
        gauge("apus_requests_waiting", "Requests that wait", byModality(load.waiting, load.waitingWithImages))
        gauge("apus_queue_limit", "Requests that may wait", [([], Double(load.waitingLimit))])
        gauge("apus_kv_cache_usage_ratio", "Share of the KV blocks in use", [([], load.usage)])
        gauge(
            "apus_kv_blocks", "KV blocks",
            [
                ([("state", "used")], Double(load.usedBlocks)),
                ([("state", "cached")], Double(load.cachedBlocks)),
                ([("state", "free")], Double(load.blocks - load.usedBlocks - load.cachedBlocks)),
            ])
        head("apus_prefix_cache_tokens_total", "Given positions of scheduled requests", "counter")
        line("apus_prefix_cache_tokens_total", #"result="hit""#, "\(load.cachedTokens)")
        line("apus_prefix_cache_tokens_total", #"result="miss""#, "\(load.admittedTokens - load.cachedTokens)")
        head("apus_image_cache_total", "Pictures by whether their embeddings were kept", "counter")
        line("apus_image_cache_total", #"result="hit""#, "\(load.imageHits)")
        line("apus_image_cache_total", #"result="miss""#, "\(load.imageMisses)")
        head("apus_preemptions_total", "Sequences preempted", "counter")
        line("apus_preemptions_total", "", "\(load.preemptions)")
        head("apus_step_seconds", "The engine's steps", "histogram")
        buckets(load.stepSeconds, "apus_step_seconds", "")
        head("apus_batch_tokens", "Positions of each step", "histogram")
        buckets(load.batchTokens, "apus_batch_tokens", "")
    }

    private mutating func addModels(_ models: [ModelPool.Status]) {
        gauge(
            "apus_model_loaded", "Whether a model is loaded; the first one has no name",
            models.map { ([("model", $0.name ?? "")], $0.phase == .loaded ? 1 : 0) })
    }

    private mutating func addPolicies(_ policies: [Policy]) {
        gauge(
            "apus_policy_generation", "The generation that answers, or scores answers",
            policies.map { ([("model", $0.requestName)], Double($0.generation)) })
    }

    /// Metrics under vLLM's names, for the Gateway API Inference Extension. Its readers keep only the last line of a
    /// family, so each family is one series over all policies.
    private mutating func addAliases(_ load: EngineLoad, policies: [Policy]) {
        let model: ServerMetrics.Labels = [("model_name", policies.first?.requestName ?? "")]
        gauge("vllm:num_requests_running", "As apus_requests_running", [(model, Double(load.running))])
        gauge("vllm:num_requests_waiting", "As apus_requests_waiting", [(model, Double(load.waiting))])
        gauge("vllm:kv_cache_usage_perc", "As apus_kv_cache_usage_ratio, 0 to 1", [(model, load.usage)])
        for (name, count) in [("queries", load.admittedTokens), ("hits", load.cachedTokens)] {
            head("vllm:prefix_cache_\(name)_total", "As apus_prefix_cache_tokens_total", "counter")
            line("vllm:prefix_cache_\(name)_total", ServerMetrics.text(model), "\(count)")
        }
        gauge(
            "vllm:cache_config_info", "The KV cache",
            [([("block_size", "\(load.blockSize)"), ("num_gpu_blocks", "\(load.blocks)")], 1)])
        let adapters: ServerMetrics.Labels = [
            ("max_lora", "\(policies.count { $0.adapter != nil })"),
            ("running_lora_adapters", load.runningAdapters.joined(separator: ",")),
            ("waiting_lora_adapters", load.waitingAdapters.joined(separator: ",")),
        ]
        gauge("vllm:lora_requests_info", "When the adapters in use last changed", [(adapters, load.adaptersChanged)])
    }

    private mutating func head(_ name: String, _ help: String, _ type: String) {
        text += "# HELP \(name) \(help).\n# TYPE \(name) \(type)\n"
    }

    private mutating func line(_ name: String, _ labels: String, _ value: String) {
        text += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
    }

    private mutating func gauge(_ name: String, _ help: String, _ series: [(ServerMetrics.Labels, Double)]) {
        head(name, help, "gauge")
        for (labels, value) in series { line(name, ServerMetrics.text(labels), "\(value)") }
    }

    private mutating func buckets(_ histogram: Histogram, _ name: String, _ labels: String) {
        let prefix = labels.isEmpty ? "" : labels + ","
        var total = 0
        for (bound, count) in zip(histogram.bounds, histogram.counts) {
            total += count
            line("\(name)_bucket", "\(prefix)le=\"\(bound)\"", "\(total)")
        }
        line("\(name)_bucket", "\(prefix)le=\"+Inf\"", "\(histogram.count)")
        line("\(name)_sum", labels, "\(histogram.sum)")
        line("\(name)_count", labels, "\(histogram.count)")
    }

    private mutating func addProcess(since started: Date) {
        gauge(
            "process_start_time_seconds", "When the process began, in Unix seconds",
            [([], started.timeIntervalSince1970)])
        // Listing the folder uses a descriptor itself.
        if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
            gauge("process_open_fds", "Open file descriptors", [([], Double(max(open - 1, 0)))])
        }
        gauge("process_max_fds", "File descriptors that may be open", [([], Double(sysconf(Int32(_SC_OPEN_MAX))))])
        if let bytes = MemoryLimit.residentBytes {
            gauge("process_resident_memory_bytes", "Resident memory in bytes", [([], Double(bytes))])
        }
        gauge("apus_memory_limit_bytes", "Memory that the process may take", [([], Double(MemoryLimit.bytes))])
        head("process_cpu_seconds_total", "Processor time in seconds", "counter")
        // POSIX defines the unit of `clock` as one microsecond.
        line("process_cpu_seconds_total", "", "\(Double(clock()) / 1e6)")
    }
}

extension EngineLoad {
    /// The share of KV blocks in use.
    fileprivate var usage: Double { blocks > 0 ? Double(usedBlocks) / Double(blocks) : 0 }
}
