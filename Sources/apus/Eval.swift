import ArgumentParser
import Datasets
import Engine
import Evaluation
import Foundation

/// Measures how good answers are.
struct Eval: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure how good answers are.", subcommands: [EvalEasyVQA.self, EvalText.self])
}

/// Puts the official test questions to a running server.
struct EvalEasyVQA: AsyncParsableCommand {
    /// What is shown: one of the report's, or each in turn.
    enum Control: String, ExpressibleByArgument, CaseIterable {
        case none, blank, swapped, all

        var controls: [EasyVQAReport.Control] {
            EasyVQAReport.Control(rawValue: rawValue).map { [$0] } ?? EasyVQAReport.Control.allCases
        }
    }

    static let configuration = CommandConfiguration(
        commandName: "easy-vqa", abstract: "Put easy-VQA's official test questions to a running server.")

    @Option(help: "The server's address.")
    var url = "http://127.0.0.1:8080"

    @Option(help: "The policy that is asked. Default: the server's.")
    var model: String?

    @Option(help: "Asks so many questions, drawn at random. Default: all.")
    var limit: Int?

    @Option(help: "Decides the draw, and which pictures are swapped.")
    var seed: UInt64 = 0

    @Option(help: "Questions that are open at the same time.")
    var concurrency = 16

    @Option(help: "What is shown instead of a question's own picture.")
    var control = Control.none

    @Option(help: "The folder of easy-VQA 1.0. Default: the one that `make data` fetched.")
    var easyVQA = Cache.easyVQA

    @Option(help: "Also writes the reports, with every wrong answer, to this file.")
    var json: String?

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit takes at least 1") }
        guard (1...1024).contains(concurrency) else { throw ValidationError("--concurrency takes 1 to 1024") }
    }

    func run() async throws {
        let data = try EasyVQA(folder: URL(fileURLWithPath: easyVQA))
        var settings = EasyVQAEvaluation.Settings()
        settings.model = model
        settings.limit = limit
        settings.seed = seed
        settings.concurrency = concurrency
        let (server, controls) = (url, control.controls)
        let reports = try await HTTPReplyClient.with(connections: concurrency) { [settings] client in
            let evaluation = try EasyVQAEvaluation(data, client: client, server: server, settings: settings)
            var reports: [EasyVQAReport] = []
            for control in controls {
                reports.append(try await evaluation.run(control, progress: Self.tell))
            }
            return reports
        }
        say(EasyVQAReport.table(reports))
        if let json { try writeJSON(reports, to: json) }
    }

    private static func tell(_ done: Int, of total: Int) {
        guard done.isMultiple(of: 100) || done == total else { return }
        FileHandle.standardError.write(Data("\r\(done) of \(total)\(done == total ? "\n" : "")".utf8))
    }
}

/// Compares a policy's text with its base model's.
struct EvalText: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "text", abstract: "Measure the perplexity of a fixed text with a policy's adapter on and off.")

    @OptionGroup var options: PolicyOptions

    @Option(help: "The policy. Default: the one that answers by default.")
    var policy: String?

    @Option(help: "Also writes the figures to this file.")
    var json: String?

    func run() throws {
        let model = try LoadedModel(options)
        guard let policy = policy.map({ model.catalog[$0] }) ?? model.catalog.defaultPolicy else {
            throw ValidationError("there is no policy \(policy ?? "")")
        }
        guard let adapter = policy.adapter else {
            throw ValidationError("policy \(policy.name) has no adapter to compare with its base model")
        }
        let quality = TextQuality(decoder: model.decoder, adapter: adapter, tokenizer: model.tokenizer)
        say("\(policy.name) generation \(policy.generation): \(quality.summary)")
        if let json { try writeJSON(quality, to: json) }
    }
}
