import ArgumentParser
import Datasets
import Evaluation

/// Puts freshly generated questions to a running server.
struct EvalFamilies: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "families",
        abstract: "Put generated questions of the test split to a running server, and judge the answers.",
        discussion: "Example: apus eval families --policy ppo --families counts positions --count 100")

    @OptionGroup var server: ServerOptions

    @Option(help: "The policy that is asked. Default: the server's.")
    var policy: String?

    @Option(help: "Questions of each family.")
    var count = 200

    @Option(parsing: .upToNextOption, help: "The families. Default: all.")
    var families: [Family] = []

    @Option(help: "What is shown instead of a question's own picture.")
    var control = ControlOption.none

    func validate() throws {
        guard (1...5_000).contains(count) else { throw ValidationError("--count takes 1 to 5000") }
    }

    func run() async throws {
        var settings = FamiliesEvaluation.Settings()
        settings.model = policy
        settings.count = count
        if !families.isEmpty { settings.families = Family.allCases.filter(families.contains) }
        settings.seed = server.seed
        settings.concurrency = server.concurrency
        let (url, controls) = (server.url, control.controls)
        let reports = try await server.withClient { [settings] client in
            let evaluation = try FamiliesEvaluation(client: client, server: url, settings: settings)
            var reports: [FamiliesReport] = []
            for control in controls {
                reports.append(try await evaluation.run(control, progress: ServerOptions.tell))
            }
            return reports
        }
        say(FamiliesReport.table(reports))
        if let json = server.json { try writeJSON(reports, to: json) }
    }
}
