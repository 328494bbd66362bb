import Engine
import HTTPTypes
import Policies
import Synchronization
import WireFormats

/// Counters and histograms of requests. Labels come from the code and the catalog only, so their number is bounded.
final class ServerMetrics: Sendable {
    typealias Labels = [(name: String, value: String)]

    private struct State {
        var counters: [String: [String: Int]] = [:]
        var histograms: [String: [String: Histogram]] = [:]
    }

    private let state = Mutex(State())

    /// Adds to a counter.
    func add(_ family: MetricFamily, _ labels: Labels, _ amount: Int = 1) {
        let key = Self.text(labels)
        state.withLock { $0.counters[family.name, default: [:]][key, default: 0] += amount }
    }

    /// Counts a value in a histogram.
    func observe(_ family: MetricFamily, _ labels: Labels, _ value: Double) {
        guard case .histogram(let bounds) = family.kind else {
            preconditionFailure("\(family.name) is no histogram")
        }
        let key = Self.text(labels)
        state.withLock {
            $0.histograms[family.name, default: [:]][key, default: Histogram(bounds: bounds)].observe(value)
        }
    }

    /// Creates a series at zero unless it exists.
    func declare(_ family: MetricFamily, _ labels: Labels) {
        let key = Self.text(labels)
        state.withLock { state in
            switch family.kind {
            case .counter: state.counters[family.name, default: [:]][key, default: 0] += 0
            case .histogram(let bounds):
                let known = state.histograms[family.name]?[key]
                state.histograms[family.name, default: [:]][key] = known ?? Histogram(bounds: bounds)
            }
        }
    }

