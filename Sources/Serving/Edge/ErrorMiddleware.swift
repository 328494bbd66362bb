import Engine
import Feedback
import HTTPTypes
import Hummingbird
import Images
import NIOCore
import Support
import WireFormats

/// Turns errors of routes into responses.
struct ErrorMiddleware: RouterMiddleware {
    let routes: RouteTable
    let metrics: ServerMetrics

    func handle(
        _ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        let path = request.uri.path
        do {
            guard path == "/" || !path.hasSuffix("/") && !path.contains("//") else { throw HTTPError(.notFound) }
            return try await next(request, context)
        } catch is ClientClosed {
            context.record.update { $0.outcome = $0.outcome ?? "cancelled" }
            // Never sent: `ConnectionPersistence` closes instead.
            return Response(status: HTTPResponse.Status(code: 499))
        } catch {
            // The router has no route for this method; the path may exist with other methods.
            let format = ErrorFormat(path: path, requestID: context.record.current.id)
            if context.endpointPath == RouteTable.noRoute, let entry = routes.entry(at: path) {
                let error = APIError.methodNotAllowed(entry.allowed)
                return error.response(in: format, headers: [.allow: entry.allowed])
            }
            return response(to: error, in: format, record: context.record)
        }
    }

    private func response(to error: any Error, in format: ErrorFormat, record: RequestRecord) -> Response {
        if let known = APIError(thrown: error), known.code != .internalError {
            record.update { $0.outcome = $0.outcome ?? "rejected" }
            // The caller must not see paths; the operator must.
            if error is FeedbackError || error is ImageFolderError, known.status == 503 {
                record.update { $0.failure = "\(error)" }
            }
            if known.code.isOfImage { metrics.add(.rejectedImages, [("reason", known.code.rawValue)]) }
            return known.response(in: format)
        }
        record.update {
            $0.outcome = "error"
            $0.failure = "\(error)"
        }
        return APIError.bug.response(in: format)
    }
}

extension APIError.Code {
    /// The codes of errors that an image causes.
    static var ofImages: [Self] {
        [.invalidBase64, .invalidImage, .unsupportedImageFormat, .imageTooLarge, .tooManyImages, .remoteImage]
    }

    fileprivate var isOfImage: Bool { Self.ofImages.contains(self) }
}

extension Response {
    /// A JSON body.
    init(_ json: JSON, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) {
        var headers = headers
        headers[.contentType] = "application/json"
        self.init(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: json.text)))
    }
}

/// The format of an error's body.
enum ErrorFormat {
    case openAI
    case anthropic(requestID: String)

    /// The format of the errors of a path.
    init(path: String, requestID: String) {
        self = path == "/v1/messages" || path.hasPrefix("/v1/messages/") ? .anthropic(requestID: requestID) : .openAI
    }

    func json(of error: APIError) -> JSON {
        switch self {
        case .openAI: error.json
        case .anthropic(let id): error.anthropicJSON(requestID: id)
        }
    }
}

extension APIError {
    /// The error as a response with the headers that its status requires.
    func response(in format: ErrorFormat, headers: HTTPFields = [:]) -> Response {
        var headers = headers
        switch status {
        case 401: headers[.wwwAuthenticate] = "Bearer"
        case 408, 413, 431: headers[.connection] = "close"
        case 429: headers[.retryAfter] = "\(retryAfter)"
        case 503:
            headers[.retryAfter] = "5"
            if code == .serverDraining { headers[.connection] = "close" }
        default: break
        }
        return Response(format.json(of: self), status: HTTPResponse.Status(code: status), headers: headers)
    }

    /// The error for the caller; nil if it is a bug.
    init?(thrown error: any Error) {
        switch error {
        case let error as APIError: self = error
        case let error as EngineFailure: self.init(error)
        case let error as FeedbackError:
            guard let known = APIError(error) else { return nil }
            self = known
        case let error as ImageFolderError:
            guard case .unwritable = error else { return nil }
            self = .dataFolderFull
        case let error as HTTPError where error.status == .notFound:
            self = .noSuchRoute
        case let error as BodyTooSlow:
            self.init(
                .requestTimeout, "The body did not come within \(error.limit.seconds) s.", status: 408, kind: .timeout)
        case let error as BrokenBody:
            self.init(.invalidValue, "The body is not framed as its headers say: \(error.reason).")
        default: return nil
        }
    }

    /// The error for feedback that the store refused; nil if the store is damaged.
    private init?(_ error: FeedbackError) {
        switch error {
        case .notFound(let field, let what):
            self.init(.notFound, "There is no \(what).", param: field, status: 404)
        case .invalid(let field, let reason): self.init(.invalidValue, "\(field) \(reason).", param: field)
        case .unavailable: self = .dataFolderFull
        case .newer, .database, .damaged, .otherComparison: return nil
        }
    }

    /// The error when nothing can be stored, as on a full disk. Answers still stream.
    private static var dataFolderFull: APIError {
        APIError(
            .notReady, "Nothing can be stored at present: the data folder cannot be written.", status: 503,
            kind: .server)
    }

    /// The error for a failed answer.
    init(_ failure: EngineFailure) {
        switch failure {
        case .deadlineExceeded:
            self.init(.generationTimeout, "The answer took too long.", status: 504, kind: .timeout)
        case .stopped: self.init(.serverDraining, "The server is stopping.", status: 503, kind: .server)
        case .internal: self = .bug
        }
    }

    /// The error for a request that was not admitted. `param` is the field that contains the prompt.
    init(_ error: AdmissionError, param: String) {
        switch error {
        case .queueFull(let limit):
            self.init(.queueFull, "\(limit) requests wait, which is the limit.", status: 429, kind: .rateLimit)
        case .contextLengthExceeded(let limit, let count):
            self.init(
                .contextLengthExceeded,
                "This model's maximum context length is \(limit) tokens, and the prompt has \(count); "
                    + "at least one must be left for the answer.", param: param)
        case .stopping: self.init(.serverDraining, "The server is stopping.", status: 503, kind: .server)
        }
    }

    /// The error for a model that cannot be loaded or unloaded now.
    init(_ error: ModelPoolError) {
        switch error {
        case .closed: self.init(EngineFailure.stopped)
        case .busy:
            self.init(.invalidValue, "The model is not unloaded: \(error).", param: "name", status: 409)
        case .full:
            self.init(
                .notReady, "The model is not loaded: \(error).", param: "model", status: 503, kind: .server)
        }
    }

    /// The error for an image that cannot be read.
    init(_ error: ImageError, of image: ImageReference) {
        let message = "\(image.param): \(error)."
        switch error {
        case .unsupported:
            self.init(
                .unsupportedImageFormat, message, param: image.param, status: image.formatErrorStatus)
        case .tooLarge, .tooSlow: self.init(.imageTooLarge, message, param: image.param)
        case .tooManyChunks, .tooManyScans, .corrupt, .cancelled:
            self.init(.invalidImage, message, param: image.param)
        }
    }

    /// The error for a path without a route.
    static var noSuchRoute: APIError { APIError(.notFound, "There is no such route.", status: 404) }

    /// The error for a route that has other methods.
    static func methodNotAllowed(_ allowed: String) -> APIError {
        APIError(.methodNotAllowed, "This route takes \(allowed).", status: 405)
    }

    /// The error that callers get in case of a bug. It reveals nothing about the bug.
    static var bug: APIError { APIError(.internalError, "Internal error.", status: 500, kind: .server) }
}
