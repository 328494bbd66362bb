public import Support

/// An error in the format that clients of OpenAI's API expect.
public struct APIError: Error, Sendable, Equatable {
    /// The classes of errors.
    public enum Kind: String, Sendable {
        /// The request is invalid.
        case invalidRequest = "invalid_request_error"
        /// The key is missing or invalid.
        case authentication = "authentication_error"
        /// The key does not give access to this route.
        case permission = "permission_error"
        /// A limit on the use of the server is exceeded.
        case rateLimit = "rate_limit_error"
        /// A time limit is exceeded.
        case timeout = "timeout_error"
        /// The server failed, or cannot answer now.
        case server = "server_error"
    }

    /// The reasons, one for each way in which a caller can react.
    public enum Code: String, Sendable {
        /// The body is not JSON.
        case invalidJSON = "invalid_json"
        /// A required field is absent.
        case missingParameter = "missing_required_parameter"
        /// A field has the wrong type.
        case invalidType = "invalid_type"
        /// A value is out of range.
        case invalidValue = "invalid_value"
        /// The field does not exist.
        case unknownParameter = "unknown_parameter"
        /// The field exists in the API but is not supported here.
        case unsupportedParameter = "unsupported_parameter"
        /// The field is supported, but not with this value.
        case unsupportedValue = "unsupported_value"
        /// The server cannot enforce the JSON Schema.
        case invalidSchema = "invalid_schema"
        /// The text is not base64.
        case invalidBase64 = "invalid_base64"
        /// The image is damaged.
        case invalidImage = "invalid_image"
        /// The image is not PNG, JPEG, WebP or GIF.
        case unsupportedImageFormat = "unsupported_image_format"
        /// The image exceeds a limit.
        case imageTooLarge = "image_too_large"
        /// There are more images than allowed.
        case tooManyImages = "too_many_images"
        /// The image would have to be fetched.
        case remoteImage = "remote_image_not_allowed"
        /// The prompt leaves no position for an answer.
        case contextLengthExceeded = "context_length_exceeded"
        /// The key is missing or invalid.
        case invalidAPIKey = "invalid_api_key"
        /// The key lacks the route's scope.
        case insufficientScope = "insufficient_scope"
        /// The server does not answer to this `Host`.
        case hostNotAllowed = "host_not_allowed"
        /// The origin of the web page is not allowed.
        case originNotAllowed = "origin_not_allowed"
        /// The policy does not exist.
        case modelNotFound = "model_not_found"
        /// The route or object does not exist.
        case notFound = "not_found"
        /// No prompt of the queue is left.
        case queueEmpty = "queue_empty"
        /// The route exists, but with other methods.
        case methodNotAllowed = "method_not_allowed"
        /// The request did not arrive in time.
        case requestTimeout = "request_timeout"
        /// The body is over the limit.
        case requestTooLarge = "request_too_large"
        /// Request line and headers are over the limit.
        case headersTooLarge = "headers_too_large"
        /// The route does not accept this content type.
        case unsupportedMediaType = "unsupported_media_type"
        /// Too many requests are waiting.
        case queueFull = "queue_full"
        /// The key has used up a limit.
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
    /// The JSON path or form field that caused the error.
    public var param: String?
    /// The message for the caller.
    public var message: String
    /// With status 429: the seconds to wait before the next try.
    public var retryAfter = 1

    /// An error with the given properties; by default an invalid request with status 400.
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
