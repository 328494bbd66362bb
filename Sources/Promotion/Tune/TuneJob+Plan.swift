import Datasets
import Evaluation
import Foundation
import Serving
import Synchronization
import Training

/// What is checked and measured before a tuning run begins.
extension TuneJob {
    // MARK: Checks

    /// Rules that no measurement of this run can meet fail before anything takes long.
    func checkRules(_ start: SeeingPolicy) throws {
        let stages: [TrainedStage] = inputs.rankings > 0 ? [.sft, .dpo] : [.sft]
        for rule in try stages.flatMap({ try inputs.rules.gate(for: $0).rules }) {
            let reports = PolicyMetric.reports(for: rule.metric) ?? []
            if inputs.easyVQA == nil, reports.contains(.easyVQA) { throw TuneError.needsEasyVQA(metric: rule.metric) }
            if !start.readsText, reports.contains(where: \.asksDocuments) {
                throw TuneError.asksDocuments(metric: rule.metric, start: inputs.start)
            }
        }
    }

    /// What ranking needs once the policy is tuned: enough questions, a data folder that no server uses, a free port.
    func checkRanking(_ examples: [OwnExample]) async throws {
        let found = try TuneRankings.kept(in: folder).count
        guard inputs.rankings > found else { return }
        _ = try TuneRankings.prompts(in: examples, wanted: inputs.rankings)
        if found > 0, try RunFolder.hasBegun(in: folder(of: .dpo)) {
            throw TuneError.begun(rankings: inputs.rankings, found: found)
        }
        _ = try DataLock(folder: inputs.dataFolder)
        try await machine.server.checkPort()
    }

    // MARK: Plan

    var planPath: String { "\(folder)/plan.json" }

    /// The plan that an earlier call kept, or else a new one, with the number of answers that today's rules need.
    func plan(
        _ split: OwnDataSplit, start: SeeingPolicy, own: PolicyMeasurement.OwnQuestions
    ) throws -> TunePlan {
        let answers = try answers(to: own)
        let others = try inputs.rules.gate(for: .sft).reports.subtracting(Self.planned).map(\.rawValue).sorted()
        if var plan = try TunePlan(path: planPath) {
            (plan.answers, plan.documentAnswers, plan.others) = (answers.all, answers.ofDocuments, others)
            return plan
        }
        machine.report("timing two steps of fine-tuning")
        let seconds = try secondsPerStep(start: start)
        var steps = settings.steps(images: Set(split.training.flatMap { $0.images.map(\.digest) }).count)
        if let minutes = settings.minutes {
            steps = max(TuneSettings.minimumSteps, Int(min(Double(steps), minutes * 60 / max(seconds, 1e-6))))
        }
        return TunePlan(
            training: split.training.count, heldOut: split.heldOut.count, steps: steps, secondsPerStep: seconds,
            answers: answers.all, documentAnswers: answers.ofDocuments, others: others)
    }

    /// The reports whose answers a plan counts.
    private static let planned: Set<PolicyReport> = [
        .ownData, .parentOwnData, .families, .parentFamilies, .documents, .parentDocuments,
    ]

    /// The number of answers to own and generated questions that the measurement after fine-tuning asks for.
    private func answers(
        to own: PolicyMeasurement.OwnQuestions
    ) throws -> (all: Int, ofDocuments: Int) {
        let reports = try inputs.rules.gate(for: .sft).reports
        let families = reports.intersection([.families, .parentFamilies]).count
        let rounds = ImageControl.allCases.count + (reports.contains(.parentOwnData) ? 1 : 0)
        var documentRounds = reports.contains(.parentDocuments) ? 1 : 0
        if reports.contains(.documents) { documentRounds += try documentControls(for: .sft).count }
        let ofDocuments = documentRounds * DocumentFamily.allCases.count * TuneSettings.questionsOfADocumentFamily
        let others = rounds * own.examples.count + families * Family.allCases.count * settings.questionsOfAFamily
        return (others + ofDocuments, ofDocuments)
    }

    /// The controls of the questions about documents that the rules of a stage need.
    func documentControls(for stage: TrainedStage) throws -> [ImageControl] {
        let metrics = try inputs.rules.gate(for: stage).rules.map(\.metric)
        return ImageControl.allCases.filter { $0 == .none || metrics.contains("documents_\($0.rawValue)") }
    }

    /// The mean time of two steps after the first one, in a folder that is deleted again.
    private func secondsPerStep(start: SeeingPolicy) throws -> Double {
        let probe = "\(folder)/probe"
        if FileManager.default.fileExists(atPath: probe) { try FileManager.default.removeItem(atPath: probe) }
        defer { try? FileManager.default.removeItem(atPath: probe) }
        let clock = ContinuousClock()
        let times = Mutex<[ContinuousClock.Instant]>([])
        var options = TrainingRun<SupervisedFineTuning>.Options(validationInterval: 0)
        options.stepped = { _ in times.withLock { $0.append(clock.now) } }
        _ = try fineTuning(start: start, steps: 3, in: probe).run(
            precision: machine.precision, compute: machine.compute, options: options
        ) { _ in }
        let ends = times.withLock { $0 }
        return (ends[ends.count - 1] - ends[0]) / .seconds(1) / Double(ends.count - 1)
    }
}