    /// The series of a counter.
    func counters(_ family: MetricFamily) -> [(labels: String, value: Int)] {
        state.withLock { $0.counters[family.name] ?? [:] }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// The series of a histogram.
    func histograms(_ family: MetricFamily) -> [(labels: String, value: Histogram)] {
        state.withLock { $0.histograms[family.name] ?? [:] }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// `a="x",b="y"`, escaped by the rules of the text format.
    static func text(_ labels: Labels) -> String {
        labels.map { label in
            let value = label.value.map { character -> String in
                switch character {
                case "\\": "\\\\"
                case "\"": "\\\""
                case "\n": "\\n"
                default: String(character)
                }
            }.joined()
            return "\(label.name)=\"\(value)\""
        }.joined(separator: ",")
    }
}

extension Services {
    /// Creates every series that is known beforehand at zero. A counter that appeared with its first value would have
    /// no rate before the second value. Call this when the model is loaded, and whenever its policies change.
    func declareSeries() {
        metrics.declareRefusals()
        for entry in routes.entries { metrics.declareResponses(of: entry) }
        for model in models.loaded { declareSeries(of: model.policies.catalog) }
    }

    private func declareSeries(of catalog: PolicyCatalog) {
        for policy in catalog.all { metrics.declareTokens(of: policy) }
        for policy in catalog.policies {
            metrics.declareTimes(of: policy)
            if catalog.reward != nil { metrics.declare(.answerReward, [("model", policy.requestName)]) }
        }
        for entry in routes.entries where entry.isGenerating {
            let isReward = entry.path == RewardController.path
            let policies = isReward ? [catalog.reward].compactMap { $0 } : catalog.policies
            metrics.declareRequests(route: entry.path, policies: policies)
        }
    }
}

extension ServerMetrics {
    fileprivate func declareRefusals() {
        for code in APIError.Code.ofImages { declare(.rejectedImages, [("reason", code.rawValue)]) }
        for reason in ["missing", "invalid", "expired", "scope"] { declare(.authFailures, [("reason", reason)]) }
        for scope in ["streams", "requests", "prompt_tokens"] { declare(.rateLimited, [("scope", scope)]) }
        for limit in ["total", "address"] { declare(.refusedConnections, [("limit", limit)]) }
        for outcome in ["published", "failed"] { declare(.policySwaps, [("outcome", outcome)]) }
        for family in [MetricFamily.imageDecode, .imageEncode, .imagePixels, .feedbackRecords] { declare(family, []) }
    }

    fileprivate func declareResponses(of entry: RouteTable.Entry) {
        let generating = [400, 401, 403, 404, 408, 413, 415, 429, 499, 503, 504]
        for method in entry.methods {
            for status in [200, 500] + (entry.isGenerating ? generating : []) {
                declare(.responses, [("route", entry.path), ("method", method.rawValue), ("status", "\(status)")])
            }
        }
    }

    fileprivate func declareRequests(route: String, policies: [Policy]) {
        func declare(_ model: String, _ modality: String, _ outcomes: [String]) {
            for outcome in outcomes {
                self.declare(
                    .requests, [("route", route), ("model", model), ("modality", modality), ("outcome", outcome)])
            }
        }
        declare("", "text", ["rejected", "cancelled"])
        for policy in policies {
            for modality in policy.modalities {
                declare(policy.requestName, modality, ["stop", "length", "cancelled", "rejected", "error"])
            }
        }
    }

    fileprivate func declareTokens(of policy: Policy) {
        declare(.generatedTokens, [("model", policy.requestName)])
        for kind in policy.modalities { declare(.promptTokens, [("model", policy.requestName), ("kind", kind)]) }
    }

    fileprivate func declareTimes(of policy: Policy) {
        for modality in policy.modalities {
            for family in [MetricFamily.firstToken, .interToken, .request, .queue, .prefill] {
                declare(family, [("model", policy.requestName), ("modality", modality)])
            }
        }
    }
}

extension RouteTable.Entry {
    /// Whether the engine computes the entry's requests.
    fileprivate var isGenerating: Bool {
        if case .scope(let scope) = access { scope != .admin && methods.contains(.post) } else { false }
    }
}

extension Policy {
    /// The policy's values of the label `modality`.
    fileprivate var modalities: [String] { vision == nil ? ["text"] : ["text", "image"] }
}

/// A family of Prometheus series: declared once, with its help and its buckets.
struct MetricFamily: Sendable {
    enum Kind: Sendable {
        case counter
        /// The buckets' upper bounds, ascending.
        case histogram([Double])
    }

    let name: String
    let help: String
    let kind: Kind

    private static func counter(_ name: String, _ help: String) -> MetricFamily {
        MetricFamily(name: name, help: help, kind: .counter)
    }

    private static func histogram(_ name: String, _ help: String, _ bounds: [Double]) -> MetricFamily {
        MetricFamily(name: name, help: help, kind: .histogram(bounds))
    }

    static let requests = counter("apus_requests_total", "Generating requests that ended")
    static let responses = counter("apus_http_responses_total", "Responses")
    static let promptTokens = counter("apus_prompt_tokens_total", "Prompt positions taken in")
    static let generatedTokens = counter("apus_generated_tokens_total", "Tokens generated")
    static let rejectedImages = counter("apus_image_rejected_total", "Requests refused for a picture")
    static let authFailures = counter("apus_auth_failures_total", "Requests refused for their key")
    static let rateLimited = counter("apus_rate_limited_total", "Requests refused for their key's limits")
    static let refusedConnections = counter(
        "apus_connections_refused_total", "Connections over a limit, closed at once")
    static let policySwaps = counter("apus_policy_swaps_total", "Changes of the served policies")
    static let feedbackRecords = counter("apus_feedback_records_total", "Rankings, skips and thumbs that were stored")

    static let firstToken = histogram(
        "apus_time_to_first_token_seconds", "From the request to its first text",
        [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 300])
    static let interToken = histogram(
        "apus_inter_token_seconds", "Between two pieces of text",
        [0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1])
    static let request = histogram("apus_request_seconds", "From the request to the end of its answer", whole)
    static let queue = histogram("apus_queue_seconds", "From submission until scheduled", whole)
    static let prefill = histogram(
        "apus_prefill_seconds", "From scheduled until the first token, pictures not counted", stage)
    static let imageDecode = histogram("apus_image_decode_seconds", "Decoding and reading a request's pictures", stage)
    static let imageEncode = histogram("apus_image_encode_seconds", "A request's time in the vision encoder", stage)
    static let imagePixels = histogram(
        "apus_image_pixels", "Pixels of each picture", (7...12).map { Double(1 << (2 * $0)) })
    static let answerReward = histogram(
        "apus_answer_reward", "Rewards of answers that were scored", stride(from: -4, through: 4, by: 0.5).map { $0 })

    private static let whole = [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 300, 600]
    private static let stage = [0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

    /// All families, in the order of the page.
    static let all = [
        requests, responses, promptTokens, generatedTokens, rejectedImages, authFailures, rateLimited,
        refusedConnections, policySwaps, feedbackRecords,
        firstToken, interToken, request, queue, prefill, imageDecode, imageEncode, imagePixels, answerReward,
    ]
}
