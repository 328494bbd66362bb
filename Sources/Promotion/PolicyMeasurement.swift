import Checkpoints
import Datasets
import Engine
import Evaluation
import Foundation
import Logging
public import Models
import Policies
public import Serving
import Training

/// All measurements of a policy before it is published, one report per file.
public struct PolicyMeasurement: Sendable {
    private static let controlQuestions = 1_000
    private static let questionsOfAFamily = 500

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
    private let concurrency: Int
    private let folder: String
    private let progress: Progress

    /// A measurement of a candidate that `model` serves under the name `PolicyRole.candidate`.
    ///
    /// - Parameters:
    ///   - parent: the policy that it is compared with, if there is one.
    ///   - decoder: the decoder that the model's engine runs.
    ///   - easyVQA: the folder of easy-VQA.
    ///   - concurrency: questions that are open at the same time.
    ///   - folder: the folder of the reports.
    public init(
        of run: PolicyRun, parent: String?, model: ServedModel, decoder: TransformerDecoder, easyVQA: String,
        concurrency: Int, folder: String, progress: Progress
    ) {
        self.run = run
        self.parent = parent
        self.model = model
        self.decoder = decoder
        self.easyVQA = easyVQA
        self.concurrency = concurrency
        self.folder = folder
        self.progress = progress
    }

    /// All reports: existing ones are read from the folder, the others are measured now.
    public func reports() async throws -> PolicyReports {
        let logger = Logger(label: "apus") { _ in SwiftLogNoOpLogHandler() }
        return try await withLocalServer(model, logger: logger) { address in
            try await HTTPReplyClient.with(connections: concurrency) { client in
                try await reports(from: address, by: client)
            }
        }
    }

    private func reports(from server: String, by client: HTTPReplyClient) async throws -> PolicyReports {
        let official = try await easyVQAReports(server, client)
        let families = try await familiesReport("families", of: PolicyRole.candidate.name, server, client)
        let text = try await textReport()
        let comparison = try await comparison(server, client)
        return PolicyReports(easyVQA: official, families: families, text: text, comparison: comparison)
    }

    private func comparison(
        _ server: String, _ client: HTTPReplyClient
    ) async throws -> PolicyReports.Comparison? {
        guard let parent else { return nil }
        let families = try await familiesReport("parent-families", of: parent, server, client)
        let winRates = try await winRateReports("winrate", against: parent, server, client)
        let withDisagreement = try await winRateReports("winrate-contested", against: parent, server, client) {
            $0.hasDisagreement = true
        }
        let divergence = try await divergenceReport(from: parent)
        return .init(
            parentFamilies: families, winRates: winRates, winRatesWithDisagreement: withDisagreement,
            divergence: divergence, target: target)
    }

    /// The KL that training aimed at, in nats per answer.
    private var target: Double? { if case .reinforced(let run) = run { run.klTarget } else { nil } }

    /// The questions that training asked, or would have asked.
    private var divergenceSettings: PolicyDivergence.Settings {
        if case .reinforced(let run) = run {
            return .init(families: run.families, maximumTokens: run.maximumTokens)
        }
        return .init(families: PromptSettings().families, maximumTokens: PPOSettings().maximumTokens)
    }

    private func policy(_ name: String) throws -> Policy {
        guard let policy = model.policies.catalog[name] else { throw PromotionError.noPolicy(name) }
        return policy
    }

    // When inlined into async functions, both of these crash the optimiser of Swift 6.3.1 while it splits them.

    /// The report with that name in the folder; nil if it is not measured yet.
    @inline(never)
    private func kept<Report: Decodable>(_ name: String) throws -> Report? {
        let path = "\(folder)/\(name).json"
        guard let data = FileManager.default.contents(atPath: path) else {
            progress.report("measuring \(path)")
            return nil
        }
        do { return try JSONDecoder().decode(Report.self, from: data) } catch {
            throw PromotionError.badReport(path: path, reason: "\(error)")
        }
    }

    /// Writes a report into the folder.
    @inline(never)
    private func keep<Report: Encodable>(_ report: Report, as name: String) throws -> Report {
        try AtomicFile.write(json: report, to: "\(folder)/\(name).json")
        return report
    }

    private func easyVQAReports(_ server: String, _ client: HTTPReplyClient) async throws -> [EasyVQAReport] {
        if let kept: [EasyVQAReport] = try kept("easy-vqa") { return kept }
        let data = try EasyVQA(folder: URL(fileURLWithPath: easyVQA))
        var reports: [EasyVQAReport] = []
        for control in ImageControl.allCases {
            var settings = EasyVQAEvaluation.Settings()
            settings.model = PolicyRole.candidate.name
            settings.limit = control == .none ? nil : Self.controlQuestions
            settings.concurrency = concurrency
            let evaluation = try EasyVQAEvaluation(data, client: client, server: server, settings: settings)
            reports.append(try await evaluation.run(control, progress: progress.answers))
        }
        return try keep(reports, as: "easy-vqa")
    }

    private func familiesReport(
        _ name: String, of policy: String, _ server: String, _ client: HTTPReplyClient
    ) async throws -> [FamiliesReport] {
        if let kept: [FamiliesReport] = try kept(name) { return kept }
        var settings = FamiliesEvaluation.Settings()
        settings.model = policy
        settings.count = Self.questionsOfAFamily
        settings.concurrency = concurrency
        let evaluation = try FamiliesEvaluation(client: client, server: server, settings: settings)
        return try keep([try await evaluation.run(.none, progress: progress.answers)], as: name)
    }

    private func winRateReports(
        _ name: String, against parent: String, _ server: String, _ client: HTTPReplyClient,
        _ change: (inout WinRateEvaluation.Settings) -> Void = { _ in }
    ) async throws -> [WinRateReport] {
        if let kept: [WinRateReport] = try kept(name) { return kept }
        var settings = WinRateEvaluation.Settings(model: PolicyRole.candidate.name, against: parent)
        settings.concurrency = concurrency
        change(&settings)
        let evaluation = try WinRateEvaluation(client: client, server: server, settings: settings)
        return try keep(try await evaluation.run(progress: progress.answers), as: name)
    }

    private func textReport() async throws -> TextReport {
        if let kept: TextReport = try kept("text") { return kept }
        let policy = try policy(PolicyRole.candidate.name)
        // Every published run has an adapter.
        guard let adapter = policy.adapter else { throw PromotionError.noPolicy(policy.name) }
        let report = try await TextReport.measured(
            of: policy, adapter: adapter, and: self.policy(PolicyRole.base.name), engine: model.engine,
            decoder: decoder, tokenizer: model.processor.tokenizer)
        return try keep(report, as: "text")
    }

    private func divergenceReport(from parent: String) async throws -> PolicyDivergence {
        if let kept: PolicyDivergence = try kept("divergence") { return kept }
        let divergence = try await PolicyDivergence.measured(
            of: policy(PolicyRole.candidate.name), from: policy(parent),
            settings: divergenceSettings, engine: model.engine,
            decoder: decoder, tokenizer: model.processor.tokenizer)
        return try keep(divergence, as: "divergence")
    }
}
