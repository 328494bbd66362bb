import HTTPTypes
import Hummingbird
import Logging
import WireFormats

/// The outermost layer: request ids, headers that every response has, errors, the log line and the response counter.
struct EdgeMiddleware: RouterMiddleware {
    let services: Services

    func handle(
        _ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        let id = Self.requestID(request.headers[HTTPField.Name.requestID])
        let open = services.state.open()
        context.record.update {
            $0.id = id
            $0.open = open
        }
        var response: Response
        do {
            let path = request.uri.path
            guard path == "/" || !path.hasSuffix("/") && !path.contains("//") else { throw HTTPError(.notFound) }
            response = try await next(request, context)
        } catch {
            response = self.response(to: error, context: context)
        }
        response.headers[HTTPField.Name.requestID] = id
        response.headers[HTTPField.Name.plainRequestID] = id
        response.headers[.xContentTypeOptions] = "nosniff"
        if let facts = Optional(context.record.current), let policy = facts.policy {
            response.headers[HTTPField.Name.policy] = "\(policy)@\(facts.generation)"
        }
        let done = completion(of: request, status: response.status, context: context)
        let closes = response.headers[.connection] == "close"
        guard closes || response.body.contentLength == nil else {
            done()
            return response
        }
        let body = response.body
        response.body = ResponseBody(contentLength: body.contentLength) { writer in
            defer {
                done()
                // The server's framework keeps a connection open whatever the response says.
                if closes { context.channel.closeGently() }
            }
            try await body.write(writer)
        }
        return response
    }

    private func response(to error: any Error, context: ServerContext) -> Response {
        if error is ClientClosed { return Response(status: HTTPResponse.Status(code: 499)) }
        if let known = APIError(thrown: error), known.code != .internalError {
            context.record.update { $0.outcome = $0.outcome ?? "rejected" }
            if known.code.isOfImage { services.metrics.add(.rejectedImages, [("reason", known.code.rawValue)]) }
            return known.response()
        }
        context.record.update {
            $0.outcome = "error"
            $0.failure = "\(error)"
        }
        return APIError.bug.response()
    }

    /// Counts and logs the request; to be called when its response is written.
    private func completion(
        of request: Request, status: HTTPResponse.Status, context: ServerContext
    ) -> @Sendable () -> Void {
        let method = request.method.rawValue
        let endpoint = context.endpointPath.flatMap { $0 == "NotFound" ? nil : $0 } ?? "unmatched"
        let logger = context.logger
        let record = context.record
        let metrics = services.metrics
        return {
            metrics.add(
                .responses,
                [("route", endpoint), ("method", method), ("status", String(status.code))])
            let facts = record.current
            if endpoint.hasPrefix("/v1/"), !endpoint.hasPrefix("/v1/admin/"), let outcome = facts.outcome {
                metrics.add(
                    .requests,
                    [
                        ("route", endpoint), ("model", facts.policy ?? ""),
                        ("modality", facts.hasImages ? "image" : "text"), ("outcome", outcome),
                    ])
            }
            var metadata: Logger.Metadata = [
                "request_id": "\(facts.id)", "route": "\(endpoint)", "method": "\(method)",
                "status": "\(status.code)", "seconds": "\((ContinuousClock.now - record.started).seconds)",
            ]
            if let policy = facts.policy { metadata["model"] = "\(policy)@\(facts.generation)" }
            if let outcome = facts.outcome { metadata["outcome"] = "\(outcome)" }
            if facts.promptTokens > 0 {
                metadata["prompt_tokens"] = "\(facts.promptTokens)"
                metadata["generated_tokens"] = "\(facts.generatedTokens)"
            }
            if let keyID = facts.keyID { metadata["key_id"] = "\(keyID)" }
            if let failure = facts.failure { metadata["failure"] = "\(failure)" }
            logger.log(level: facts.failure == nil ? .info : .error, "request", metadata: metadata)
        }
    }

    /// The caller's id if it is harmless, else a new one.
    private static func requestID(_ given: String?) -> String {
        if let given, (1...128).contains(given.utf8.count),
            given.utf8.allSatisfy({ byte in
                byte < 0x80 && (Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber)
                    || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
            })
        {
            return given
        }
        return newID("req_")
    }
}

extension APIError.Code {
    /// Whether a picture is at fault.
    fileprivate var isOfImage: Bool {
        [.invalidBase64, .invalidImage, .unsupportedImageFormat, .imageTooLarge, .tooManyImages, .remoteImage]
            .contains(self)
    }
}

/// `prefix` and 32 random hex digits.
func newID(_ prefix: String) -> String {
    let digits = (0..<2).map { _ in
        let half = String(UInt64.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 16 - half.count) + half
    }
    return prefix + digits.joined()
}

extension Duration {
    /// The duration as a number.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}

extension HTTPField.Name {
    static var requestID: Self { named("x-request-id") }
    static var plainRequestID: Self { named("request-id") }
    static var policy: Self { named("apus-policy") }
    static var apiKey: Self { named("x-api-key") }
    static var finishReason: Self { named("apus-finish-reason") }
    static var accelBuffering: Self { named("X-Accel-Buffering") }

    private static func named(_ text: StaticString) -> Self {
        guard let name = Self(text.description) else { preconditionFailure("\(text) is no header name") }
        return name
    }
}
