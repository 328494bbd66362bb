import Checkpoints
public import Datasets
import Engine
public import Evaluation
import Foundation
import Logging
public import Models
import Policies
public import Serving
import Support
public import Training

/// The measurements of a policy before it is published, one report per file.
public struct PolicyMeasurement: Sendable {
    private static let controlQuestions = 1_000
    /// Documents of each family that are asked about with a control.
    private static let controlDocuments = 50

    /// What is measured, and how thoroughly.
    public struct Settings: Sendable {
        /// The reports to measure. Those that compare are left out if there is no parent.
        public var reports: Set<PolicyReport>
        /// Generated questions of each family.
        public var questionsOfAFamily = 500
        /// Generated questions of each family of documents.
        public var questionsOfADocumentFamily = 500
        /// The controls of the questions about documents. Each takes as long as the questions themselves.
        public var documentControls = ImageControl.allCases
        /// The fonts and words of documents; nil where no report asks about them.
        public var drawing: DrawingMaterials?
        /// The user's own held-out questions; nil for none.
        public var own: OwnQuestions?
        /// Questions that are open at the same time.
        public var concurrency = 16

        /// The given reports.
        public init(reports: Set<PolicyReport>) { self.reports = reports }

        /// The reports about the project's own questions: whatever its policies are published with. Documents take
        /// fonts and an encoder that reads, so only rules ask for them.
        public static func standard(comparing: Bool) -> Set<PolicyReport> {
            Set(
                PolicyReport.allCases.filter {
                    !$0.asksOwnData && !$0.asksDocuments && (comparing || !$0.comparesWithParent)
                })
        }
    }

    /// A user's own questions and the rule by which their answers are right.
    public struct OwnQuestions: Sendable {
        /// Examples with answers, which training did not see.
        public var examples: [OwnExample]
        /// The rule.
        public var rule: AnswerRule
        /// Upper bound on the tokens of an answer.
        public var maximumTokens = 256

        /// The given questions, all of which have answers.
        public init(_ examples: [OwnExample], rule: AnswerRule) {
            precondition(examples.allSatisfy { $0.answer != nil })
            self.examples = examples
            self.rule = rule
        }

        /// The SHA-256 of everything that is asked and expected.
        var digest: String { Self.digest(of: examples) }

        /// The SHA-256 of examples, with their images.
        static func digest(of examples: [OwnExample]) -> String {
            FileDigest.sha256(of: examples.map { $0.openAILine(path: \.digest) }.joined())
        }
    }

    /// Receives the progress of a measurement.
    public struct Progress: Sendable {
        /// A line when a report begins.
        public var report: @Sendable (String) -> Void
        /// The number of answers so far, of the total.
        public var answers: @Sendable (_ done: Int, _ total: Int) -> Void

        /// Reports progress to the given functions.
        public init(
            report: @escaping @Sendable (String) -> Void,
            answers: @escaping @Sendable (_ done: Int, _ total: Int) -> Void
        ) {
            self.report = report
            self.answers = answers
        }
    }

    private let run: PolicyRun
    private let parent: String?
    private let model: ServedModel
    private let decoder: TransformerDecoder
    private let easyVQA: String
    private let settings: Settings
    private let folder: String
    private let progress: Progress

    /// A measurement of a candidate that `model` serves under the name `PolicyRole.candidate`.
    ///
    /// - Parameters:
    ///   - parent: the policy that it is compared with, if there is one.
    ///   - decoder: the decoder that the model's engine runs.
    ///   - easyVQA: the folder of easy-VQA.
    ///   - settings: what is measured.
    ///   - folder: the folder of the reports.
    public init(
        of run: PolicyRun, parent: String?, model: ServedModel, decoder: TransformerDecoder, easyVQA: String,
        settings: Settings, folder: String, progress: Progress
    ) {
        self.run = run
        self.parent = parent
        self.model = model
        self.decoder = decoder
        self.easyVQA = easyVQA
        self.settings = settings
        self.folder = folder
        self.progress = progress
    }

    /// All reports: existing ones are read from the folder, the others are measured now.
    public func reports() async throws -> PolicyReports {
        let logger = Logger(label: "apus") { _ in SwiftLogNoOpLogHandler() }
        return try await withLocalServer(model, logger: logger) { address in
            try await HTTPReplyClient.with(connections: settings.concurrency) { client in
                try await reports(from: address, by: client)
            }
        }
    }

    private func reports(from server: String, by client: HTTPReplyClient) async throws -> PolicyReports {
        var reports = PolicyReports()
        if wants(.easyVQA) { reports.easyVQA = try await easyVQAReports(server, client) }
        if wants(.families) {
            reports.families = try await familiesReport(.families, of: PolicyRole.candidate.name, server, client)
        }
        if wants(.documents) {
            reports.documents = try await documentsReports(
                .documents, of: PolicyRole.candidate.name, settings.documentControls, server, client)
        }
        if wants(.text) { reports.text = try await textReport() }
        if wants(.ownData) {
            reports.ownData = try await ownReports(
                .ownData, of: PolicyRole.candidate.name, ImageControl.allCases, server, client)
        }
        reports.comparison = try await comparison(server, client)
        return reports
    }

