import Checkpoints
import Datasets
public import Evaluation
import Foundation
import Logging
public import Models
public import Policies
public import Serving
public import Tensors
import Training

/// The whole way from a person's images to a published policy: fine-tuning, measurement, gate, and if wanted rankings
/// by people, DPO and the gate once more.
///
/// Each stage has its own folder in the run's: `sft`, `dpo`, each with its `evaluation`. A stage that is done is not
/// repeated, so the same call goes on where the last one stopped. `report.html` is written after every gate.
public struct TuneJob {
    /// Where things come from and go to.
    public struct Inputs {
        /// The base model.
        public var baseModel: ModelCheckpoint
        /// The person's examples, a file or a folder.
        public var data: String
        /// The policy to start from.
        public var start: PolicyManifest.Reference
        /// All policies, and the folder to publish into.
        public var library: PolicyLibrary
        /// The name to publish under.
        public var name: String
        /// The rules of the gate.
        public var rules: PolicyRules
        /// When an answer is right; nil for the rule that fits the data.
        public var rule: AnswerRule?
        /// The folder of easy-VQA; nil to leave its images out.
        public var easyVQA: String?
        /// Texts of the base model; nil to leave text out.
        public var replay: String?
        /// The data folder that keeps rankings and images.
        public var dataFolder: String

        /// The given inputs, without easy-VQA and texts.
        public init(
            baseModel: ModelCheckpoint, data: String, start: PolicyManifest.Reference, library: PolicyLibrary,
            name: String, rules: PolicyRules, dataFolder: String
        ) {
            self.baseModel = baseModel
            self.data = data
            self.start = start
            self.library = library
            self.name = name
            self.rules = rules
            self.dataFolder = dataFolder
        }
    }

    /// What the stages run on.
    public struct Machine {
        /// Kernels and threads of training.
        public var compute: Compute
        /// The precision of the frozen products of training.
        public var precision: Precision
        /// Loads the base model with the policies of a library, to measure and to serve.
        public var load: (PolicyLibrary) throws -> (model: ServedModel, decoder: TransformerDecoder)
        /// The address of the page on which people rank.
        public var server: ServerConfiguration
        /// Prints a line when a stage begins or ends.
        public var report: @Sendable (String) -> Void
        /// Shows a line of a training's progress.
        public var progress: @Sendable (String) -> Void
        /// Receives the number of answers of a measurement so far, and their total.
        public var answers: @Sendable (_ done: Int, _ total: Int) -> Void

        /// The given machine.
        public init(
            compute: Compute, precision: Precision,
            load: @escaping (PolicyLibrary) throws -> (model: ServedModel, decoder: TransformerDecoder),
            server: ServerConfiguration, report: @escaping @Sendable (String) -> Void,
            progress: @escaping @Sendable (String) -> Void,
            answers: @escaping @Sendable (_ done: Int, _ total: Int) -> Void
        ) {
            self.compute = compute
            self.precision = precision
            self.load = load
            self.server = server
            self.report = report
            self.progress = progress
            self.answers = answers
        }
    }

    /// How a run ended.
    public enum Outcome: Sendable, Equatable {
        /// The last policy passed the gate and is published.
        case published(PolicyManifest.Reference)
        /// A rule failed in the stage; earlier stages stay published.
        case refused(stage: String)
    }

    /// Everything that decides a run, for its folder's `config.json`.
    private struct Record: Encodable {
        let settings: TuneSettings
        let start: PolicyManifest.Reference
        let name: String
        let data: String
    }

    /// A policy folder with the vision generation that it names.
    private typealias SeeingPolicy = (policy: PolicyFolder, vision: PolicyFolder?)

    private let inputs: Inputs
    private let settings: TuneSettings
    private let machine: Machine
    private let folder: String

    /// A job in `folder`.
    public init(_ inputs: Inputs, settings: TuneSettings, machine: Machine, folder: String) {
        self.inputs = inputs
        self.settings = settings
        self.machine = machine
        self.folder = folder
    }

    /// The report's path.
    public var reportPath: String { "\(folder)/report.html" }

