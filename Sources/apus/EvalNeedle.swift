import ArgumentParser
import Checkpoints
import Engine
import Evaluation
import Foundation
import Models
import Policies

/// Searches for one thing in long contexts.
struct EvalNeedle: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "needle",
        abstract: "Hide a number in long texts, and ask about one of many images; report the share found, by depth.",
        discussion: "Texts and sets of images that do not fit in the context are skipped.\n\n"
            + "Example: apus eval needle --policy base --lengths 1024,4096")

    @OptionGroup var options: PolicyOptions

    @Option(help: "The policy. Default: the default policy.")
    var policy: String?

    @Option(help: ArgumentHelp("Lengths of the texts in tokens, separated by commas.", valueName: "numbers"))
    var lengths = "1024,2048,4096,8000,16000,32000"

    @Option(help: ArgumentHelp("Numbers of images, separated by commas.", valueName: "numbers"))
    var images = "4,16,64"

    @Option(help: "Number of haystacks per size and depth.")
    var samples = NeedleEvaluation.Settings().samples

    @Option(help: "The random seed of the haystacks.")
    var seed: UInt64 = 0

    @Option(help: "Also write the metrics to this file.")
    var json: String?

    func validate() throws {
        guard (1...1_000).contains(samples) else { throw ValidationError("--samples takes 1 to 1000") }
        _ = try (sizes(lengths, "--lengths"), sizes(images, "--images"))
    }

    func run() async throws {
        let model = try LoadedModel(options)
        guard let policy = policy.map({ model.catalog[$0] }) ?? model.catalog.defaultPolicy else {
            throw ValidationError("there is no policy \(policy ?? "")")
        }
        var settings = NeedleEvaluation.Settings()
        settings.seed = seed
        settings.samples = samples
        // The template, the question and the answer need positions too.
        settings.lengths = try sizes(lengths, "--lengths").filter { $0 <= model.contextLength - 100 }
        let each = 10 + (policy.vision?.encoder.configuration.positionsPerTile ?? 0)
        settings.images = try sizes(images, "--images").filter { $0 * each <= model.contextLength - 100 }
        let evaluation = NeedleEvaluation(
            engine: model.engine, tokenizer: model.tokenizer, policy: policy, settings: settings)
        let progress = Console.current.progress("asking \(policy.name)")
        let report = try await evaluation.run { progress("\($0.size) \($0.hay): \($0.found.count)") }
        say(report.table)
        if let json { try AtomicFile.write(json: report, to: json) }
    }

    private func sizes(_ text: String, _ option: String) throws -> [Int] {
        try text.split(separator: ",").map { part in
            guard let size = Int(part), (1...100_000).contains(size) else {
                throw ValidationError("\(option) takes numbers from 1 to 100000, not \(part)")
            }
            return size
        }
    }
}
