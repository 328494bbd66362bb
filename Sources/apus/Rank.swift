public import ArgumentParser
import Checkpoints
public import Datasets
import Engine
import Feedback
import Foundation
import Policies
import Training

/// Samples answers of a policy and lets simulated labelers rank them.
struct Rank: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Sample several answers to each prompt and let simulated labelers rank them.",
        discussion: "Example: apus rank --prompts 200 --samples 4")

    @OptionGroup var options: PolicyOptions

    @Option(help: "The folder of easy-VQA 1.0. Default: the folder that `make data` fetches.")
    var easyVQA = Cache.easyVQA

    @Option(help: "The policy that answers.")
    var policy = PolicyRole.sft.name

    @Option(name: .customLong("run"), help: "The run folder.")
    var folder = "runs/rankings"

    @Option(help: "The random seed of images, questions and sampling.")
    var seed: UInt64 = 0

    @Option(help: "The split of the images: training or validation.")
    var split = SeedSplit.training

    @Option(help: "Number of prompts.")
    var prompts = RankingSettings().prompts

    @Option(help: "Answers per prompt, 2 to 9.")
    var samples = RankingSettings().samples

    @Option(
        name: .customLong("distractors"),
        help: ArgumentHelp(
            "Distractors among the answers. They answer another image of the same kind, so most are fluent but wrong.",
            discussion: "Default: half of the answers."))
    var distractorAnswers: Int?

    @Option(help: "Maximum number of tokens per answer; longer answers are cut off.")
    var maxTokens = RankingSettings().maximumTokens

    @Option(parsing: .upToNextOption, help: "The families of generated images; `none` leaves them out.")
    var families = RankingSettings().families.map { FamilyOption.family($0) }

    @Option(
        parsing: .upToNextOption,
        help: "The families of documents, for a policy that reads. Default: none.")
    var documents: [DocumentFamily] = []

    @OptionGroup var drawing: DrawingOptions

    @Option(
        parsing: .upToNextOption,
        help: "Ask only questions whose right answer is one of these: yes, no. Default: all questions.")
    var only = RankingSettings().only

    @Option(help: "The share of easy-VQA images among training images, 0 to 1.")
    var easyVQAShare = RankingSettings().easyVQAShare

    @Option(help: "The share of prompts that every labeler ranks, to measure agreement, 0 to 1.")
    var agreementShare = RankingSettings().agreementShare

    @Option(help: "Pause after this many minutes; the same command resumes.")
    var maxMinutes: Double?

    func validate() throws {
        if prompts < 1 || maxTokens < 1 { throw ValidationError("--prompts and --max-tokens take at least 1") }
        guard PreferenceRecord.completionCount.contains(samples) else {
            throw ValidationError("--samples takes 2 to 9")
        }
        if let distractorAnswers, !(0..<samples).contains(distractorAnswers) {
            throw ValidationError("--distractors takes 0 to less than --samples")
        }
        guard (0...1).contains(easyVQAShare), (0...1).contains(agreementShare) else {
            throw ValidationError("--easy-vqa-share and --agreement-share take 0 to 1")
        }
        guard split != .test else { throw ValidationError("--split takes training or validation") }
        if let maxMinutes, !(maxMinutes > 0 && maxMinutes < 1e6) {
            throw ValidationError("--max-minutes takes a positive number")
        }
        if options.dataPath.isEmpty { throw ValidationError("--data-path: rankings need a folder to be kept in") }
        try FamilyOption.check(families, besides: ["--documents": !documents.isEmpty])
        try drawing.check(isNeeded: !documents.isEmpty)
    }

    func run() async throws {
        let model = try LoadedModel(options)
        guard let policy = model.catalog[policy] else {
            throw ValidationError("there is no policy \(policy) in \(options.policies)")
        }
        let settings = settings()
        let prompts = try RankingPrompts(
            settings: settings,
            dataset: easyVQAShare > 0 ? EasyVQA(folder: URL(fileURLWithPath: easyVQA)) : nil,
            generator: drawing.generator)
        var inputs = ["baseModel": model.backbone]
        if policy.generation > 0 {
            let published = try options.library.open(
                policy.name, generation: policy.generation, backbone: model.backbone)
            inputs["policy"] = try FileDigest(path: published.path + "/manifest.json").sha256
        }
        let run = try RankingRun(
            settings: settings, prompts: prompts,
            sampler: AnswerSampler(engine: model.engine, tokenizer: model.tokenizer, policy: policy),
            inputs: inputs, folder: folder)
        let result = try await run.run(
            limit: maxMinutes.map { .seconds($0 * 60) },
            report: Console.current.progress("ranking; \(folder)/samples.jsonl has every prompt"))
        let data = DataFolder(path: options.dataPath)
        let appended = try data.open().store.append(run.records(), at: Date())
        result.report.lines.forEach(say)
        say("\(appended) rankings are new in \(data.storePath)")
        say(result.outcome == .finished ? "finished: \(folder)" : "paused; the same command goes on")
    }

    private func settings() -> RankingSettings {
        var settings = RankingSettings()
        settings.seed = seed
        settings.split = split
        settings.families = FamilyOption.chosen(families)
        settings.documents = documents
        settings.only = only
        settings.prompts = prompts
        settings.samples = samples
        settings.distractorAnswers = distractorAnswers ?? samples / 2
        settings.maximumTokens = maxTokens
        settings.easyVQAShare = easyVQAShare
        settings.agreementShare = agreementShare
        return settings
    }
}

extension SeedSplit: ExpressibleByArgument {}
extension Family: ExpressibleByArgument {}
extension DocumentFamily: ExpressibleByArgument {}
extension RankingSettings.YesNo: ExpressibleByArgument {}
