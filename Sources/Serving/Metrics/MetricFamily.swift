/// A family of Prometheus series: declared once, with its help and its buckets.
struct MetricFamily: Sendable {
    enum Kind: Sendable {
        case counter
        /// The buckets' upper bounds, rising.
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
    static let imageDecode = histogram("apus_image_decode_seconds", "Decoding a request's pictures", stage)
    static let imageEncode = histogram("apus_image_encode_seconds", "A request's time in the vision encoder", stage)
    static let imagePixels = histogram(
        "apus_image_pixels", "Pixels of each picture", (7...12).map { Double(1 << (2 * $0)) })
    static let answerReward = histogram(
        "apus_answer_reward", "Rewards of answers that were scored", stride(from: -4, through: 4, by: 0.5).map { $0 })

    private static let whole = [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 300, 600]
    private static let stage = [0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

    /// In the order of the page.
    static let all = [
        requests, responses, promptTokens, generatedTokens, rejectedImages, authFailures, rateLimited,
        refusedConnections, policySwaps,
        firstToken, interToken, request, queue, prefill, imageDecode, imageEncode, imagePixels, answerReward,
    ]
}
