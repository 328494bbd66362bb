public import ArgumentParser
import Checkpoints
import Datasets
public import Evaluation
import Foundation

/// Asks a running server a user's own questions.
struct EvalData: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data",
        abstract: "Ask a running server your own questions, and judge the answers by a rule, by default exact.",
        discussion: """
            If the data name splits, those of validation and test are asked; otherwise all, or with --held-out those that \
            training with the same share keeps back.
            Example: apus eval data runs/icons/held-out.jsonl --policy sft --rule exact --control all
            """)

    @OptionGroup var server: ServerOptions

    @Argument(help: ArgumentHelp("Files, or folders with the files in them.", valueName: "path"))
    var paths: [String]

    @Option(help: "The policy to ask. Default: the server's default policy.")
    var policy: String?

    @OptionGroup var rule: AnswerRuleOptions

    @Option(help: "The control: the image shown instead of a question's own image.")
    var control = ControlOption.none

    @Option(help: ArgumentHelp("The share of the images that is held out, above 0, up to 0.9.", valueName: "share"))
    var heldOut: Double?

    @Option(help: "Maximum number of tokens per answer.")
    var maxTokens = 256

    func validate() throws {
        if let heldOut, !(heldOut > 0 && heldOut <= 0.9) { throw ValidationError("--held-out takes above 0 to 0.9") }
        guard (1...4_096).contains(maxTokens) else { throw ValidationError("--max-tokens takes 1 to 4096") }
    }

    func run() async throws {
        let examples = try chosen()
        var settings = OwnDataEvaluation.Settings(rule: rule.rule ?? AnswerRule(.exact))
        settings.model = policy
        settings.maximumTokens = maxTokens
        settings.seed = server.seed
        settings.concurrency = server.concurrency
        let (url, controls) = (server.url, control.controls)
        let reports = try await server.withClient { [settings] client in
            let evaluation = try OwnDataEvaluation(examples, client: client, server: url, settings: settings)
            var reports: [OwnDataReport] = []
            for control in controls {
                reports.append(try await evaluation.run(control, progress: ServerOptions.tell))
            }
            return reports
        }
        say(OwnDataReport.table(reports))
        if let json = server.json { try AtomicFile.write(json: reports, to: json) }
    }

    /// The examples with answers that training did not see, as far as the data and the options tell.
    private func chosen() throws -> [OwnExample] {
        let all = try paths.flatMap { try OwnData.examples(at: $0) }
        let hasSplits = all.contains { $0.split != nil }
        let asked = hasSplits || heldOut != nil ? try OwnDataSplit(all, share: heldOut ?? 0).heldOut : all
        let answered = asked.filter { $0.answer != nil }
        guard !answered.isEmpty else { throw ValidationError("none of the \(all.count) examples is to be asked") }
        let prompts = asked.count - answered.count
        if prompts > 0 { Console.current.error("\(prompts) prompts without an answer are not asked\n") }
        return answered
    }
}

/// When an answer to an own question is right.
struct AnswerRuleOptions: ParsableArguments {
    @Option(
        name: .customLong("rule"),
        help: ArgumentHelp(
            "When an answer is right: exact, contains, number or json.",
            discussion: """
                exact: the same text; contains: the reply has the expected words; number: its first number is the \
                expected one, within --tolerance; json: all fields of the expected object, and no others.
                """))
    var kind: AnswerRule.Kind?

    @Option(help: "The tolerance of numbers: 0.5 is absolute, 5% relative.")
    var tolerance: AnswerRule.Tolerance?

    func validate() throws {
        if tolerance != nil, kind != .number, kind != .json {
            throw ValidationError("--tolerance is for --rule number or json")
        }
    }

    /// The rule; nil if none was named.
    var rule: AnswerRule? { kind.map { AnswerRule($0, tolerance: tolerance ?? .absolute(0)) } }
}

extension AnswerRule.Kind: ExpressibleByArgument {}

extension AnswerRule.Tolerance: ExpressibleByArgument {
    /// A number, with `%` for a share of the expected one.
    public init?(argument: String) {
        let isRelative = argument.hasSuffix("%")
        guard let number = Double(isRelative ? argument.dropLast() : argument[...]), number >= 0, number.isFinite else {
            return nil
        }
        self = isRelative ? .relative(number / 100) : .absolute(number)
    }
}
