import ArgumentParser
import Datasets
import Evaluation
import Foundation
import Policies
import Promotion
import Training

/// Evaluates a run before it is published.
struct EvalPolicy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Evaluate a finished run of `train sft`, `ppo`, `dpo` or `kto`, and write the evaluation that "
            + "`apus policy promote` requires.",
        discussion: """
            The command serves the run as it would be published, on a local port, and measures all metrics that a \
            policy must reach. It keeps each report in RUN/evaluation and reuses it the next time, so the same \
            command resumes where it was stopped; `apus eval … --json` writes the same reports. Each report names the \
            weights that it was measured on, and RUN/evaluation.json is written only if these are the run's weights.

            With --rules it measures only what the rules in the file need. Metrics that begin with own_ are of your own \
            data: those in --data, or the examples that the run held out. Metrics of documents need the fonts of \
            `make fonts`.

            Examples: apus eval policy runs/ppo
                      apus eval policy runs/icons --rules icons-rules.json --rule json
            """)

    @Argument(help: ArgumentHelp("The run folder.", valueName: "run"))
    var folder: String

    @OptionGroup var options: PolicyOptions

    @Option(help: "The folder of easy-VQA 1.0. Default: the folder that `make data` fetches.")
    var easyVQA = Cache.easyVQA

    @Option(help: "Questions open at the same time.")
    var concurrency = 16

    @OptionGroup var rules: RulesOption

    @Option(
        help: ArgumentHelp(
            "Your own questions with answers: a file or a folder. Default: RUN/held-out.jsonl, if the rules need it.",
            valueName: "path"))
    var data: String?

    @OptionGroup var answers: AnswerRuleOptions

    @OptionGroup var drawing: DrawingOptions

    @Option(help: "Generated questions of each family, and documents of each kind.")
    var count = 500

    func validate() throws {
        guard (1...1024).contains(concurrency) else { throw ValidationError("--concurrency takes 1 to 1024") }
        guard (1...5_000).contains(count) else { throw ValidationError("--count takes 1 to 5000") }
    }

    func run() async throws {
        let rules = try rules.rules()
        let run = try PolicyRun(folder: folder)
        let gate = try rules.gate(for: run.stage)
        var settings = PolicyMeasurement.Settings(reports: try reports(of: run, gate))
        settings.concurrency = concurrency
        settings.questionsOfAFamily = count
        settings.questionsOfADocumentFamily = count
        settings.own = try own(settings.reports)
        let readsDocuments = settings.reports.contains(where: \.asksDocuments)
        try drawing.check(isNeeded: readsDocuments, by: "rules with metrics of documents")
        settings.drawing = readsDocuments ? drawing.materials : nil
        let candidate = try ReleaseCandidate(
            run, among: options.library, in: "\(folder)/evaluation/candidate",
            comparing: settings.reports.contains(where: \.comparesWithParent))
        defer {
            do { try candidate.remove() } catch { Console.current.error("\(error)\n") }
        }
        let model = try LoadedModel(options, library: candidate.library)
        let measurement = PolicyMeasurement(
            of: run, parent: candidate.parent?.name, model: model.served(), decoder: model.decoder, easyVQA: easyVQA,
            settings: settings, folder: "\(folder)/evaluation",
            progress: .init(report: say, answers: ServerOptions.tell))
        let reports = try await measurement.reports()
        let evaluation = try reports.evaluation(of: run.digests, parent: candidate.parent?.digests)
        try evaluation.write(to: PolicyEvaluation.path(ofRun: folder))
        tell(
            evaluation,
            gate.verdict(of: evaluation, policy: run.digests, parent: candidate.parent?.digests).failures)
    }

    /// What the named rules need; without named rules all questions of the project's own.
    private func reports(of run: PolicyRun, _ gate: PolicyGate) throws -> Set<PolicyReport> {
        var wanted = gate.reports
        if rules.given == nil {
            wanted.formUnion(PolicyMeasurement.Settings.standard(comparing: run.stage != .sft))
        }
        if data != nil, !wanted.contains(where: \.asksOwnData) {
            throw ValidationError("--data: no rule has a metric of your own data; name one, like own_right, in --rules")
        }
        return wanted
    }

    private func own(_ reports: Set<PolicyReport>) throws -> PolicyMeasurement.OwnQuestions? {
        guard reports.contains(where: \.asksOwnData) else {
            if answers.rule != nil { throw ValidationError("--rule is for rules with metrics of your own data") }
            return nil
        }
        let path = data ?? "\(folder)/held-out.jsonl"
        guard FileManager.default.fileExists(atPath: path) else {
            throw ValidationError("the rules need your own data; name them with --data")
        }
        let examples = try OwnData.examples(at: path).filter { $0.answer != nil }
        guard !examples.isEmpty else { throw ValidationError("\(path): there is no example with an answer") }
        return .init(examples, rule: answers.rule ?? AnswerRule(fitting: examples.compactMap(\.answer)))
    }

    private func tell(_ evaluation: PolicyEvaluation, _ failures: [String]) {
        for (name, value) in evaluation.metrics.sorted(by: { $0.key < $1.key }) {
            say(String(format: "%10.4f  ", value) + name)
        }
        say("written: \(PolicyEvaluation.path(ofRun: folder))")
        say(failures.isEmpty ? "it may be promoted" : "it may not be promoted:")
        failures.forEach { say($0) }
    }
}
