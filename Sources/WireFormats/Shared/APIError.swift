/// An error as clients of OpenAI's API expect it.
public struct APIError: Error, Sendable, Equatable {
    /// The classes of errors.
    public enum Kind: String, Sendable {
        /// The request is at fault.
        case invalidRequest = "invalid_request_error"
        /// No valid key.
        case authentication = "authentication_error"
        /// A key that does not open this.
        case permission = "permission_error"
        /// Too much at once.
        case rateLimit = "rate_limit_error"
        /// Too slow.
        case timeout = "timeout_error"
        /// The server is at fault, or not able now.
        case server = "server_error"
    }

    /// The reasons, one for each thing that a caller can do about it.
    public enum Code: String, Sendable {
        /// The body is not JSON.
        case invalidJSON = "invalid_json"
        /// A required field is absent.
        case missingParameter = "missing_required_parameter"
        /// A field is of another type.
        case invalidType = "invalid_type"
        /// A value is out of bounds.
        case invalidValue = "invalid_value"
        /// There is no such field.
        case unknownParameter = "unknown_parameter"
        /// The field is known but has no effect here.
        case unsupportedParameter = "unsupported_parameter"
        /// The field is known but not with this value.
        case unsupportedValue = "unsupported_value"
        /// Not base64.
        case invalidBase64 = "invalid_base64"
        /// A damaged image.
        case invalidImage = "invalid_image"
        /// Not a PNG and not a JPEG.
        case unsupportedImageFormat = "unsupported_image_format"
        /// An image over a limit.
        case imageTooLarge = "image_too_large"
        /// More images than may be.
        case tooManyImages = "too_many_images"
        /// An image that would have to be fetched.
        case remoteImage = "remote_image_not_allowed"
        /// The prompt leaves no position for an answer.
        case contextLengthExceeded = "context_length_exceeded"
        /// No key, or not a valid one.
        case invalidAPIKey = "invalid_api_key"
        /// The key lacks the route's scope.
        case insufficientScope = "insufficient_scope"
        /// A `Host` that the server does not answer to.
        case hostNotAllowed = "host_not_allowed"
        /// A web page of an origin that is not let in.
        case originNotAllowed = "origin_not_allowed"
        /// No such policy.
        case modelNotFound = "model_not_found"
        /// No such route or object.
        case notFound = "not_found"
        /// The route exists, with other methods.
        case methodNotAllowed = "method_not_allowed"
        /// The request did not come in time.
        case requestTimeout = "request_timeout"
        /// The body is over the limit.
        case requestTooLarge = "request_too_large"
        /// Request line and headers are over the limit.
        case headersTooLarge = "headers_too_large"
        /// A content type that the route does not take.
        case unsupportedMediaType = "unsupported_media_type"
        /// Too many requests wait.
        case queueFull = "queue_full"
        /// The key has used up what it may.
        case rateLimitExceeded = "rate_limit_exceeded"
        /// A bug.
        case internalError = "internal_error"
        /// The server is starting.
        case notReady = "not_ready"
        /// The server is stopping.
        case serverDraining = "server_draining"
        /// The answer took too long.
        case generationTimeout = "generation_timeout"
    }

    /// The HTTP status.
    public var status: Int
    /// The class.
    public var kind: Kind
    /// The reason.
    public var code: Code
    /// The JSON path or form field at fault.
    public var param: String?
    /// The reason in words, for the caller.
    public var message: String
    /// With status 429: seconds after which to try again.
    public var retryAfter = 1

    /// An error of the given parts; without `kind` and `status`, one of the request: 400.
    public init(
        _ code: Code, _ message: String, param: String? = nil, status: Int = 400, kind: Kind = .invalidRequest
    ) {
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.message = message
    }

    /// The body of the response; also the data of a stream's error frame.
    public var json: JSON {
        [
            "error": [
                "message": .string(message), "type": .string(kind.rawValue), "param": JSON(param),
                "code": .string(code.rawValue),
            ]
        ]
    }
}
