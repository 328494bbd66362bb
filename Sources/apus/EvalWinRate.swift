import ArgumentParser
import Evaluation

/// Compares two policies of a running server.
struct EvalWinRate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "winrate",
        abstract: "Let two policies of a running server answer the same questions, and judge the answers in pairs.",
        discussion: "Example: apus eval winrate --policy ppo --against sft")

    @OptionGroup var server: ServerOptions

    @Option(help: "The policy whose wins are counted.")
    var policy = "ppo"

    @Option(help: "The policy that it is compared with, and that is compared with itself.")
    var against = "sft"

    @Option(help: "Questions; each is answered three times.")
    var count = 2_000

    @Flag(help: "Ask only questions to which four samples of the other policy get different scores from the judge.")
    var withDisagreement = false

    @Option(help: "Of sampling.")
    var temperature = 1.0

    func validate() throws {
        let maximum = withDisagreement ? WinRateEvaluation.maximumWithDisagreement : 40_000
        guard (1...maximum).contains(count) else { throw ValidationError("--count takes 1 to \(maximum)") }
        guard temperature > 0, temperature <= 2 else { throw ValidationError("--temperature takes up to 2, and not 0") }
    }

    func run() async throws {
        var settings = WinRateEvaluation.Settings(model: policy, against: against)
        settings.count = count
        settings.hasDisagreement = withDisagreement
        settings.temperature = temperature
        settings.seed = server.seed
        settings.concurrency = server.concurrency
        let url = server.url
        let reports = try await server.withClient { [settings] client in
            try await WinRateEvaluation(client: client, server: url, settings: settings)
                .run(progress: ServerOptions.tell)
        }
        say(WinRateReport.table(reports))
        if let json = server.json { try writeJSON(reports, to: json) }
    }
}
