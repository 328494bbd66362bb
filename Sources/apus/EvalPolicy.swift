import ArgumentParser
import Foundation
import Policies
import Promotion

/// Measures a run before it is published.
struct EvalPolicy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Measure a finished run of `train sft` or `train ppo`, and write the evaluation that "
            + "`apus policy promote` asks for.",
        discussion: """
            The run is served as it would be published, on a port of this machine's own, and everything is put to it that a \
            policy must reach. Each report is kept in RUN/evaluation and taken as it is the next time, so the same command \
            goes on where it was stopped; `apus eval … --json` writes the same reports. All of them say which weights they \
            were measured on, and RUN/evaluation.json is written only if those are the run's.

            Example: apus eval policy runs/ppo
            """)

    @Argument(help: ArgumentHelp("The run folder.", valueName: "run"))
    var folder: String

    @OptionGroup var options: PolicyOptions

    @Option(help: "The folder of easy-VQA 1.0. Default: the one that `make data` fetched.")
    var easyVQA = Cache.easyVQA

    @Option(help: "Questions that are open at the same time.")
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
            do { try candidate.remove() } catch { FileHandle.standardError.write(Data("\(error)\n".utf8)) }
        }
        let model = try LoadedModel(options, library: candidate.library)
        let measurement = PolicyMeasurement(
            of: run, parent: candidate.parent?.name, model: model.served, decoder: model.decoder, easyVQA: easyVQA,
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
