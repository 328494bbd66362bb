import ArgumentParser
import Datasets
import Evaluation
import Foundation

/// Puts the official test questions to a running server.
struct EvalEasyVQA: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "easy-vqa", abstract: "Put easy-VQA's official test questions to a running server.",
        discussion: "Example: apus eval easy-vqa --policy ppo --limit 500")

    @OptionGroup var server: ServerOptions

    @Option(help: "The policy that is asked. Default: the server's.")
    var policy: String?

    @Option(help: "Asks so many questions, drawn at random. Default: all.")
    var limit: Int?

    @Option(help: "What is shown instead of a question's own picture.")
    var control = ControlOption.none

    @Option(help: "The folder of easy-VQA 1.0. Default: the one that `make data` fetched.")
    var easyVQA = Cache.easyVQA

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit takes at least 1") }
    }

    func run() async throws {
        let data = try EasyVQA(folder: URL(fileURLWithPath: easyVQA))
        var settings = EasyVQAEvaluation.Settings()
        settings.model = policy
        settings.limit = limit
        settings.seed = server.seed
        settings.concurrency = server.concurrency
        let (url, controls) = (server.url, control.controls)
        let reports = try await server.withClient { [settings] client in
            let evaluation = try EasyVQAEvaluation(data, client: client, server: url, settings: settings)
            var reports: [EasyVQAReport] = []
            for control in controls {
                reports.append(try await evaluation.run(control, progress: ServerOptions.tell))
            }
            return reports
        }
        say(EasyVQAReport.table(reports))
        if let json = server.json { try writeJSON(reports, to: json) }
    }
}
