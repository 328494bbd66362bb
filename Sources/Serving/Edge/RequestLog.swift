import HTTPTypes
import Hummingbird
import Logging

/// The outermost middleware: gives each request an id, and each response the headers that all responses have.
struct RequestIDMiddleware: RouterMiddleware {
    typealias Context = ServerContext

    func handle(
        _ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        let id = Self.requestID(request.headers[HTTPField.Name.requestID])
        context.record.update { $0.id = id }
        var response = try await next(request, context)
        response.headers[HTTPField.Name.requestID] = id
        response.headers[HTTPField.Name.plainRequestID] = id
        response.headers[.xContentTypeOptions] = "nosniff"
        let facts = context.record.current
        if let policy = facts.policy, !facts.hidesPolicy {
            response.headers[HTTPField.Name.policy] = "\(policy)@\(facts.generation)"
        }
        return response
    }

    /// The caller's id if it is harmless; otherwise a new one.
    private static func requestID(_ given: String?) -> String {
        guard let given, (1...128).contains(given.utf8.count), given.utf8.allSatisfy(isHarmless) else {
            return newID("req_")
        }
        return given
    }

    private static func isHarmless(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: ".-_".utf8.contains(byte)
        }
    }
}

extension HTTPField.Name {
    static var requestID: Self { named("x-request-id") }
    static var plainRequestID: Self { named("request-id") }
    static var policy: Self { named("apus-policy") }
    static var apiKey: Self { named("x-api-key") }
    static var finishReason: Self { named("apus-finish-reason") }
    static var accelBuffering: Self { named("X-Accel-Buffering") }
    static var fetchSite: Self { named("Sec-Fetch-Site") }

    private static func named(_ text: StaticString) -> Self {
        guard let name = Self(text.description) else { preconditionFailure("\(text) is no header name") }
        return name
    }
}

/// Counts a request as open while it is answered, and counts and logs it when its response is written.
struct RequestLogMiddleware: RouterMiddleware {
    let services: Services
    let routes: RouteTable

    /// Load balancers and Prometheus request these paths every few seconds.
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

    /// The level of a request's log line; successful probes and scrapes are of no interest.
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