    /// Does everything that is left to do.
    ///
    /// - Parameter confirm: receives the plan before anything that takes long; returns whether to begin.
    /// - Returns: nil if `confirm` said no.
    /// - Throws: `OwnDataError` naming each line that cannot be used, `TuneError`, and the errors of the stages.
    public func run(confirm: (_ plan: [String]) -> Bool) async throws -> Outcome? {
        let examples = try OwnData.examples(at: inputs.data)
        let split = try OwnDataSplit(examples, share: settings.heldOutShare)
        for (what, found) in [
            ("examples to learn from", split.training.count), ("held-out examples", split.heldOut.count),
        ]
        where found < Self.minimumExamples {
            throw TuneError.tooFew(what: what, expected: Self.minimumExamples, found: found)
        }
        let start = try opened(inputs.start)
        let own = PolicyMeasurement.OwnQuestions(
            split.heldOut.filter { $0.answer != nil },
            rule: inputs.rule ?? AnswerRule(fitting: split.heldOut.compactMap(\.answer)))
        let opened = try RunFolder(
            path: folder,
            configuration: Record(
                settings: settings, start: inputs.start, name: inputs.name,
                data: PolicyMeasurement.OwnQuestions.digest(of: examples)))
        defer { withExtendedLifetime(opened) {} }
        let plan = try self.plan(split, start: start, own: own)
        guard confirm(plan.lines(name: inputs.name)) else { return nil }
        var report = TuneReport(name: inputs.name, start: inputs.start, plan: plan, own: own)
        try fineTune(start: start, steps: plan.steps)
        report.rates = plotFile("sft/loss.svg")
        guard let tuned = try await gated("sft", own: own, report: &report) else { return .refused(stage: "sft") }
        guard settings.rankings > 0 else { return .published(tuned) }
        let rankings = try await ranked(split.training, by: tuned)
        try trainOnPreferences(rankings, from: tuned)
        guard let preferred = try await gated("dpo", own: own, report: &report) else { return .refused(stage: "dpo") }
        return .published(preferred)
    }

    private static let minimumExamples = 5

    // MARK: Plan

    private func plan(
        _ split: OwnDataSplit, start: SeeingPolicy, own: PolicyMeasurement.OwnQuestions
    ) throws -> TunePlan {
        let path = "\(folder)/plan.json"
        if let old = try TunePlan(path: path) { return old }
        machine.report("timing two steps of fine-tuning")
        let seconds = try secondsPerStep(start: start)
        var steps = settings.steps(images: Set(split.training.flatMap { $0.images.map(\.digest) }).count)
        if let minutes = settings.minutes { steps = max(20, min(steps, Int(minutes * 60 / seconds))) }
        let gate = try inputs.rules.gate(for: .sft)
        let families = gate.reports.intersection([.families, .parentFamilies]).count
        let plan = TunePlan(
            training: split.training.count, heldOut: split.heldOut.count, steps: steps, secondsPerStep: seconds,
            answers: 3 * own.examples.count + families * Family.allCases.count * settings.questionsOfAFamily,
            rankings: settings.rankings)
        try plan.write(to: path)
        return plan
    }

    /// The mean time of two steps after the first one, in a folder that is deleted again.
    private func secondsPerStep(start: SeeingPolicy) throws -> Double {
        let probe = "\(folder)/probe"
        try? FileManager.default.removeItem(atPath: probe)
        defer { try? FileManager.default.removeItem(atPath: probe) }
        let clock = ContinuousClock()
        var times: [ContinuousClock.Instant] = []
        _ = try fineTuning(start: start, steps: 3, in: probe).run(
            precision: machine.precision, compute: machine.compute,
            options: .init(validationInterval: 0, reportInterval: 1)
        ) { _ in times.append(clock.now) }
        // A line when the run begins, and one after each step.
        guard times.count == 4 else { return 1 }
        return (times[3] - times[1]) / .seconds(1) / 2
    }

    // MARK: Stages

    private func fineTuning(start: SeeingPolicy, steps: Int, in folder: String) throws -> FineTuningJob {
        var fineTuning = settings.fineTuning
        fineTuning.steps = steps
        return FineTuningJob(
            inputs: .init(
                baseModel: inputs.baseModel, vision: start.vision?.file(PolicyFiles.vision), start: start.policy.path,
                easyVQA: inputs.easyVQA, replay: inputs.replay, ownData: [inputs.data]),
            settings: fineTuning, folder: folder)
    }

    private func fineTune(start: SeeingPolicy, steps: Int) throws {
        if isFinished("sft") { return machine.report("fine-tuning: done, \(folder)/sft") }
        machine.report("fine-tuning: \(folder)/sft/log.jsonl has every step")
        _ = try fineTuning(start: start, steps: steps, in: "\(folder)/sft").run(
            precision: machine.precision, compute: machine.compute,
            options: .init(validationInterval: max(1, steps / 4)), report: machine.progress)
    }

    private func trainOnPreferences(_ rankings: String, from tuned: PolicyManifest.Reference) throws {
        if isFinished("dpo") { return machine.report("DPO: done, \(folder)/dpo") }
        machine.report("DPO: \(folder)/dpo/log.jsonl has every step")
        let policy = try opened(tuned)
        let images = TuneRankings.images(in: inputs.dataFolder)
        let job = PreferenceJob(
            inputs: RankingInputs(
                baseModel: inputs.baseModel, policy: policy.policy, vision: policy.vision, rankings: rankings,
                heldOut: nil, image: images.image(of:), demonstration: { _ in nil }),
            replay: inputs.replay, settings: settings.preferences, folder: "\(folder)/dpo")
        _ = try job.run(
            precision: machine.precision, compute: machine.compute, options: .init(validationInterval: 50),
            report: machine.progress)
    }

    /// Whether the stage has written all its results.
    private func isFinished(_ stage: String) -> Bool { (try? PolicyRun(folder: "\(folder)/\(stage)")) != nil }

