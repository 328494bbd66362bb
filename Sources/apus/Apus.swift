import ArgumentParser
import Foundation

/// The command line: arguments become one call into the targets below.
@main
struct Apus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apus",
        abstract: "Answers questions about pictures.",
        subcommands: [
            Serve.self, Ask.self, Train.self, DataCommand.self, Rank.self, Eval.self, Bench.self, PolicyCommand.self,
            FeedbackCommand.self, KeysCommand.self, Health.self,
        ])
}

/// Prints a line at once, into a file too.
func say(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
}
