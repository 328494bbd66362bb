import ArgumentParser
import Foundation
import Serving

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
