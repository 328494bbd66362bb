import ArgumentParser
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
        let report = try await TextReport(policy, adapter: adapter, model: model, cache: options.engine.kvType)
        say("\(policy.name) generation \(policy.generation): \(report.perplexity.summary)")
        say(report.replies.summary)
        say(report.ended.summary)
        if let json { try writeJSON(report, to: json) }
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

extension TextReport {
    /// Measures what plain text costs a policy of `model`.
    init(
        _ policy: Policy, adapter: ServingAdapter, model: LoadedModel, cache: KVCache.Precision = .fp16
    ) async throws {
        let conversations = try await RepliesKept.baseReplies(
            engine: model.engine, tokenizer: model.tokenizer, template: policy.textTemplate)
        guard let base = model.catalog["base"] else { throw ValidationError("there is no policy base") }
        let ended = try await RepliesEnded.measured(
            of: policy, and: base, engine: model.engine, processor: InputProcessor(tokenizer: model.tokenizer))
        self.init(
            policy, adapter: adapter, conversations: conversations, ended: ended, decoder: model.decoder,
            tokenizer: model.tokenizer, cache: cache)
    }
}
