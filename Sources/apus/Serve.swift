import ArgumentParser
import Engine
import Feedback
import Foundation
import Logging
import Policies
import Serving
import Synchronization
import Tensors

/// Serves the policies over HTTP until a signal stops it.
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

    @Option(help: "Token limit of an answer if the request sets none.")
    var maxTokens = ServerConfiguration().maximumTokens

    @Option(help: "The key file, from `apus keys add`; every request then needs a key. Default: no keys needed.")
    var authKeys: String?

    @Option(help: "Another name for a policy, as NAME=POLICY. May be repeated.")
    var modelAlias: [String] = []

    @Option(
        help: ArgumentHelp(
            "Unload a model that nobody has used for so many minutes; the next request loads it again. Default: never.",
            valueName: "minutes"))
    var sleepAfter: Double?

    @Option(
        help: ArgumentHelp(
            "Memory for all loaded models; where it is not enough, the one that was used least recently is unloaded. "
                + "Default: the container's limit, or the machine's memory.",
            valueName: "size"))
    var modelMemory: MemorySize?

    @Option(
        help: ArgumentHelp(
            "Keep the prefix cache in this file from one run to the next. It contains the text of conversations.",
            valueName: "file"))
    var prefixCache: String?

    @Option(help: "Memory for request bodies being read and parsed; requests that exceed it are refused with 429.")
    var bodyMemory = MemorySize(bytes: ServerConfiguration().bodyMemory)

    @Option(help: "Memory for decoded images; requests wait until enough of it is free.")
    var imageMemory = MemorySize(bytes: ServerConfiguration().imageMemory)

    @Option(help: "Room for the images that callers keep at /v1/files.")
    var uploadQuota = MemorySize(bytes: ServerConfiguration().uploadQuota)

    @Flag(help: "Listen on a public address even without keys.")
    var insecure = false

    func validate() throws {
        guard (1...65_535).contains(port) else { throw ValidationError("--port takes 1 to 65535") }
        guard observability.metricsPort != port else { throw ValidationError("--metrics-port is also --port") }
        guard maxTokens > 0 else { throw ValidationError("--max-tokens takes at least 1") }
        if let folder = givenPublicFolder, !FileManager.default.fileExists(atPath: folder + "/index.html") {
            throw ValidationError("--public: there is no page \(folder)/index.html")
        }
        if let sleepAfter, !(sleepAfter > 0 && sleepAfter < 1e6) {
            throw ValidationError("--sleep-after takes a positive number of minutes")
        }
        _ = try (aliases(), otherModels())
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
        configuration.uploadQuota = uploadQuota.bytes
        configuration.modelMemory = modelMemory?.bytes ?? configuration.modelMemory
        configuration.sleepAfter = sleepAfter.map { .seconds($0 * 60) }
        configuration.metricsPort = observability.metricsPort
        let logger = observability.logger
        Self.raiseFileLimit()
        do {
            let lock = options.dataPath.isEmpty ? nil : try DataLock(folder: options.dataPath)
            let feedback = lock == nil ? nil : try FeedbackFolder(path: options.dataPath)
            let keys = try authKeys.map { try KeyRing(path: $0) }
            let hasKeys = keys.map { !$0.isEmpty } ?? false
            try configuration.checkAddress(hasKeys: hasKeys)
            if insecure, !hasKeys { logger.warning("everyone who reaches \(host):\(port) is served without a key") }
            try await serve(
                keys: keys, feedback: feedback, configuration: configuration, logger: logger,
                models: try sources(logger), onReady: { [invitation] in say(invitation) })
            withExtendedLifetime(lock) {}
        } catch {
            let error: any Error = PortTakenError(error, configuration) ?? error
            Console.current.error("\(error)\n")
            throw ExitCode(Self.exitCode(of: error))
        }
    }

    /// The models in the order of `--model`.
    private func sources(_ logger: Logger) throws -> [ModelSource] {
        let (aliases, others) = (try aliases(), try otherModels())
        let limit = modelMemory?.bytes ?? MemoryLimit.bytes
        let cache = options.engine.kvMemory?.bytes ?? min(CacheBudget.usual, limit / 4)
        return ([(name: nil, path: options.model.model)] + others).map { name, path in
            // An alias belongs to the model of its policy.
            let own = aliases.filter { _, policy in Self.owner(of: policy, among: others.map(\.name)) == name }
            var options = options
            options.model.models = [path]
            let file = name == nil ? prefixCache : nil
            return ModelSource(name: name, aliases: Set(own.keys), bytes: Self.bytes(of: path) + cache) {
                [options] in
                do {
                    let model = try LoadedModel(options, name: name, aliases: own, prefixFile: file)
                    Self.log("prefixes.restored", model.engine.restored, to: logger)
                    return model.served(as: name, logger: logger)
                } catch {
                    throw LoadingError(reason: "\(error)")
                }
            }
        }
    }

    /// The models after the first one.
    private func otherModels() throws -> [(name: String?, path: String)] {
        var names: Set<String> = []
        return try options.model.models.dropFirst().map { text in
            guard let sign = text.firstIndex(of: "="), sign > text.startIndex else {
                throw ValidationError("the second --model and later ones take NAME=PATH, found \(text)")
            }
            let name = String(text[..<sign])
            guard name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }),
                name.count <= 64
            else { throw ValidationError("--model \(text): a name has letters, digits, dots, dashes, up to 64") }
            guard names.insert(name).inserted else { throw ValidationError("--model \(name) is given twice") }
            return (name, String(text[text.index(after: sign)...]))
        }
    }

    /// The model, after the first one, that a policy's name begins with.
    private static func owner(of policy: String, among others: [String?]) -> String? {
        let model = policy.split(separator: "/").first.map(String.init)
        return others.contains(model) ? model : nil
    }

    /// The size of a model's file, or of the files in its folder.
    private static func bytes(of path: String) -> Int {
        func size(_ path: String) -> Int {
            (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
        }
        guard let files = try? FileManager.default.contentsOfDirectory(atPath: path) else { return size(path) }
        return files.reduce(0) { $0 + size("\(path)/\($1)") }
    }

    /// The server runs even if the cache cannot be used.
    fileprivate static func log(_ event: String, _ kept: Engine.KeptBlocks?, to logger: Logger) {
        switch kept {
        case nil: break
        case .success(let blocks):
            logger.notice("\(event)", metadata: ["positions": .stringConvertible(blocks * KVCache.blockSize)])
        case .failure(let error): logger.error("\(event)", metadata: ["error": "\(error)"])
        }
    }

    /// The exit status as in sysexits.h: 69 for a port in use, 75 for a data folder that another server uses, 78 for
    /// invalid settings and files.
    private static func exitCode(of error: any Error) -> Int32 {
        switch error {
        case DataLockError.taken: 75
        case is LoadingError, is KeyFileError, is ExposedAddressError, is DataLockError, is FeedbackError: 78
        case is PortTakenError: 69
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

    /// Each connection is a file. The usual limit of 1,024 files in total is lower than the number of connections that
    /// may be open, so this raises it.
    private static func raiseFileLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// The folder is recognized by the page in it: home folders have a Public folder for other purposes.
    private var publicFolder: String {
        givenPublicFolder ?? String(Installation.path("Public/index.html").dropLast("/index.html".count))
    }

    private var invitation: String {
        """
        listening on http://\(host):\(port), also a page for the browser; try

          curl -N -H 'Accept: text/plain' -F image=@\(publicFolder)/assets/screenshot.png -F 'question=What does the message say?' \
        http://\(host):\(port)/v1/ask

        """
    }
}

extension LoadedModel {
    /// The model in the form that a server uses.
    ///
    /// - Parameters:
    ///   - name: its own name; nil for the first model.
    ///   - logger: gets the number of prefixes that were saved at its end.
    func served(as name: String? = nil, logger: Logger? = nil) -> ServedModel {
        var served = ServedModel(
            engine: engine, policies: policies, processor: InputProcessor(tokenizer: tokenizer),
            contextLength: contextLength)
        served.isa = compute.instructionSet.rawValue
        served.cacheType = cachePrecision.rawValue
        served.backbone = backbone
        served.name = name
        served.ended = { [engine] in
            let saved = await engine.ended()
            if let logger { Serve.log("prefixes.saved", saved, to: logger) }
        }
        return served
    }
}

/// Why the model or its policies cannot be served.
private struct LoadingError: Error, CustomStringConvertible {
    let reason: String

    var description: String { reason }
}

/// The options for callers' addresses and for web pages.
struct HTTPOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "An allowed name in the Host header. May be repeated.",
            discussion: """
                On a loopback address, localhost, 127.0.0.0/8, [::1] and --host are always allowed, and all other \
                names are refused: otherwise a web page could use the server under a name of its own. On other \
                addresses, names are checked only if this option is given.
                """,
            valueName: "host"))
    var allowedHosts: [String] = []

    @Option(
        help: ArgumentHelp(
            "An origin, like https://example.com, whose web pages may use the server; * for all. May be repeated.",
            valueName: "origin"))
    var corsOrigins: [String] = []

    @Option(help: ArgumentHelp("Maximum number of open connections; more are closed at once.", valueName: "count"))
    var httpConnections = ConnectionLimits().total

    @Option(
        help: ArgumentHelp(
            "Maximum connections from one address. Behind a proxy, this is the proxy's.", valueName: "count"))
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

    /// Applies the options to a server's configuration.
    func apply(to configuration: inout ServerConfiguration) {
        configuration.allowedHosts = allowedHosts
        configuration.corsOrigins = corsOrigins
        configuration.connections.total = httpConnections
        configuration.connections.perAddress = httpConnectionsPerAddress
    }

    /// Whether the text has a scheme, a host and optionally a port, without a path, as browsers send origins.
    private static func isOrigin(_ text: String) -> Bool {
        guard let end = text.range(of: "://"), end.lowerBound > text.startIndex else { return false }
        let rest = text[end.upperBound...]
        return !rest.isEmpty && !rest.contains("/") && !rest.contains(" ")
    }
}

/// The options for logs and metrics.
struct ObservabilityOptions: ParsableArguments {
    /// The minimum levels of a log.
    enum Level: String, CaseIterable, ExpressibleByArgument {
        case debug, info, notice, warning, error
    }

    @Option(
        help: ArgumentHelp(
            "The minimum level to log. Audit lines are logged at every level.", valueName: "level"))
    var logLevel = Level.info

    @Option(
        help: ArgumentHelp(
            "A separate port for /metrics and the probes. The probes stay on --port too; /metrics does not.",
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