    private func wants(_ report: PolicyReport) -> Bool { settings.reports.contains(report) }

    private func comparison(
        _ server: String, _ client: HTTPReplyClient
    ) async throws -> PolicyReports.Comparison? {
        guard let parent, settings.reports.contains(where: \.comparesWithParent) else { return nil }
        var comparison = PolicyReports.Comparison(target: target)
        if wants(.parentFamilies) {
            comparison.parentFamilies = try await familiesReport(.parentFamilies, of: parent, server, client)
        }
        if wants(.parentDocuments) {
            comparison.parentDocuments = try await documentsReports(
                .parentDocuments, of: parent, [.none], server, client)
        }
        if wants(.parentOwnData) {
            comparison.parentOwnData = try await ownReports(.parentOwnData, of: parent, [.none], server, client)
        }
        if wants(.winRates) {
            comparison.winRates = try await winRateReports(.winRates, against: parent, server, client)
        }
        if wants(.winRatesWithDisagreement) {
            comparison.winRatesWithDisagreement = try await winRateReports(
                .winRatesWithDisagreement, against: parent, server, client
            ) { $0.hasDisagreement = true }
        }
        if wants(.divergence) { comparison.divergence = try await divergenceReport(from: parent) }
        if wants(.ownRewards) { comparison.ownRewards = try await ownRewards(against: parent, server, client) }
        return comparison
    }

    /// The KL that training aimed at, in nats per answer.
    private var target: Double? { if case .reinforced(let run) = run { run.klTarget } else { nil } }

    /// The families' questions that training asked. If it asked none of theirs, those that it asks by default.
    private var divergenceSettings: PolicyDivergence.Settings {
        if case .reinforced(let run) = run, !run.families.isEmpty {
            return .init(families: run.families, maximumTokens: run.maximumTokens)
        }
        return .init(families: PromptSettings().families, maximumTokens: PPOSettings().maximumTokens)
    }

    private func policy(_ name: String) throws -> Policy {
        guard let policy = model.policies.catalog[name] else { throw PromotionError.noPolicy(name) }
        return policy
    }

    // When inlined into async functions, both of these crash the optimiser of Swift 6.3.1 while it splits them.

    /// The report in the folder; nil if it is not measured yet, or was measured on other questions.
    @inline(never)
    private func kept<Report: Decodable>(
        _ report: PolicyReport, where isCurrent: (Report) -> Bool = { _ in true }
    ) throws -> Report? {
        let path = "\(folder)/\(report.rawValue).json"
        guard let data = FileManager.default.contents(atPath: path) else {
            progress.report("measuring \(path)")
            return nil
        }
        let kept: Report
        do { kept = try JSONDecoder().decode(Report.self, from: data) } catch {
            throw PromotionError.badReport(path: path, reason: (error as? DecodingError)?.summary ?? "\(error)")
        }
        if isCurrent(kept) { return kept }
        progress.report("measuring \(path) again, with the questions of now")
        return nil
    }

    /// Writes a report into the folder.
    @inline(never)
    private func keep<Report: Encodable>(_ report: Report, as name: PolicyReport) throws -> Report {
        try AtomicFile.write(json: report, to: "\(folder)/\(name.rawValue).json")
        return report
    }

    private func ownReports(
        _ name: PolicyReport, of policy: String, _ controls: [ImageControl], _ server: String,
        _ client: HTTPReplyClient
    ) async throws -> OwnDataMeasurement? {
        guard let own = settings.own else { return nil }
        let digest = own.digest
        let old: OwnDataMeasurement? = try kept(name) {
            $0.data == digest && $0.reports.allSatisfy { $0.rule == own.rule }
        }
        if let old { return old }
        var settings = OwnDataEvaluation.Settings(rule: own.rule)
        settings.model = policy
        settings.maximumTokens = own.maximumTokens
        settings.concurrency = self.settings.concurrency
        let evaluation = try OwnDataEvaluation(own.examples, client: client, server: server, settings: settings)
        var reports: [OwnDataReport] = []
        for control in controls {
            reports.append(try await evaluation.run(control, progress: progress.answers))
        }
        return try keep(OwnDataMeasurement(data: digest, reports: reports), as: name)
    }

    /// The reward model's preferences, with the questions that it was asked about.
    private struct KeptRewards: Codable {
        let data: String
        let report: OwnRewardReport
    }

