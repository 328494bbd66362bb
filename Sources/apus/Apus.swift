package import ArgumentParser
import Evaluation
import Foundation
import Serving

/// The command line: it turns arguments into one call to the targets below.
@main
package struct Apus: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "apus",
        abstract: "Answer questions about images, and train the models that answer.",
        discussion: """
            A first answer:   apus ask photo.png 'What is this?'
            A conversation:   apus chat
            A server:         apus serve
            """,
        version: ServerConfiguration().version,
        subcommands: [
            Serve.self, Ask.self, Chat.self, Tune.self, Train.self, DataCommand.self, Rank.self, Eval.self, Bench.self,
            ModelsCommand.self,
            Quantize.self, PolicyCommand.self, FeedbackCommand.self, KeysCommand.self, Health.self,
        ])

    package init() {}

    package static func main() async {
        Foundation.exit(await run(Array(CommandLine.arguments.dropFirst()), console: .standard))
    }

    /// Runs the command that `arguments` name and gives its exit code: 0, 64 for arguments that are wrong, 1 for an
    /// error, or what the command says.
    package static func run(_ arguments: [String], console: Console) async -> Int32 {
        await Console.$current.withValue(console) {
            do {
                let command = try parseAsRoot(arguments)
                do {
                    try await run(command)
                    return 0
                } catch {
                    return tell(PlainError(error) ?? error, of: type(of: command))
                }
            } catch {
                return tell(error, of: self)
            }
        }
    }

    /// Help and versions are thrown too: they were asked for, and belong on standard output.
    private static func tell(_ error: any Error, of command: any ParsableCommand.Type) -> Int32 {
        let (code, message) = (command.exitCode(for: error), message(of: error, thrownBy: command))
        if !message.isEmpty { (code.isSuccess ? Console.current.output : Console.current.error)(message + "\n") }
        return code.rawValue
    }

    /// A command that runs does not know the names before its own, which belong to its usage.
    private static func message(of error: any Error, thrownBy command: any ParsableCommand.Type) -> String {
        guard let error = error as? ValidationError, command != self else { return command.fullMessage(for: error) }
        let usage = usageString(for: command)
        let names = usage.split(separator: " ").prefix { $0.first?.isLetter ?? false }.joined(separator: " ")
        return "Error: \(error.message)\nUsage: \(usage)\n  See '\(names) --help' for more information."
    }

    private static func run(_ command: any ParsableCommand) async throws {
        if var command = command as? any AsyncParsableCommand { return try await command.run() }
        var command = command
        try command.run()
    }
}

/// Asks a server whether it is ready. With this command, containers need no curl for their health checks.
struct Health: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Exit with status 0 if a server is ready to answer.",
        discussion: "Example: apus health http://127.0.0.1:8080")

    @Argument(help: "The server's address.")
    var url = "http://127.0.0.1:8080"

    func run() async throws {
        try await HTTPReplyClient.with(connections: 1) { [url] in try await $0.checkReadiness(of: url) }
        say("\(url) is ready")
    }
}
