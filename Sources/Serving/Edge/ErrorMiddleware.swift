import HTTPTypes
import Hummingbird
import WireFormats

/// Turns whatever a route throws into the response that the caller gets.
struct ErrorMiddleware: RouterMiddleware {
    let routes: RouteTable
    let metrics: ServerMetrics

    func handle(
        _ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        do {
            let path = request.uri.path
            guard path == "/" || !path.hasSuffix("/") && !path.contains("//") else { throw HTTPError(.notFound) }
            return try await next(request, context)
        } catch is ClientClosed {
            context.record.update { $0.outcome = $0.outcome ?? "cancelled" }
            // Never sent: `ConnectionPersistence` closes instead.
            return Response(status: HTTPResponse.Status(code: 499))
        } catch {
            // The router has none for the method; the path may still be one.
            if context.endpointPath == RouteTable.noRoute, let entry = routes.entry(at: request.uri.path) {
                let error = APIError.methodNotAllowed(entry.allowed)
                return error.response(headers: [.allow: entry.allowed])
            }
            return response(to: error, record: context.record)
        }
    }

    private func response(to error: any Error, record: RequestRecord) -> Response {
        if let known = APIError(thrown: error), known.code != .internalError {
            record.update { $0.outcome = $0.outcome ?? "rejected" }
            if known.code.isOfImage { metrics.add(.rejectedImages, [("reason", known.code.rawValue)]) }
            return known.response()
        }
        record.update {
            $0.outcome = "error"
            $0.failure = "\(error)"
        }
        return APIError.bug.response()
    }
}

extension APIError.Code {
    /// The codes of errors for which an image is at fault.
    static var ofImages: [Self] {
        [.invalidBase64, .invalidImage, .unsupportedImageFormat, .imageTooLarge, .tooManyImages, .remoteImage]
    }

    fileprivate var isOfImage: Bool { Self.ofImages.contains(self) }
}
