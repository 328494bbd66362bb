import ArgumentParser
import Datasets
import Engine
import Evaluation
import Foundation
import Logging
import Policies
import Serving
import Training

/// Everything that is measured of a policy before it is published, one report a file.
struct PolicyMeasurement: Sendable {
    private static let controlQuestions = 1_000
    private static let questionsOfAFamily = 500

    let run: PolicyRun
    /// What the policy is compared with.
    let parent: String?
    let model: LoadedModel
    let easyVQA: String
    let concurrency: Int
    let folder: String

    /// All reports: those that are there, and the others measured now.
    func reports() async throws -> PolicyReports {
        let logger = Logger(label: "apus") { _ in SwiftLogNoOpLogHandler() }
        return try await withLocalServer(model.served, logger: logger) { address in
            try await HTTPReplyClient.with(connections: concurrency) { client in
                try await reports(from: address, by: client)
            }
        }
    }

    private func reports(from server: String, by client: HTTPReplyClient) async throws -> PolicyReports {
        let official = try await easyVQAReports(server, client)
        let families = try await familiesReport("families", of: ReleaseCandidate.name, server, client)
        let text = try await textReport()
        let comparison = try await comparison(server, client)
        return PolicyReports(easyVQA: official, families: families, text: text, comparison: comparison)
    }

    private func comparison(
        _ server: String, _ client: HTTPReplyClient
    ) async throws -> PolicyReports.Comparison? {
        guard case .reinforced(let run) = run, let parent else { return nil }
        let families = try await familiesReport("parent-families", of: parent, server, client)
        let winRates = try await winRateReports("winrate", against: parent, server, client)
        let withDisagreement = try await winRateReports("winrate-contested", against: parent, server, client) {
            $0.hasDisagreement = true
        }
        let divergence = try await divergenceReport(of: run, from: parent)
        return .init(
            parentFamilies: families, winRates: winRates, winRatesWithDisagreement: withDisagreement,
            divergence: divergence,
            target: run.klTarget)
    }

    private func policy(_ name: String) throws -> Policy {
        guard let policy = model.catalog[name] else { throw ValidationError("there is no policy \(name)") }
        return policy
    }

    // Inlined into functions that wait, both of these crash the optimiser of Swift 6.3.1 while it splits them.

    /// The report of that name in the folder; nil if it is still to be measured.
    @inline(never)
    private func kept<Report: Decodable>(_ name: String) throws -> Report? {
        let path = "\(folder)/\(name).json"
        guard let data = FileManager.default.contents(atPath: path) else {
            say("measuring \(path)")
            return nil
        }
        do { return try JSONDecoder().decode(Report.self, from: data) } catch {
            throw ValidationError("\(path) is not such a report: \(error); delete it to measure again")
        }
    }

    /// Writes a report into the folder.
    @inline(never)
    private func keep<Report: Encodable>(_ report: Report, as name: String) throws -> Report {
        try writeJSON(report, to: "\(folder)/\(name).json")
        return report
    }

    private func easyVQAReports(_ server: String, _ client: HTTPReplyClient) async throws -> [EasyVQAReport] {
        if let kept: [EasyVQAReport] = try kept("easy-vqa") { return kept }
        let data = try EasyVQA(folder: URL(fileURLWithPath: easyVQA))
        var reports: [EasyVQAReport] = []
        for control in ImageControl.allCases {
            var settings = EasyVQAEvaluation.Settings()
            settings.model = ReleaseCandidate.name
            settings.limit = control == .none ? nil : Self.controlQuestions
            settings.concurrency = concurrency
            let evaluation = try EasyVQAEvaluation(data, client: client, server: server, settings: settings)
            reports.append(try await evaluation.run(control, progress: ServerOptions.tell))
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
        return try keep([try await evaluation.run(.none, progress: ServerOptions.tell)], as: name)
    }

    private func winRateReports(
        _ name: String, against parent: String, _ server: String, _ client: HTTPReplyClient,
        _ change: (inout WinRateEvaluation.Settings) -> Void = { _ in }
    ) async throws -> [WinRateReport] {
        if let kept: [WinRateReport] = try kept(name) { return kept }
        var settings = WinRateEvaluation.Settings(model: ReleaseCandidate.name, against: parent)
        settings.concurrency = concurrency
        change(&settings)
        let evaluation = try WinRateEvaluation(client: client, server: server, settings: settings)
        return try keep(try await evaluation.run(progress: ServerOptions.tell), as: name)
    }

    private func textReport() async throws -> TextReport {
        if let kept: TextReport = try kept("text") { return kept }
        let policy = try policy(ReleaseCandidate.name)
        guard let adapter = policy.adapter else { throw ValidationError("the candidate has no adapter") }
        return try keep(try await TextReport(policy, adapter: adapter, model: model), as: "text")
    }

    private func divergenceReport(of run: FinishedPPO, from parent: String) async throws -> PolicyDivergence {
        if let kept: PolicyDivergence = try kept("divergence") { return kept }
        let divergence = try await PolicyDivergence.measured(
            of: policy(ReleaseCandidate.name), from: policy(parent),
            settings: .init(families: run.families, maximumTokens: run.maximumTokens), engine: model.engine,
            decoder: model.decoder, tokenizer: model.tokenizer)
        return try keep(divergence, as: "divergence")
    }
}
