import Engine
public import Images

/// The settings of a server; every limit has a default.
public struct ServerConfiguration: Sendable {
    /// The address to listen on.
    public var host = "127.0.0.1"
    /// The port to listen on.
    public var port = 8080
    /// The port of metrics and probes, if it differs from the callers' port.
    public var metricsPort: Int?
    /// The key file, for reloading; nil if there is none.
    public var keyFile: String?
    /// Whether the server may listen on a public address without keys.
    public var isInsecure = false
    /// Names in the `Host` header that a server on a loopback address answers to, beside its own and the loopback ones.
    /// With a list, the server refuses all other names on every address.
    public var allowedHosts: [String] = []
    /// Origins like `https://example.com` whose pages may use the server; `*` stands for all.
    public var corsOrigins: [String] = []
    /// Time limit for the headers of a request.
    public var headerLimit = Duration.seconds(10)
    /// Time limit for the body of a request, from the end of its headers.
    public var bodyLimit = Duration.seconds(60)
    /// Maximum numbers of open connections, in total and per address; more are closed at once.
    public var connections = ConnectionLimits()
    /// How long a client may read nothing of its answer before the server disconnects it.
    public var stallLimit = Duration.seconds(30)
    /// Maximum size of a request's body in bytes.
    public var maximumBodyBytes = 32 << 20
    /// Limit for the bodies of all requests being read or parsed, in bytes. Parsing takes several times as much memory.
    public var bodyMemory = min(512 << 20, MemoryLimit.bytes / 16)
    /// Limit for all images being decoded, in bytes.
    public var imageMemory = 256 << 20
    /// Limit for the memory of all loaded models together, in bytes.
    public var modelMemory = MemoryLimit.bytes
    /// How long a model may be idle before it is unloaded; nil: for ever.
    public var sleepAfter: Duration?
    /// Maximum number of images in a request.
    public var maximumImages = 16
    /// The limits for one image.
    public var imageLimits = ImageLimits.standard
    /// Limit for all files that callers keep on the server, in bytes.
    public var uploadQuota = 1 << 30
    /// Token limit of an answer to a dialogue if the request sets none.
    public var maximumTokens = 1_024
    /// Time limit of a request.
    public var deadline = Duration.seconds(600)
    /// How long a stream may be silent before a comment keeps it alive.
    public var keepAlive = Duration.seconds(15)
    /// How long the server accepts requests after SIGTERM, until load balancers notice.
    public var drainLag = Duration.seconds(5)
    /// How long running requests may continue after that.
    public var drainLimit = Duration.seconds(60)
    /// The folder of the web page.
    public var publicFolder = "Public"
    /// The release.
    public var version = "0.1.0"

    /// The defaults.
    public init() {}
}

/// Why a server refuses to listen on a public address.
public struct ExposedAddressError: Error, Equatable, CustomStringConvertible {
    /// The address.
    public var host: String

    /// The reason and the solution; the process exits with status 78 (EX_CONFIG).
    public var description: String {
        "refusing to listen on \(host): everyone who reaches it could use this server without a key; "
            + "name a file of keys with --auth-keys, or pass --insecure if that is meant"
    }
}

extension ServerConfiguration {
    /// Whether the address is reachable from this machine only.
    var isLoopback: Bool { Authority.isLoopback(host.lowercased()) }

    /// Throws for addresses other than loopback addresses, unless there are keys or `isInsecure` is set.
    public func checkAddress(hasKeys: Bool) throws(ExposedAddressError) {
        guard isLoopback || hasKeys || isInsecure else { throw ExposedAddressError(host: host) }
    }
}
