import ArgumentParser
import Checkpoints
import Datasets
import Evaluation
import Foundation
import Policies
import Training

/// Evaluates the reward model of a running server.
struct EvalReward: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reward",
        abstract: "Let a running server's reward model score a policy's answers, and compare it with the judge.",
        discussion: "Also reports the gain of best-of-n by the reward model, next to the gain of PPO runs.\n\n"
            + "Example: apus eval reward --ppo runs/ppo --plot overoptimization.svg")

    @OptionGroup var server: ServerOptions

    @Option(help: "The policy whose answers are scored.")
    var policy = PolicyRole.sft.name

    @Option(help: "Number of questions.")
    var count = 400

    @Option(help: "Answers per question, 2 to 64.")
    var answers = 16

    @Option(help: "Additional distractors: answers to another image of the same family.")
    var distractors = RewardModelEvaluation.Settings().distractorAnswers

    @Option(help: "A PPO run folder whose validations are added to the plot. May be repeated.")
    var ppo: [String] = []

    @Option(help: "Also plot reward and gold score over √KL to this SVG file.")
    var plot: String?

    func validate() throws {
        guard (1...10_000).contains(count) else { throw ValidationError("--count takes 1 to 10000") }
        guard (2...64).contains(answers) else { throw ValidationError("--answers takes 2 to 64") }
        guard distractors == 0 || count >= 2 * Family.allCases.count else {
            throw ValidationError(
                "--distractors needs two questions of each family: --count \(2 * Family.allCases.count)")
        }
        guard distractors >= 0, answers + distractors <= 64 else {
            throw ValidationError("--distractors takes 0 to \(64 - answers) beside \(answers) answers")
        }
    }

    func run() async throws {
        let runs = try ppo.map { (name: $0, curve: try Self.curve(ofRun: $0)) }
        var settings = RewardModelEvaluation.Settings()
        settings.model = policy
        settings.count = count
        settings.answers = answers
        settings.distractorAnswers = distractors
        settings.seed = server.seed
        settings.concurrency = server.concurrency
        let url = server.url
        let report = try await server.withClient { [settings] client in
            try await RewardModelEvaluation(client: client, server: url, settings: settings)
                .run(progress: ServerOptions.tell)
        }
        say(report.table)
        for run in runs { say("\n\(run.name)\n\(run.curve.table)") }
        if let json = server.json { try AtomicFile.write(json: report, to: json) }
        if let plot {
            let curves = [(name: "best of n", curve: report.bestOf)] + runs
            try Data(Self.plot(curves).svg.utf8).write(to: URL(fileURLWithPath: plot), options: .atomic)
        }
    }

    private static func curve(ofRun folder: String) throws -> OptimizationCurve {
        let records = try PPORunFiles.heldOutAnswers(in: folder)
        guard !records.isEmpty else {
            throw ValidationError("--ppo: \(folder)/held-out has no answers; the run validated nothing")
        }
        return OptimizationCurve(
            ppo: records.map { record in
                let answers = record.questions.flatMap { question in
                    question.answers.map {
                        HeldOutAnswer(
                            image: question.image, question: question.question, text: $0.text, ended: $0.ended,
                            reward: $0.score, divergence: $0.divergence)
                    }
                }
                return (record.iteration, answers)
            })
    }

    private static func plot(_ curves: [(name: String, curve: OptimizationCurve)]) -> LinePlot {
        LinePlot(
            title: "gain in reward (σ) and in gold score over √KL",
            series: curves.flatMap { name, curve in
                [
                    .init(name: "\(name): reward", points: curve.points.map { ($0.distance, $0.reward) }),
                    .init(name: "\(name): gold", points: curve.points.map { ($0.distance, $0.gold) }),
                ]
            })
    }
}
