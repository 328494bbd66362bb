import ArgumentParser
import Engine
import Foundation
import Logging
import NIOCore
import Policies
import Serving
import Synchronization
import Tensors

/// Serves the policies over HTTP until it is told to stop.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answer questions over HTTP.",
        discussion: "Example: apus serve --port 8080 --auth-keys keys.jsonl")

    @OptionGroup var options: PolicyOptions

    @OptionGroup(title: "Connections and web pages") var http: HTTPOptions

    @OptionGroup(title: "Logs and metrics") var observability: ObservabilityOptions

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen on.")
    var port = 8080

    @Option(
        name: .customLong("public"),
        help: ArgumentHelp(
            "The folder of the web page. Default: Public in the working folder, or beside or above the executable.",
            valueName: "folder"))
    var givenPublicFolder: String?

    @Option(help: "Tokens of an answer where the request sets no limit.")
    var maxTokens = ServerConfiguration().maximumTokens

    @Option(help: "The file of the keys that callers need, from `apus keys add`. Default: callers need none.")
    var authKeys: String?

    @Option(help: "Another name of a policy, NAME=POLICY. May be repeated.")
    var modelAlias: [String] = []

    @Option(
        help: ArgumentHelp(
            "Keeps what was read of conversations in this file from one run to the next. It holds their words.",
            valueName: "file"))
    var prefixCache: String?

    @Option(help: "Memory for requests' bodies while they are read and parsed; more are refused with 429.")
    var bodyMemory = MemorySize(bytes: ServerConfiguration().bodyMemory)

    @Option(help: "Memory for decoded images; requests that need more wait until others are done.")
    var imageMemory = MemorySize(bytes: ServerConfiguration().imageMemory)

    @Flag(help: "Listen on an address that others reach, although there are no keys.")
    var insecure = false

    func validate() throws {
        guard (1...65_535).contains(port) else { throw ValidationError("--port takes 1 to 65535") }
        guard observability.metricsPort != port else { throw ValidationError("--metrics-port is also --port") }
        guard maxTokens > 0 else { throw ValidationError("--max-tokens takes at least 1") }
        if let folder = givenPublicFolder, !FileManager.default.fileExists(atPath: folder + "/index.html") {
            throw ValidationError("--public: there is no page \(folder)/index.html")
        }
        _ = try aliases()
    }

    func run() async throws {
        var configuration = ServerConfiguration()
        configuration.host = host
        configuration.port = port
        configuration.publicFolder = publicFolder
        configuration.maximumTokens = maxTokens
        configuration.keyFile = authKeys
        configuration.isInsecure = insecure
        http.apply(to: &configuration)
        configuration.bodyMemory = bodyMemory.bytes
        configuration.imageMemory = imageMemory.bytes
        configuration.metricsPort = observability.metricsPort
        let logger = observability.logger
        Self.raiseFileLimit()
        do {
            let lock = options.dataPath.isEmpty ? nil : try DataLock(folder: options.dataPath)
            let keys = try authKeys.map { try KeyRing(path: $0) }
            let hasKeys = keys.map { !$0.isEmpty } ?? false
            try configuration.checkAddress(hasKeys: hasKeys)
            if insecure, !hasKeys { logger.warning("everyone who reaches \(host):\(port) is served without a key") }
            let (options, aliases, prefixCache) = (options, try aliases(), prefixCache)
            let engine = Mutex<Engine?>(nil)
            try await serve(
                keys: keys, configuration: configuration, logger: logger,
                load: {
                    let model = try Self.load(options, aliases: aliases, prefixCache: prefixCache)
                    engine.withLock { $0 = model.engine }
                    Self.log("prefixes.restored", model.engine.restored, to: logger)
                    return model.served
                }, onReady: { [invitation] in say(invitation) })
            Self.log("prefixes.saved", await engine.withLock { $0 }?.ended(), to: logger)
            withExtendedLifetime(lock) {}
        } catch {
            FileHandle.standardError.write(Data("\(Self.isTaken(error) ? takenPort : "\(error)")\n".utf8))
            throw ExitCode(Self.exitCode(of: error))
        }
    }

    private var takenPort: String {
        "another program listens on port \(port) of \(host); choose another one with --port"
    }

    private static func isTaken(_ error: any Error) -> Bool { (error as? IOError)?.errnoCode == EADDRINUSE }

    private static func load(
        _ options: PolicyOptions, aliases: [String: String], prefixCache: String?
    ) throws -> LoadedModel {
        do {
            return try LoadedModel(options, aliases: aliases, prefixFile: prefixCache)
        } catch {
            throw LoadingError(reason: "\(error)")
        }
    }

    /// A cache that cannot be used is no reason not to serve.
    private static func log(_ event: String, _ kept: Engine.KeptBlocks?, to logger: Logger) {
        switch kept {
        case nil: break
        case .success(let blocks):
            logger.notice("\(event)", metadata: ["positions": .stringConvertible(blocks * KVCache.blockSize)])
        case .failure(let error): logger.error("\(event)", metadata: ["error": "\(error)"])
        }
    }

    /// As sysexits.h has them: 69 for a port that is taken, 75 for a data folder that another server uses, 78 for
    /// settings and files that cannot be used.
    private static func exitCode(of error: any Error) -> Int32 {
        switch error {
        case DataLockError.taken: 75
        case is LoadingError, is KeyFileError, is ExposedAddressError, is DataLockError: 78
        case _ where isTaken(error): 69
        default: 1
        }
    }

    private func aliases() throws -> [String: String] {
        var aliases: [String: String] = [:]
        for text in modelAlias {
            let parts = text.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else {
                throw ValidationError("--model-alias takes NAME=POLICY, found \(text)")
            }
            guard aliases.updateValue(String(parts[1]), forKey: String(parts[0])) == nil else {
                throw ValidationError("--model-alias \(parts[0]) is given twice")
            }
        }
        return aliases
    }

    /// Each connection is a file: without this, 1,024 files in all would be fewer than the connections that may be
    /// open.
    private static func raiseFileLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// Looked for by its page: home folders have a Public of another kind.
    private var publicFolder: String {
        givenPublicFolder ?? String(Installation.path("Public/index.html").dropLast("/index.html".count))
    }

    private var invitation: String {
        """
        listening on http://\(host):\(port), also a page for the browser; try

          curl -N -H 'Accept: text/plain' -F image=@\(publicFolder)/assets/sample.png -F 'question=What color is the shape?' \
        http://\(host):\(port)/v1/ask

        """
    }
}

