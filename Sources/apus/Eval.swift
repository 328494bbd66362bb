import ArgumentParser
import Checkpoints
import Datasets
import Engine
import Evaluation
import Foundation
import Models
import Policies
import Tensors

/// Evaluates answers.
struct Eval: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Evaluate answers.",
        subcommands: [
            EvalData.self, EvalEasyVQA.self, EvalFamilies.self, EvalDocuments.self, EvalReading.self, EvalWinRate.self,
            EvalReward.self,
            EvalText.self,
            EvalNeedle.self, EvalPolicy.self,
        ])
}

/// The server to ask, and the number of open questions.
struct ServerOptions: ParsableArguments {
    @Option(help: "The server's address.")
    var url = "http://127.0.0.1:8080"

    @Option(help: "The random seed that selects questions and swapped images.")
    var seed: UInt64 = 0

    @Option(help: "Questions open at the same time.")
    var concurrency = 16

    @Option(help: "Also write the reports, with all wrong answers, to this file.")
    var json: String?

    func validate() throws {
        guard (1...1024).contains(concurrency) else { throw ValidationError("--concurrency takes 1 to 1024") }
    }

    /// Calls `body` with a client for `concurrency` open questions, once the server has reported that it is ready.
    func withClient<R: Sendable>(_ body: @Sendable (HTTPReplyClient) async throws -> R) async throws -> R {
        try await HTTPReplyClient.with(connections: concurrency) { client in
            try await client.checkReadiness(of: url)
            return try await body(client)
        }
    }

    /// Prints the number of answers so far on standard error.
    static func tell(_ done: Int, of total: Int) {
        Console.current.count(done, of: total)
    }
}

/// The controls: the image that is shown in place of a question's own, or each control in turn.
enum ControlOption: String, ExpressibleByArgument, CaseIterable {
    case none, blank, swapped, all

    var controls: [ImageControl] {
        ImageControl(rawValue: rawValue).map { [$0] } ?? ImageControl.allCases
    }
}

/// Compares a policy's text with its base model's.
struct EvalText: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "text",
        abstract:
            "Measure a policy's text: the perplexity of a fixed text, the share of the base model's replies that it "
            + "reproduces, and the share of its own replies that end.",
        discussion: "Example: apus eval text --policy ppo")

    @OptionGroup var options: PolicyOptions

    @Option(help: "The policy. Default: the default policy.")
    var policy: String?

    @Option(help: "Also write the metrics to this file.")
    var json: String?

    func run() async throws {
        let model = try LoadedModel(options)
        let (policy, adapter) = try chosen(in: model.catalog)
        guard let base = model.catalog[.base] else { throw ValidationError("there is no policy base") }
        let report = try await TextReport.measured(
            of: policy, adapter: adapter, and: base, engine: model.engine, decoder: model.decoder,
            tokenizer: model.tokenizer, cache: options.engine.kvType)
        say("\(policy.name) generation \(policy.generation): \(report.perplexity.summary)")
        say(report.replies.summary)
        say(report.ended.summary)
        if let json { try AtomicFile.write(json: report, to: json) }
    }

    private func chosen(in catalog: PolicyCatalog) throws -> (Policy, ServingAdapter) {
        guard let policy = policy.map({ catalog[$0] }) ?? catalog.defaultPolicy else {
            throw ValidationError("there is no policy \(policy ?? "")")
        }
        guard let adapter = policy.adapter else {
            throw ValidationError("policy \(policy.name) has no adapter to compare with its base model")
        }
        return (policy, adapter)
    }
}

/// Asks a running server the official test questions.
struct EvalEasyVQA: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "easy-vqa", abstract: "Ask a running server easy-VQA's official test questions.",
        discussion: "Example: apus eval easy-vqa --policy ppo --limit 500")

    @OptionGroup var server: ServerOptions

    @Option(help: "The policy to ask. Default: the server's default policy.")
    var policy: String?

    @Option(help: "Number of questions, drawn at random. Default: all.")
    var limit: Int?

    @Option(help: "The control: the image shown instead of a question's own image.")
    var control = ControlOption.none

    @Option(help: "The folder of easy-VQA 1.0. Default: the folder that `make data` fetches.")
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
        if let json = server.json { try AtomicFile.write(json: reports, to: json) }
    }
}

/// Asks a running server newly generated questions.
struct EvalFamilies: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "families",
        abstract: "Ask a running server generated questions of the test split, and judge the answers.",
        discussion: "Example: apus eval families --policy ppo --families counts positions --count 100")

    @OptionGroup var server: ServerOptions

    @Option(help: "The policy to ask. Default: the server's default policy.")
    var policy: String?

    @Option(help: "Number of questions per family.")
    var count = 200

    @Option(parsing: .upToNextOption, help: "The families. Default: all.")
    var families: [Family] = []

    @Option(help: "The control: the image shown instead of a question's own image.")
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
        if let json = server.json { try AtomicFile.write(json: reports, to: json) }
    }
}

/// Compares policies of a running server with another one.
struct EvalWinRate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "winrate",
        abstract: "Let policies of a running server answer the same questions, and judge the answers in pairs.",
        discussion: "Example: apus eval winrate --policy ppo --against sft")

    @OptionGroup var server: ServerOptions

    @Option(parsing: .upToNextOption, help: "The policies whose win rates are measured.")
    var policy = [PolicyRole.ppo.name]

    @Option(help: "The policy to compare with; it is also compared with itself, as a control.")
    var against = PolicyRole.sft.name

    @Option(help: "Number of questions; each is answered once per policy, and twice by the other.")
    var count = 2_000

    @Flag(help: "Ask only questions for which the judge scores four samples of the other policy differently.")
    var withDisagreement = false

    @Option(help: "The sampling temperature.")
    var temperature = 1.0

    func validate() throws {
        guard !policy.isEmpty else { throw ValidationError("--policy takes at least one policy") }
        let maximum = withDisagreement ? WinRateEvaluation.maximumWithDisagreement : 40_000
        guard (1...maximum).contains(count) else { throw ValidationError("--count takes 1 to \(maximum)") }
        guard temperature > 0, temperature <= 2 else { throw ValidationError("--temperature takes up to 2, and not 0") }
    }

    func run() async throws {
        var settings = WinRateEvaluation.Settings(models: policy, against: against)
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
        if let json = server.json { try AtomicFile.write(json: reports, to: json) }
    }
}
