import HTTPTypes
import Hummingbird

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
        if let policy = facts.policy { response.headers[HTTPField.Name.policy] = "\(policy)@\(facts.generation)" }
        return response
    }

    /// The caller's id if it is harmless, else a new one.
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
