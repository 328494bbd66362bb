/// A server's reply to one request.
public struct Reply: Sendable, Equatable {
    /// The HTTP status.
    public var status: Int
    /// Seconds to wait before the next try, from the server; nil if it gives none.
    public var retryAfter: Int?
    /// The whole body.
    public var body: [UInt8]

    /// The given reply.
    public init(status: Int, retryAfter: Int? = nil, body: [UInt8]) {
        self.status = status
        self.retryAfter = retryAfter
        self.body = body
    }
}

/// Sends JSON to a server and returns its reply: over HTTP, or from a script in tests.
public protocol ReplyClient: Sendable {
    /// Posts a JSON document to `url` and waits for the whole reply.
    func post(_ json: [UInt8], to url: String) async throws -> Reply

    /// Gets a JSON document from `url` and waits for the whole reply.
    func get(_ url: String) async throws -> Reply
}
