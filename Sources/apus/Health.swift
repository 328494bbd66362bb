import ArgumentParser
import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// Asks a server whether it is ready: containers need no curl for their health checks.
struct Health: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Exit with 0 if a server is ready to answer.",
        discussion: "Example: apus health http://127.0.0.1:8080")

    @Argument(help: "The server.")
    var url = "http://127.0.0.1:8080"

    func run() async throws {
        let response: HTTPClientResponse
        do {
            response = try await HTTPClient.shared.execute(
                HTTPClientRequest(url: url + "/readyz"), timeout: .seconds(5))
        } catch {
            say("\(url) does not answer: \(error)")
            throw ExitCode(1)
        }
        say("\(url): \(response.status)")
        if response.status != .ok { throw ExitCode(1) }
    }
}
