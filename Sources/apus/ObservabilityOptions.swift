import ArgumentParser
import Logging
import Serving

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
