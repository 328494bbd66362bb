import Engine
public import Images

/// What a server is told from outside; every limit has its default.
public struct ServerConfiguration: Sendable {
    /// The address to listen on.
    public var host = "127.0.0.1"
    /// The port to listen on.
    public var port = 8080
    /// The port of metrics and probes, if not the callers'.
    public var metricsPort: Int?
    /// The file of keys, for reloading; nil if there are none.
    public var keyFile: String?
    /// Whether others may be served without a key.
    public var isInsecure = false
    /// Names in the `Host` header that a server on a loopback address answers to, beside its own and the loopback ones.
    /// If there are any, others are refused on every address.
    public var allowedHosts: [String] = []
    /// Origins like `https://example.com` whose pages may use the server; `*` stands for all.
    public var corsOrigins: [String] = []
    /// How long the headers of a request may take.
    public var headerLimit = Duration.seconds(10)
    /// How long the body of a request may take, from the end of its headers on.
    public var bodyLimit = Duration.seconds(60)
    /// Connections that may be open, in all and from one address; more are closed at once.
    public var connections = ConnectionLimits()
    /// How long a client may take nothing of its answer before it is cut off.
    public var stallLimit = Duration.seconds(30)
    /// Bytes of a request's body.
    public var maximumBodyBytes = 32 << 20
    /// Bytes of all requests' bodies that are being read or parsed, which takes some times as much.
    public var bodyMemory = min(512 << 20, MemoryLimit.bytes / 16)
    /// Bytes of all images that are being decoded.
    public var imageMemory = 256 << 20
    /// Images of a request.
    public var maximumImages = 16
    /// What one image may cost.
    public var imageLimits = ImageLimits.standard
    /// Tokens of an answer to a dialogue where the request sets no limit.
    public var maximumTokens = 1_024
    /// How long a request may take.
    public var deadline = Duration.seconds(600)
    /// How long a stream is silent before a comment keeps it alive.
    public var keepAlive = Duration.seconds(15)
    /// How long requests are still taken after SIGTERM, while load balancers notice.
    public var drainLag = Duration.seconds(5)
    /// How long running requests may go on after that.
    public var drainLimit = Duration.seconds(60)
    /// The folder of the web page.
    public var publicFolder = "Public"
    /// The release.
    public var version = "0.1.0"

    /// The defaults.
    public init() {}
}

/// Why a server does not start on an address that others reach.
public struct ExposedAddressError: Error, Equatable, CustomStringConvertible {
    /// The address.
    public var host: String

    /// The reason and the way out; the process exits with status 78 (EX_CONFIG).
    public var description: String {
        "refusing to listen on \(host): everyone who reaches it could use this server without a key; "
            + "name a file of keys with --auth-keys, or pass --insecure if that is meant"
    }
}

extension ServerConfiguration {
    /// Whether only this machine reaches the address.
    var isLoopback: Bool { Authority.isLoopback(host.lowercased()) }

    /// Refuses addresses other than this machine's own unless callers need a key or the operator insists.
    public func checkAddress(hasKeys: Bool) throws(ExposedAddressError) {
        guard isLoopback || hasKeys || isInsecure else { throw ExposedAddressError(host: host) }
    }
}
