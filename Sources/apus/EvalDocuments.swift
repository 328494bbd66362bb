public import ArgumentParser
import Checkpoints
import Datasets
public import Evaluation
import Training

/// Asks a running server about newly drawn documents.
struct EvalDocuments: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "documents",
        abstract: "Ask a running server about freshly drawn documents of the test split, and judge the answers.",
        discussion: "Example: apus eval documents --policy ppo --documents words receipts --count 100")

    @OptionGroup var server: ServerOptions

    @Option(help: "The policy to ask. Default: the server's default policy.")
    var policy: String?

    @Option(help: "Number of questions per family.")
    var count = 200

    @Option(parsing: .upToNextOption, help: "The families of documents. Default: all.")
    var documents: [DocumentFamily] = []

    @Option(parsing: .upToNextOption, help: "Ask only questions whose answers are of these kinds. Default: all.")
    var kinds: [TruthKind] = []

    @Option(help: "The split. Fonts, layouts and wordings of test are never in training; validation has training's.")
    var split = SeedSplit.test

    @Option(help: "The control: the image shown instead of a question's own image.")
    var control = ControlOption.none

    @OptionGroup var drawing: DrawingOptions

    func validate() throws {
        guard (1...5_000).contains(count) else { throw ValidationError("--count takes 1 to 5000") }
        guard split != .training else { throw ValidationError("--split takes test or validation") }
    }

    func run() async throws {
        var settings = DocumentsEvaluation.Settings()
        settings.model = policy
        settings.count = count
        if !documents.isEmpty { settings.families = DocumentFamily.allCases.filter(documents.contains) }
        if !kinds.isEmpty { settings.kinds = TruthKind.allCases.filter(kinds.contains) }
        settings.split = split
        settings.seed = server.seed
        settings.concurrency = server.concurrency
        let (url, controls, materials) = (server.url, control.controls, drawing.materials)
        let reports = try await server.withClient { [settings] client in
            let studio = try DocumentStudio(fonts: materials.fonts, words: materials.words)
            let (samples, training) = (settings.samples(from: studio), settings.trainingQuestions(from: studio))
            guard !samples.isEmpty else { throw ValidationError("--documents have no questions of these --kinds") }
            let evaluation = try DocumentsEvaluation(
                samples: samples, training: training, client: client, server: url, settings: settings)
            var reports: [DocumentsReport] = []
            for control in controls {
                reports.append(try await evaluation.run(control, progress: ServerOptions.tell))
            }
            return reports
        }
        say(DocumentsReport.table(reports))
        if let json = server.json { try AtomicFile.write(json: reports, to: json) }
    }
}

extension TruthKind: ExpressibleByArgument {}
