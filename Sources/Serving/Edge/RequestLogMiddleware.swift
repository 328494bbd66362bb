import Hummingbird
import Logging

/// Counts a request as open while it is answered, and counts and logs it when its response is written.
struct RequestLogMiddleware: RouterMiddleware {
    let services: Services
    let routes: RouteTable

    /// Asked every few seconds by load balancers and Prometheus.
    static let probes: Set = ["/livez", "/startupz", "/readyz", "/health", "/metrics"]

    func handle(
        _ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        let open = services.state.open()
        context.record.update { $0.open = open }
        var response = try await next(request, context)
        let found = context.endpointPath.flatMap { $0 == RouteTable.noRoute ? nil : $0 }
        let route = found ?? routes.entry(at: request.uri.path)?.path ?? "unmatched"
        let (method, status) = (request.method.rawValue, response.status.code)
        let done = { @Sendable [services, record = context.record] in
            services.metrics.count(record.current, route: route, method: method, status: status)
            services.logger.log(record, route: route, method: method, status: status)
        }
        guard response.body.contentLength == nil else {
            done()
            return response
        }
        let body = response.body
        response.body = ResponseBody { writer in
            defer { done() }
            try await body.write(writer)
        }
        return response
    }

    /// The level of a request's line; a probe or scrape that went well is of no interest.
    fileprivate static func level(_ facts: RequestRecord.Facts, route: String, status: Int) -> Logger.Level {
        if facts.failure != nil { return .error }
        return probes.contains(route) && status < 400 ? .debug : .info
    }
}

extension ServerMetrics {
    fileprivate func count(_ facts: RequestRecord.Facts, route: String, method: String, status: Int) {
        add(.responses, [("route", route), ("method", method), ("status", String(status))])
        guard route.hasPrefix("/v1/"), !route.hasPrefix("/v1/admin/"), let outcome = facts.outcome else { return }
        let modality = facts.hasImages ? "image" : "text"
        add(
            .requests,
            [("route", route), ("model", facts.policy ?? ""), ("modality", modality), ("outcome", outcome)])
    }
}

extension Logger {
    fileprivate func log(_ record: RequestRecord, route: String, method: String, status: Int) {
        let facts = record.current
        let total = ContinuousClock.now - record.started
        var metadata: Logger.Metadata = [
            "request_id": "\(facts.id)", "route": "\(route)", "method": "\(method)",
            "status": .stringConvertible(status), "total_ms": .stringConvertible(total.wholeMilliseconds),
        ]
        if let keyID = facts.keyID { metadata["key_id"] = "\(keyID)" }
        if let outcome = facts.outcome { metadata["outcome"] = "\(outcome)" }
        if let policy = facts.policy {
            metadata["model"] = "\(policy)"
            metadata["generation"] = .stringConvertible(facts.generation)
            metadata["modality"] = facts.hasImages ? "image" : "text"
        }
        let tokens = [
            ("prompt", facts.promptTokens), ("image", facts.imageTokens), ("generated", facts.generatedTokens),
        ]
        for (kind, count) in tokens where facts.promptTokens > 0 {
            metadata["\(kind)_tokens"] = .stringConvertible(count)
        }
        for (name, time) in [("queue", facts.queue), ("image", facts.images), ("first_token", facts.firstToken)] {
            if let time { metadata["\(name)_ms"] = .stringConvertible(time.wholeMilliseconds) }
        }
        if let failure = facts.failure { metadata["failure"] = "\(failure)" }
        log(level: RequestLogMiddleware.level(facts, route: route, status: status), "request.done", metadata: metadata)
    }
}

extension Duration {
    /// The duration as a number.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }

    /// The duration in milliseconds, rounded down.
    var wholeMilliseconds: Int { Int(seconds * 1_000) }
}
