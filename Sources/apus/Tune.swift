import ArgumentParser
import Checkpoints
import Datasets
import Evaluation
import Foundation
import Models
import Policies
import Promotion
import Serving
import Tensors
import Training

/// Tunes a policy on a person's own images, from the data to the published policy.
struct Tune: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tune a policy on your own images: check, fine-tune, measure, judge by rules, publish, report.",
        discussion: """
            The plan is shown first, with measured times; on a terminal the command asks before it begins. Interrupted, \
            the same command goes on from the last checkpoint. With --rankings it then serves the page, waits until people have \
            ranked that many comparisons, and learns from them. RUN/report.html tells how good the policy is.

            Example: apus tune --data icons/ --name icons
            """)

    @OptionGroup var options: PolicyOptions

    @Option(
        help: ArgumentHelp("Your questions and answers: a file, or a folder with the files in it.", valueName: "path"))
    var data: String

    @Option(name: .customLong("run"), help: "The run folder.")
    var folder = "runs/tune"

    @Option(help: "The policy to start from, like sft or sft@7.")
    var from = PolicyRole.sft.name

    @Option(help: "The name under which the policy is published.")
    var name = "mine"

    @Option(
        parsing: .unconditional, help: "Rankings by people to wait for and to learn from, at least 2. Default: none.")
    var rankings = 0

    @Option(help: "Minutes that fine-tuning may take, by the measured time of a step. Default: what 12 passes take.")
    var minutes: Double?

    @Option(help: ArgumentHelp("The share of the images that is kept to measure on, 0.05 to 0.5.", valueName: "share"))
    var heldOut = TuneSettings().heldOutShare

    @Option(
        name: .customLong("rules"),
        help: ArgumentHelp(
            "A JSON file with the rules that the policy must meet.",
            discussion: """
                Default: Deploy/tune-rules.json, for a policy that reads Deploy/tune-reader-rules.json, in the working \
                folder, or beside or above the executable.
                """,
            valueName: "file"))
    var rulesFile: String?

    @OptionGroup var answers: AnswerRuleOptions

    @Option(help: "Replies of the base model, from `apus data replay`. Default: runs/replay.jsonl if there is one.")
    var replay: String?

    @Option(
        help: """
            The folder of easy-VQA 1.0; `none` leaves it out. A policy that reads is not trained on it. Default: the \
            folder that `make data` fetches.
            """)
    var easyVQA = Cache.easyVQA

    @OptionGroup var drawing: DrawingOptions

    @Option(help: "The port of the page on which people rank.")
    var port = 8080

    @Option(help: "The random seed.")
    var seed: UInt64 = 0

    @Flag(help: "Compute frozen layers in 32 bits even if the processor has faster 16-bit instructions.")
    var float32 = false

    private static let standardRules = "Deploy/tune-rules.json"
    private static let standardReaderRules = "Deploy/tune-reader-rules.json"
    private static let standardReplay = "runs/replay.jsonl"
    private static let none = "none"

    func validate() throws {
        try checkIsFree(name)
        _ = try reference()
        guard rankings == 0 || (2...10_000).contains(rankings) else {
            throw ValidationError("--rankings takes 0, or 2 to 10000: one to learn from and one to measure on")
        }
        guard (0.05...0.5).contains(heldOut) else { throw ValidationError("--held-out takes 0.05 to 0.5") }
        guard (1...65_535).contains(port) else { throw ValidationError("--port takes 1 to 65535") }
        if let minutes, !(minutes > 0 && minutes < 1e6) { throw ValidationError("--minutes takes a positive number") }
        if options.dataPath.isEmpty { throw ValidationError("--data-path must name a folder to publish into") }
    }

    func run() async throws {
        let checkpoint = try options.model.checkpoint()
        let library = options.library
        try library.recover()
        let start = try start(in: library)
        let policy = try TuneJob.SeeingPolicy(start, in: library, backbone: checkpoint.digest.sha256)
        try drawing.check(isNeeded: policy.readsText, by: "a policy that reads: name one with --from")
        let rules = try RulesOption.rules(
            at: rulesFile, standard: policy.readsText ? Self.standardReaderRules : Self.standardRules)
        if policy.readsText { try checkReader(rules) }
        var inputs = TuneJob.Inputs(
            baseModel: checkpoint, data: data, start: start, library: library, name: name,
            rules: rules, drawing: drawing.materials, dataFolder: options.dataPath)
        inputs.rule = answers.rule
        inputs.easyVQA = easyVQA == Self.none ? nil : easyVQA
        inputs.replay = try replayed()
        inputs.rankings = rankings
        var settings = TuneSettings()
        settings.seed = seed
        settings.heldOutShare = heldOut
        settings.minutes = minutes
        let job = TuneJob(inputs, settings: settings, machine: try machine(), folder: folder)
        guard let outcome = try await job.run(confirm: begins) else { return }
        say("report: \(job.reportPath)")
        if case .refused = outcome { throw ExitCode(1) }
    }

    /// Checks what a policy that reads needs: fonts and words, and an easy-VQA that something uses.
    private func checkReader(_ rules: PolicyRules) throws {
        let reports = try rules.gate(for: .sft).reports
        guard easyVQA == Cache.easyVQA || easyVQA == Self.none || reports.contains(.easyVQA) else {
            throw ValidationError(
                "--easy-vqa: \(from) reads text, so it is not trained on easy-VQA, and no rule asks its questions")
        }
        _ = try DocumentStudio(fonts: drawing.fonts, words: drawing.words)
    }

    private func machine() throws -> TuneJob.Machine {
        let compute = try options.model.compute()
        var server = ServerConfiguration()
        server.port = port
        server.publicFolder = String(Installation.path("Public/index.html").dropLast("/index.html".count))
        let (options, console) = (options, Console.current)
        return TuneJob.Machine(
            compute: compute, precision: float32 || !compute.multipliesBFloat16 ? .float32 : .bfloat16,
            load: { library in
                let loaded = try LoadedModel(options, library: library)
                return (loaded.served(), loaded.decoder)
            },
            server: server, report: { console.output($0 + "\n") },
            progress: { line in if console.isInteractive { console.error(line + "\n") } },
            answers: { console.count($0, of: $1) })
    }

    /// Shows the plan, and on a terminal asks whether to begin.
    private func begins(_ plan: [String]) -> Bool {
        for line in plan { say(line) }
        guard Console.current.isInteractive, isatty(STDIN_FILENO) == 1 else { return true }
        return Console.current.confirms("begin?")
    }

    private func replayed() throws -> String? {
        if let replay { return try replayFile(replay) }
        if FileManager.default.fileExists(atPath: Self.standardReplay) { return Self.standardReplay }
        say("there is no \(Self.standardReplay), so no text is replayed; `apus data replay` writes it")
        return nil
    }

    private func start(in library: PolicyLibrary) throws -> PolicyManifest.Reference {
        let reference = try reference()
        guard let generation = try reference.generation ?? library.current()[reference.name] else {
            throw ValidationError("--from: there is no policy \(reference.name)")
        }
        return .init(name: reference.name, generation: generation)
    }

    private func reference() throws -> PolicyName {
        guard let reference = PolicyName(from) else {
            throw ValidationError("--from takes a policy, or a policy and its generation like sft@7, found \(from)")
        }
        return reference
    }
}