    private func ownRewards(
        against parent: String, _ server: String, _ client: HTTPReplyClient
    ) async throws -> OwnRewardReport? {
        guard let own = settings.own else { return nil }
        let digest = own.digest
        let old: KeptRewards? = try kept(.ownRewards) { $0.data == digest }
        if let old { return old.report }
        var settings = OwnRewardEvaluation.Settings(model: PolicyRole.candidate.name, against: parent)
        settings.maximumTokens = own.maximumTokens
        settings.concurrency = self.settings.concurrency
        let evaluation = try OwnRewardEvaluation(own.examples, client: client, server: server, settings: settings)
        let report = try await evaluation.run(progress: progress.answers)
        return try keep(KeptRewards(data: digest, report: report), as: .ownRewards).report
    }

    private func easyVQAReports(_ server: String, _ client: HTTPReplyClient) async throws -> [EasyVQAReport] {
        if let kept: [EasyVQAReport] = try kept(.easyVQA) { return kept }
        let data = try EasyVQA(folder: URL(fileURLWithPath: easyVQA))
        var reports: [EasyVQAReport] = []
        for control in ImageControl.allCases {
            var settings = EasyVQAEvaluation.Settings()
            settings.model = PolicyRole.candidate.name
            settings.limit = control == .none ? nil : Self.controlQuestions
            settings.concurrency = self.settings.concurrency
            let evaluation = try EasyVQAEvaluation(data, client: client, server: server, settings: settings)
            reports.append(try await evaluation.run(control, progress: progress.answers))
        }
        return try keep(reports, as: .easyVQA)
    }

    private func familiesReport(
        _ name: PolicyReport, of policy: String, _ server: String, _ client: HTTPReplyClient
    ) async throws -> [FamiliesReport] {
        let count = self.settings.questionsOfAFamily
        let old: [FamiliesReport]? = try kept(name) { reports in
            reports.allSatisfy { $0.families.allSatisfy { $0.name == "all" || $0.right.total == count } }
        }
        if let old { return old }
        var settings = FamiliesEvaluation.Settings()
        settings.model = policy
        settings.count = count
        settings.concurrency = self.settings.concurrency
        let evaluation = try FamiliesEvaluation(client: client, server: server, settings: settings)
        return try keep([try await evaluation.run(.none, progress: progress.answers)], as: name)
    }

    private func documentsReports(
        _ name: PolicyReport, of policy: String, _ controls: [ImageControl], _ server: String,
        _ client: HTTPReplyClient
    ) async throws -> [DocumentsReport]? {
        guard let drawing = settings.drawing else { return nil }
        let count = settings.questionsOfADocumentFamily
        let old: [DocumentsReport]? = try kept(name) { reports in
            let own = reports.first { $0.control == .none }
            return controls.allSatisfy { control in reports.contains { $0.control == control } }
                && own?.families.allSatisfy { $0.name == "all" || $0.right.total == count } == true
        }
        if let old { return old }
        let studio = try DocumentStudio(fonts: drawing.fonts, words: drawing.words)
        var reports: [DocumentsReport] = []
        for control in controls {
            var settings = DocumentsEvaluation.Settings()
            settings.model = policy
            settings.count = control == .none ? count : min(count, Self.controlDocuments)
            settings.concurrency = self.settings.concurrency
            let evaluation = try DocumentsEvaluation(
                samples: settings.samples(from: studio), training: settings.trainingQuestions(from: studio),
                client: client, server: server, settings: settings)
            reports.append(try await evaluation.run(control, progress: progress.answers))
        }
        return try keep(reports, as: name)
    }

    private func winRateReports(
        _ name: PolicyReport, against parent: String, _ server: String, _ client: HTTPReplyClient,
        _ change: (inout WinRateEvaluation.Settings) -> Void = { _ in }
    ) async throws -> [WinRateReport] {
        if let kept: [WinRateReport] = try kept(name) { return kept }
        var settings = WinRateEvaluation.Settings(models: [PolicyRole.candidate.name], against: parent)
        settings.concurrency = self.settings.concurrency
        change(&settings)
        let evaluation = try WinRateEvaluation(client: client, server: server, settings: settings)
        return try keep(try await evaluation.run(progress: progress.answers), as: name)
    }

    private func textReport() async throws -> TextReport {
        if let kept: TextReport = try kept(.text) { return kept }
        let policy = try policy(PolicyRole.candidate.name)
        // Every published run has an adapter.
        guard let adapter = policy.adapter else { throw PromotionError.noPolicy(policy.name) }
        let report = try await TextReport.measured(
            of: policy, adapter: adapter, and: self.policy(PolicyRole.base.name), engine: model.engine,
            decoder: decoder, tokenizer: model.processor.tokenizer)
        return try keep(report, as: .text)
    }

    private func divergenceReport(from parent: String) async throws -> PolicyDivergence {
        if let kept: PolicyDivergence = try kept(.divergence) { return kept }
        let divergence = try await PolicyDivergence.measured(
            of: policy(PolicyRole.candidate.name), from: policy(parent),
            settings: divergenceSettings, engine: model.engine,
            decoder: decoder, tokenizer: model.processor.tokenizer)
        return try keep(divergence, as: .divergence)
    }
}
