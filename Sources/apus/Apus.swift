import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Serving

/// The command line: it turns arguments into one call to the targets below.
@main
struct Apus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apus",
        abstract: "Answer questions about images, and train the models that answer.",
        discussion: """
            A first answer:   apus ask photo.png 'What is this?'
            A server:         apus serve
            """,
        version: ServerConfiguration().version,
        subcommands: [
            Serve.self, Ask.self, Train.self, DataCommand.self, Rank.self, Eval.self, Bench.self, PolicyCommand.self,
            FeedbackCommand.self, KeysCommand.self, Health.self,
        ])

    static func main() async {
        do {
            let command = try parseAsRoot()
            do {
                try await run(command)
            } catch {
                type(of: command).exit(withError: PlainError(error) ?? error)
            }
        } catch {
            exit(withError: error)
        }
    }

    private static func run(_ command: any ParsableCommand) async throws {
        if var command = command as? any AsyncParsableCommand { return try await command.run() }
        var command = command
        try command.run()
    }
}

/// Prints a line and flushes it, so that it appears at once in a file too.
func say(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
}

/// Asks a server whether it is ready. With this command, containers need no curl for their health checks.
struct Health: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Exit with status 0 if a server is ready to answer.",
        discussion: "Example: apus health http://127.0.0.1:8080")

    @Argument(help: "The server's address.")
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
