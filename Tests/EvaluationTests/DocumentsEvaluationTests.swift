import Datasets
import Evaluation
import Testing

@Suite struct DocumentsEvaluationTests {
    private static let settings: DocumentsEvaluation.Settings = {
        var settings = DocumentsEvaluation.Settings()
        settings.concurrency = 3
        settings.count = 6
        settings.families = [.words, .bars, .unreadable]
        return settings
    }()

    private func samples() throws -> [DocumentSample] {
        let studio = try DocumentJudgeTests.studio()
        return Self.settings.families.flatMap { DocumentSample.draw($0, count: 6, draw: 0, from: studio) }
    }

    private func report(
        _ samples: [DocumentSample], _ client: ScriptedClient, _ control: ImageControl = .none
    ) async throws -> DocumentsReport {
        try await DocumentsEvaluation(
            samples: samples, client: client, server: "http://localhost:1", settings: Self.settings, wait: { _ in }
        ).run(control)
    }

    @Test func demonstrationsAreAllRight() async throws {
        let samples = try samples()
        let answers = Dictionary(samples.map { ($0.png, $0.question.answer) }) { first, _ in first }
        let client = ScriptedClient { request, _ in try .answer(answers[request.image] ?? "") }
        let report = try await report(samples, client)
        let all = try #require(report.families.first)
        #expect(all.name == "all" && all.right == Proportion(18, of: 18) && all.characterErrorRate == 0)
        #expect(all.inventing.count == 0 && all.refusing.count == 0 && report.mistakes.isEmpty)
        #expect(report.families.map(\.name) == ["all", "words", "bars", "unreadable"])
        #expect(report.heldOut.reduce(0) { $0 + $1.right.total } == 36)
        #expect(DocumentsReport.table([report]).contains("wrong characters"))
    }

    @Test func refusalsAreRightOnlyWhereNothingCanBeRead() async throws {
        let client = ScriptedClient { _, _ in try .answer("I cannot read it. The text is too blurred.") }
        let report = try await report(samples(), client)
        let rows = Dictionary(uniqueKeysWithValues: report.families.map { ($0.name, $0) })
        #expect(rows["unreadable"]?.right == Proportion(6, of: 6) && rows["unreadable"]?.refusing.count == 0)
        #expect(rows["words"]?.right.count == 0)
        #expect((rows["words"]?.refusing.count ?? 0) >= 4 && (rows["bars"]?.refusing.count ?? 0) >= 4)
    }

    @Test func inventedTextIsCounted() async throws {
        let client = ScriptedClient { _, _ in try .answer("It says “Banana bread for everyone”.") }
        let report = try await report(samples(), client)
        let rows = Dictionary(uniqueKeysWithValues: report.families.map { ($0.name, $0) })
        #expect(rows["unreadable"]?.inventing == Proportion(6, of: 6))
        #expect(rows["unreadable"]?.right.count == 0)
    }

    @Test func controlsShowOtherImages() async throws {
        let samples = try samples()
        let client = ScriptedClient { _, _ in try .answer("no") }
        _ = try await report(samples, client, .blank)
        #expect(client.requests.allSatisfy { request in !samples.contains { $0.png == request.image } })
        let swapping = ScriptedClient { _, _ in try .answer("no") }
        _ = try await report(samples, swapping, .swapped)
        #expect(swapping.requests.allSatisfy { request in samples.contains { $0.png == request.image } })
        #expect(
            swapping.requests.allSatisfy { request in
                samples.contains { $0.question.text == request.question && $0.png != request.image }
            })
    }

    @Test func drawsAreRepeatedAndApart() throws {
        let studio = try DocumentJudgeTests.studio()
        let one = DocumentSample.draw(.lines, count: 5, draw: 3, from: studio)
        let again = DocumentSample.draw(.lines, count: 5, draw: 3, from: studio)
        let other = DocumentSample.draw(.lines, count: 5, draw: 4, from: studio)
        #expect(one.map(\.png) == again.map(\.png) && one.map(\.question) == again.map(\.question))
        #expect(Set(one.map(\.seed)).isDisjoint(with: other.map(\.seed)))
        #expect(one.allSatisfy { SeedSplit(of: $0.seed) == .test })
    }
}
