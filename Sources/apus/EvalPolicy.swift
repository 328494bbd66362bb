import ArgumentParser
import Foundation
import Policies
import Promotion

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

            Example: apus eval policy runs/ppo
            """)

    @Argument(help: ArgumentHelp("The run folder.", valueName: "run"))
    var folder: String

    @OptionGroup var options: PolicyOptions

    @Option(help: "The folder of easy-VQA 1.0. Default: the folder that `make data` fetches.")
    var easyVQA = Cache.easyVQA

    @Option(help: "Questions open at the same time.")
    var concurrency = 16

    @OptionGroup var rules: RulesOption

    func validate() throws {
        guard (1...1024).contains(concurrency) else { throw ValidationError("--concurrency takes 1 to 1024") }
    }

    func run() async throws {
        let run = try PolicyRun(folder: folder)
        let gate = try rules.rules().gate(for: run.stage)
        let candidate = try ReleaseCandidate(run, among: options.library, in: "\(folder)/evaluation/candidate")
        defer {
            do { try candidate.remove() } catch { Console.current.error("\(error)\n") }
        }
        let model = try LoadedModel(options, library: candidate.library)
        let measurement = PolicyMeasurement(
            of: run, parent: candidate.parent?.name, model: model.served(), decoder: model.decoder, easyVQA: easyVQA,
            concurrency: concurrency, folder: "\(folder)/evaluation",
            progress: .init(report: say, answers: ServerOptions.tell))
        let reports = try await measurement.reports()
        let evaluation = try reports.evaluation(of: run.digests, parent: candidate.parent?.digests)
        try evaluation.write(to: PolicyEvaluation.path(ofRun: folder))
        tell(evaluation, gate.failures(of: evaluation, policy: run.digests, parent: candidate.parent?.digests))
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