    private func opened(_ reference: PolicyManifest.Reference) throws -> SeeingPolicy {
        let backbone = inputs.baseModel.digest.sha256
        let policy = try inputs.library.open(reference.name, generation: reference.generation, backbone: backbone)
        let vision = try policy.manifest.vision.map {
            try inputs.library.open($0.name, generation: $0.generation, backbone: backbone)
        }
        return (policy, vision)
    }

    private func plotFile(_ name: String) -> String? {
        FileManager.default.contents(atPath: "\(folder)/\(name)").map { String(decoding: $0, as: UTF8.self) }
    }

    // MARK: Rankings

    /// The file of the rankings that people made of the tuned policy's answers; waits until there are enough.
    private func ranked(_ examples: [OwnExample], by tuned: PolicyManifest.Reference) async throws -> String {
        let rankings = TuneRankings(
            folder: folder, dataFolder: inputs.dataFolder, wanted: settings.rankings,
            answers: settings.answersPerRanking, policy: tuned.name)
        if rankings.areComplete { return rankings.path }
        let store = try rankings.enqueue(examples)
        if try rankings.collect(from: store) { return rankings.path }
        let lock = try DataLock(folder: inputs.dataFolder)
        defer { withExtendedLifetime(lock) {} }
        let model = try machine.load(inputs.library).model
        let logger = Logger(label: "apus") { _ in SwiftLogNoOpLogHandler() }
        try await withLocalServer(model, feedback: store, configuration: machine.server, logger: logger) { address in
            machine.report("rank answers on \(address)/#ranking: \(settings.rankings) rankings are needed")
            try await rankings.wait(for: store, report: machine.report)
        }
        return rankings.path
    }

    // MARK: Gate

    /// Measures the stage's policy and publishes it if every rule holds; nil if one fails.
    private func gated(
        _ stage: String, own: PolicyMeasurement.OwnQuestions, report: inout TuneReport
    ) async throws -> PolicyManifest.Reference? {
        let stageFolder = "\(folder)/\(stage)"
        let run = try PolicyRun(folder: stageFolder)
        let measured = try await measured(run, in: stageFolder, own: own)
        let promotion = PolicyPromotion(run, folder: stageFolder, by: inputs.rules, in: inputs.library)
        let verdict = try promotion.verdict()
        verdict.lines.forEach(machine.report)
        var published: PolicyManifest.Reference?
        if verdict.passes { published = try alreadyPublished(run) ?? publish(promotion) }
        machine.report(published.map { "published \($0.name)@\($0.generation)" } ?? "not published: a rule fails")
        report.stages.append(
            .init(name: stage, verdict: verdict, published: published, reports: measured.ownData?.reports ?? []))
        try Data(report.html().utf8).write(to: URL(fileURLWithPath: reportPath), options: .atomic)
        return published
    }

    private func publish(_ promotion: PolicyPromotion) throws -> PolicyManifest.Reference? {
        guard case .published(let policy, _) = try promotion.promote(as: inputs.name) else { return nil }
        return .init(name: policy.manifest.name, generation: policy.manifest.generation)
    }

    /// The generation that has the run's very adapter, from an earlier call of the command.
    private func alreadyPublished(_ run: PolicyRun) throws -> PolicyManifest.Reference? {
        for generation in try inputs.library.generations()[inputs.name] ?? [] {
            let policy = try inputs.library.open(
                inputs.name, generation: generation, backbone: inputs.baseModel.digest.sha256)
            if policy.manifest.files[PolicyFiles.adapterWeights]?.sha256 == run.digests.adapter {
                return .init(name: inputs.name, generation: generation)
            }
        }
        return nil
    }

    private func measured(
        _ run: PolicyRun, in stageFolder: String, own: PolicyMeasurement.OwnQuestions
    ) async throws -> PolicyReports {
        var measuring = PolicyMeasurement.Settings(reports: try inputs.rules.gate(for: run.stage).reports)
        // The report shows them, whatever the rules ask for.
        measuring.reports.insert(.ownData)
        measuring.questionsOfAFamily = settings.questionsOfAFamily
        measuring.own = own
        let candidate = try ReleaseCandidate(
            run, among: inputs.library, in: "\(stageFolder)/evaluation/candidate",
            comparing: measuring.reports.contains(where: \.comparesWithParent))
        defer { try? candidate.remove() }
        let loaded = try machine.load(candidate.library)
        let measurement = PolicyMeasurement(
            of: run, parent: candidate.parent?.name, model: loaded.model, decoder: loaded.decoder,
            easyVQA: inputs.easyVQA ?? "", settings: measuring, folder: "\(stageFolder)/evaluation",
            progress: .init(report: machine.report, answers: machine.answers))
        let reports = try await measurement.reports()
        try reports.evaluation(of: run.digests, parent: candidate.parent?.digests)
            .write(to: PolicyEvaluation.path(ofRun: stageFolder))
        return reports
    }
}
