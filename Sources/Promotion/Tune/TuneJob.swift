import Checkpoints
import Datasets
import Evaluation
import Foundation
import Logging
import Models
import Policies
import Serving
import Training

/// The whole way from a person's images to a published policy: fine-tuning, measurement, gate, and if wanted rankings
/// by people, DPO and the gate once more.
///
/// Each stage has its own folder in the run's: `sft`, `dpo`, each with its `evaluation`. A stage that is done is not
/// repeated, and training goes on from its last checkpoint. `report.html` is written after every gate.
public struct TuneJob {
    /// Everything that decides the fine-tuning, for the settings in the run's folder.
    private struct Record: Encodable {
        let settings: TuneSettings
        let start: PolicyManifest.Reference
        let name: String
        let data: String
    }

    let inputs: Inputs
    let settings: TuneSettings
    let machine: Machine
    let folder: String

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
        let start = try opened(inputs.start)
        guard start.vision != nil else { throw TuneError.baseVision(inputs.start) }
        try checkRules(start)
        let examples = try OwnData.examples(at: inputs.data)
        let split = try OwnDataSplit(examples, share: settings.heldOutShare)
        for (what, found) in [
            ("examples to learn from", split.training.count), ("held-out examples", split.heldOut.count),
        ]
        where found < Self.minimumExamples {
            throw TuneError.tooFew(what: what, expected: Self.minimumExamples, found: found)
        }
        let own = PolicyMeasurement.OwnQuestions(
            split.heldOut.filter { $0.answer != nil },
            rule: inputs.rule ?? AnswerRule(fitting: split.heldOut.compactMap(\.answer)))
        try own.rule.check(own.examples)
        let opened = try RunFolder(
            path: folder,
            configuration: Record(
                settings: settings, start: inputs.start, name: inputs.name,
                data: PolicyMeasurement.OwnQuestions.digest(of: examples)))
        defer { withExtendedLifetime(opened) {} }
        try await checkRanking(split.training)
        let plan = try self.plan(split, start: start, own: own)
        guard confirm(plan.lines(name: inputs.name, rankings: inputs.rankings)) else { return nil }
        try plan.write(to: planPath)
        var report = TuneReport(
            name: inputs.name, start: inputs.start, plan: plan, rankings: inputs.rankings, own: own)
        try fineTune(start: start, steps: plan.steps)
        report.plots = plots(of: .sft)
        guard let tuned = try await gated(.sft, own: own, report: &report) else { return .refused(stage: .sft) }
        guard inputs.rankings > 0 else { return .published(tuned) }
        try trainOnPreferences(try await ranked(split.training, by: tuned), from: tuned)
        guard let preferred = try await gated(.dpo, own: own, report: &report) else { return .refused(stage: .dpo) }
        return .published(preferred)
    }

    private static let minimumExamples = 5

    func folder(of stage: TrainedStage) -> String { "\(folder)/\(stage.rawValue)" }

    // MARK: Stages

    func fineTuning(start: SeeingPolicy, steps: Int, in folder: String) throws -> FineTuningJob {
        var fineTuning = settings.fineTuning(readsText: start.readsText)
        fineTuning.steps = steps
        return FineTuningJob(
            inputs: .init(
                baseModel: inputs.baseModel, vision: start.vision?.file(PolicyFiles.vision), start: start.policy.path,
                easyVQA: start.readsText ? nil : inputs.easyVQA, replay: inputs.replay,
                drawing: start.readsText ? inputs.drawing : nil, ownData: [inputs.data]),
            settings: fineTuning, folder: folder)
    }

    private func fineTune(start: SeeingPolicy, steps: Int) throws {
        let sft = folder(of: .sft)
        if try isFinished(.sft) { return machine.report("fine-tuning: done, \(sft)") }
        machine.report("fine-tuning: \(sft)/log.jsonl has every step")
        _ = try fineTuning(start: start, steps: steps, in: sft).run(
            precision: machine.precision, compute: machine.compute,
            options: .init(validationInterval: max(1, steps / 4)), report: machine.progress)
    }

    /// - Parameter rankings: those in the run's file.
    private func trainOnPreferences(_ rankings: [PreferenceRecord], from tuned: PolicyManifest.Reference) throws {
        let dpo = folder(of: .dpo)
        if try isFinished(.dpo) { return machine.report("DPO: done, \(dpo)") }
        machine.report("DPO: \(dpo)/log.jsonl has every step")
        let policy = try opened(tuned)
        let images = TuneRankings.images(in: inputs.dataFolder)
        let job = PreferenceJob(
            inputs: RankingInputs(
                baseModel: inputs.baseModel, policy: policy.policy, vision: policy.vision,
                rankings: TuneRankings.path(in: folder), heldOut: nil, image: images.image(of:),
                demonstration: { _ in nil }),
            replay: inputs.replay, settings: settings.preferences(images: Set(rankings.compactMap(\.image)).count),
            folder: dpo)
        _ = try job.run(
            precision: machine.precision, compute: machine.compute, options: .init(validationInterval: 50),
            report: machine.progress)
    }

    /// Whether the stage has written all its results.
    private func isFinished(_ stage: TrainedStage) throws -> Bool {
        guard try RunFolder.hasBegun(in: folder(of: stage)) else { return false }
        do {
            _ = try PolicyRun(folder: folder(of: stage))
            return true
        } catch FinishedRunError.unfinished {
            return false
        }
    }

    private func opened(_ reference: PolicyManifest.Reference) throws -> SeeingPolicy {
        try SeeingPolicy(reference, in: inputs.library, backbone: inputs.baseModel.digest.sha256)
    }

    /// The plots of a stage that say most.
    private func plots(of stage: TrainedStage) -> [String] {
        ["loss.svg", "accuracy.svg"].compactMap { name in
            FileManager.default.contents(atPath: "\(folder(of: stage))/\(name)")
                .map { String(decoding: $0, as: UTF8.self) }
        }
    }

    // MARK: Rankings

    /// The rankings that people made of the tuned policy's answers; waits until there are enough.
    private func ranked(
        _ examples: [OwnExample], by tuned: PolicyManifest.Reference
    ) async throws -> [PreferenceRecord] {
        let kept = try TuneRankings.kept(in: folder)
        if kept.count >= inputs.rankings { return kept }
        let rankings = TuneRankings(
            folder: folder, dataFolder: inputs.dataFolder, wanted: inputs.rankings,
            answers: settings.answersPerRanking, policy: tuned)
        let store = try rankings.enqueue(examples)
        if try rankings.collect(from: store) { return try TuneRankings.kept(in: folder) }
        let current = try inputs.library.current()[tuned.name]
        guard current == tuned.generation else { throw TuneError.notCurrent(tuned, current: current) }
        let lock = try DataLock(folder: inputs.dataFolder)
        defer { withExtendedLifetime(lock) {} }
        let model = try machine.load(inputs.library).model
        let logger = Logger(label: "apus") { _ in SwiftLogNoOpLogHandler() }
        try await withLocalServer(model, feedback: store, configuration: machine.server, logger: logger) { address in
            machine.report("rank answers on \(address)/#ranking: \(inputs.rankings) rankings are needed")
            try await rankings.wait(for: store, report: machine.report)
        }
        return try TuneRankings.kept(in: folder)
    }

    // MARK: Gate

    /// Measures the stage's policy and publishes it if every rule holds; nil if one fails.
    private func gated(
        _ stage: TrainedStage, own: PolicyMeasurement.OwnQuestions, report: inout TuneReport
    ) async throws -> PolicyManifest.Reference? {
        let stageFolder = folder(of: stage)
        let run = try PolicyRun(folder: stageFolder)
        let measured = try await measured(run, in: stageFolder, own: own)
        let promotion = PolicyPromotion(run, folder: stageFolder, by: inputs.rules, in: inputs.library)
        let verdict = try promotion.verdict()
        verdict.lines.forEach(machine.report)
        var published: PolicyManifest.Reference?
        if verdict.passes { published = try alreadyPublished(run) ?? publish(promotion) }
        machine.report(published.map { "published \($0.name)@\($0.generation)" } ?? "not published: a rule fails")
        report.measurements.append(
            .init(stage: stage, verdict: verdict, published: published, reports: measured.ownData?.reports ?? []))
        try AtomicFile.write([UInt8](report.html().utf8), to: reportPath)
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
        measuring.questionsOfADocumentFamily = TuneSettings.questionsOfADocumentFamily
        measuring.documentControls = try documentControls(for: run.stage)
        measuring.drawing = measuring.reports.contains(where: \.asksDocuments) ? inputs.drawing : nil
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