extension LoadedModel {
    /// What a server answers with.
    var served: ServedModel {
        var served = ServedModel(
            engine: engine, policies: policies, processor: InputProcessor(tokenizer: tokenizer),
            contextLength: contextLength)
        served.isa = compute.instructionSet.rawValue
        served.cacheType = cachePrecision.rawValue
        served.backbone = backbone
        return served
    }
}

/// Why the model or its policies cannot be served.
private struct LoadingError: Error, CustomStringConvertible {
    let reason: String

    var description: String { reason }
}

/// Who may connect, and what web pages may do.
struct HTTPOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A name that the Host header may carry. May be repeated.",
            discussion: """
                On a loopback address localhost, 127.0.0.0/8, [::1] and --host are allowed anyway, and all others are \
                refused: a web page could otherwise use the server under a name of its own. On other addresses names \
                are checked only if some are given here.
                """,
            valueName: "host"))
    var allowedHosts: [String] = []

    @Option(
        help: ArgumentHelp(
            "An origin like https://example.com whose web pages may use the server; * for all. May be repeated.",
            valueName: "origin"))
    var corsOrigins: [String] = []

    @Option(help: ArgumentHelp("Connections that may be open; more are closed at once.", valueName: "count"))
    var httpConnections = ConnectionLimits().total

    @Option(
        help: ArgumentHelp(
            "Connections from one address. Behind a proxy all come from the proxy's.", valueName: "count"))
    var httpConnectionsPerAddress = ConnectionLimits().perAddress

    func validate() throws {
        for host in allowedHosts where host.isEmpty || host.contains(where: { "/:@ ".contains($0) }) {
            throw ValidationError("--allowed-hosts takes a name without scheme and port, found '\(host)'")
        }
        for origin in corsOrigins where origin != "*" && !Self.isOrigin(origin) {
            throw ValidationError("--cors-origins takes an origin like https://example.com, found '\(origin)'")
        }
        guard (1...1_000_000).contains(httpConnections), (1...1_000_000).contains(httpConnectionsPerAddress) else {
            throw ValidationError("--http-connections and --http-connections-per-address take 1 to 1000000")
        }
    }

    /// Tells a server what was given.
    func apply(to configuration: inout ServerConfiguration) {
        configuration.allowedHosts = allowedHosts
        configuration.corsOrigins = corsOrigins
        configuration.connections.total = httpConnections
        configuration.connections.perAddress = httpConnectionsPerAddress
    }

    /// Scheme, host and perhaps a port: what a browser sends, without a path.
    private static func isOrigin(_ text: String) -> Bool {
        guard let end = text.range(of: "://"), end.lowerBound > text.startIndex else { return false }
        let rest = text[end.upperBound...]
        return !rest.isEmpty && !rest.contains("/") && !rest.contains(" ")
    }
}

/// What a server tells its operator.
struct ObservabilityOptions: ParsableArguments {
    /// The levels that a log can begin at.
    enum Level: String, CaseIterable, ExpressibleByArgument {
        case debug, info, notice, warning, error
    }

    @Option(
        help: ArgumentHelp(
            "The least level that is logged. Audit lines are logged at any.", valueName: "level"))
    var logLevel = Level.info

    @Option(
        help: ArgumentHelp(
            "A port for /metrics and the probes. /metrics is then not on --port; the probes are on both.",
            valueName: "port"))
    var metricsPort: Int?

    func validate() throws {
        if let metricsPort, !(1...65_535).contains(metricsPort) {
            throw ValidationError("--metrics-port takes 1 to 65535")
        }
    }

    /// The server's logger.
    var logger: Logger {
        var logger = Logger(label: "apus") { _ in JSONLogHandler() }
        logger.logLevel = Logger.Level(rawValue: logLevel.rawValue) ?? .info
        return logger
    }
}
