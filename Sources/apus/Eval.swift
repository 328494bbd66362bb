import ArgumentParser
import Checkpoints
import Datasets
import Engine
import Evaluation
import Foundation
import Models
import Policies
import Tensors

/// Measures how good answers are.
struct Eval: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure how good answers are.",
        subcommands: [
            EvalEasyVQA.self, EvalFamilies.self, EvalWinRate.self, EvalReward.self, EvalText.self, EvalNeedle.self,
            EvalPolicy.self,
        ])
}

/// Which server is asked, and how much at once.
struct ServerOptions: ParsableArguments {
    @Option(help: "The server's address.")
    var url = "http://127.0.0.1:8080"

    @Option(help: "Decides which questions are drawn, and which pictures are swapped.")
    var seed: UInt64 = 0

    @Option(help: "Questions that are open at the same time.")
    var concurrency = 16

    @Option(help: "Also writes the reports, with the answers that were not right, to this file.")
    var json: String?

    func validate() throws {
        guard (1...1024).contains(concurrency) else { throw ValidationError("--concurrency takes 1 to 1024") }
    }

    /// Calls `body` with a client for that many questions, once the server has answered that it is ready.
    func withClient<R: Sendable>(_ body: @Sendable (HTTPReplyClient) async throws -> R) async throws -> R {
        try await HTTPReplyClient.with(connections: concurrency) { client in
            try await client.checkReadiness(of: url)
            return try await body(client)
        }
    }

    /// Tells on standard error how many answers are there.
    static func tell(_ done: Int, of total: Int) {
        guard done.isMultiple(of: 100) || done == total else { return }
        FileHandle.standardError.write(Data("\r\(done) of \(total)\(done == total ? "\n" : "")".utf8))
    }
}

/// What is shown: one of the reports' images, or each in turn.
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
            "Measure the perplexity of a fixed text, how many of the base model's replies a policy keeps, and how "
            + "many of its own replies end.",
        discussion: "Example: apus eval text --policy ppo")

    @OptionGroup var options: PolicyOptions

    @Option(help: "The policy. Default: the one that answers by default.")
    var policy: String?

    @Option(help: "Also writes the figures to this file.")
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
        if let json = server.json { try AtomicFile.write(json: reports, to: json) }
    }
}

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
        if let json = server.json { try AtomicFile.write(json: reports, to: json) }
    }
}

/// Compares two policies of a running server.
struct EvalWinRate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "winrate",
        abstract: "Let two policies of a running server answer the same questions, and judge the answers in pairs.",
        discussion: "Example: apus eval winrate --policy ppo --against sft")

    @OptionGroup var server: ServerOptions

    @Option(help: "The policy whose wins are counted.")
    var policy = PolicyRole.ppo.name

    @Option(help: "The policy that it is compared with, and that is compared with itself.")
    var against = PolicyRole.sft.name

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
        if let json = server.json { try AtomicFile.write(json: reports, to: json) }
    }
}
