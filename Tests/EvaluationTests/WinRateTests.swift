import Datasets
import Evaluation
import Images
import Testing

@Suite struct WinRateTests {
    /// Wilson's formula computed in Python.
    @Test(arguments: [
        (1_100, 0, 900, 0.55, 0.528_121_6, 0.571_686_7), (0, 2_000, 0, 0.5, 0.478_108_0, 0.521_892_0),
        (900, 400, 700, 0.55, 0.528_121_6, 0.571_686_7), (3, 0, 0, 1.0, 0.438_503_0, 1.0),
    ])
    func matchesKnownIntervals(wins: Int, ties: Int, losses: Int, rate: Double, low: Double, high: Double) {
        let found = WinRate(wins: wins, ties: ties, losses: losses)
        #expect(abs(found.rate - rate) < 1e-9, "\(found)")
        #expect(abs(found.low - low) < 1e-6 && abs(found.high - high) < 1e-6, "\(found)")
    }

    @Test func saysNothingOfNothing() {
        let none = WinRate(wins: 0, ties: 0, losses: 0)
        #expect(none.rate == 0.5 && none.low == 0 && none.high == 1 && none.tieShare == 0)
    }

    @Test func bothSidesTogetherMakeOne() {
        for wins in 0..<12 {
            for ties in 0..<12 {
                let (one, other) = (
                    WinRate(wins: wins, ties: ties, losses: 5), WinRate(wins: 5, ties: ties, losses: wins)
                )
                #expect(abs(one.rate + other.rate - 1) < 1e-12 && abs(one.low + other.high - 1) < 1e-12)
            }
        }
    }

    private let samples: [FamilySample] = (0..<8).map { index in
        let image = RGBImage(width: 64, height: 64, red: UInt8(index), green: 0, blue: 0)
        let star = SceneObject(
            kind: .shape(.star), colour: .red, isLarge: nil, box: .init(x: 4, y: 4, width: 10, height: 10))
        let question = FamilyQuestion(
            family: index < 6 ? .descriptions : .attributes, text: "Describe picture \(index).",
            answer: "There is a red star.", form: .description, truth: .description)
        return FamilySample(
            seed: UInt64(index), question: question,
            scene: Scene(image: image, objects: [star], mask: [UInt8](repeating: 0, count: 64 * 64)))
    }

    private func evaluation(_ client: ScriptedClient, models: [String] = ["ppo"]) throws -> WinRateEvaluation {
        var settings = WinRateEvaluation.Settings(models: models, against: "sft")
        settings.concurrency = 2
        return try WinRateEvaluation(
            samples: { [samples] _ in samples }, client: client, server: "http://localhost:1", settings: settings,
            wait: { _ in })
    }

    @Test func countsWhomTheJudgePrefers() async throws {
        // The policy wins four of the eight, ties two and loses two; the other one always gives the same answer.
        let client = ScriptedClient { request, _ in
            guard request.model == "ppo" else {
                return try .answer(request.question.contains("0") ? "A green ring." : "There is a star.")
            }
            switch request.question.split(separator: " ").last {
            case "0.", "1.", "2.", "6.": return try .answer("There is a red star.")
            case "3.", "4.": return try .answer("There is a star.")
            default: return try .answer("There is a dog.")
            }
        }
        let reports = try await evaluation(client).run()
        #expect(reports.map(\.policy) == [.scripted("ppo"), .scripted("sft")])
        #expect(reports.map(\.reference) == [.scripted("sft"), .scripted("sft")])
        #expect(reports[0].overall == WinRate(wins: 4, ties: 2, losses: 2))
        #expect(reports[0].families["descriptions"] == WinRate(wins: 3, ties: 2, losses: 1))
        #expect(reports[0].families["attributes"] == WinRate(wins: 1, ties: 0, losses: 1))
        #expect(reports[1].overall == WinRate(wins: 0, ties: 8, losses: 0))
        #expect(reports[0].pairs.count == 8 && reports[0].meanScore > reports[0].meanScoreAgainst - 1)
        let table = WinRateReport.table(reports)
        #expect(table.contains("ppo against sft") && table.contains("sft against itself"), "\(table)")
        #expect(table.contains("62.5 %") && table.contains("50.0 %"), "\(table)")
    }

    @Test func comparesEachPolicyWithTheReference() async throws {
        let client = ScriptedClient { request, _ in
            switch request.model {
            case "ppo": try .answer("There is a red star.")
            case "dpo": try .answer("There is a green ring.")
            default: try .answer("There is a star.")
            }
        }
        let reports = try await evaluation(client, models: ["ppo", "dpo"]).run()
        #expect(reports.map(\.policy) == [.scripted("ppo"), .scripted("dpo"), .scripted("sft")])
        #expect(reports.map(\.reference) == [.scripted("sft"), .scripted("sft"), .scripted("sft")])
        #expect(reports[0].overall.wins == 8 && reports[1].overall.losses == 8 && reports[2].overall.ties == 8)
        #expect(client.requests.count == 32 && Set(client.requests.compactMap(\.seed)).count == 32)
    }

    @Test func everyAnswerHasItsOwnSeed() async throws {
        let client = ScriptedClient { _, _ in try .answer("There is a star.") }
        _ = try await evaluation(client).run()
        #expect(client.requests.count == 24)
        #expect(Set(client.requests.compactMap(\.seed)).count == 24)
        #expect(client.requests.allSatisfy { $0.temperature == 1 })
        #expect(client.requests.count { $0.model == "ppo" } == 8 && client.requests.count { $0.model == "sft" } == 16)
    }

    @Test func asksWhatTheOtherIsNotSureOf() async throws {
        // In every batch of eight questions, the second policy is unsure about two.
        let client = ScriptedClient { request, _ in
            let isSure = !request.question.contains("1") && !request.question.contains("6")
            let isLucky = (request.seed ?? 0).isMultiple(of: 3)
            return try .answer(request.model == "ppo" || isSure || isLucky ? "There is a red star." : "There is a dog.")
        }
        var settings = WinRateEvaluation.Settings(models: ["ppo"], against: "sft")
        settings.count = 10
        settings.hasDisagreement = true
        settings.concurrency = 2
        let evaluation = try WinRateEvaluation(
            samples: { [samples] batch in batch < 9 ? samples : [] }, client: client, server: "http://localhost:1",
            settings: settings, wait: { _ in })
        let report = try #require(try await evaluation.run().first)
        #expect(report.pairs.count == 10)
        #expect(report.pairs.allSatisfy { $0.question.contains("1") || $0.question.contains("6") })
        #expect(report.overall.wins + report.overall.ties == 10 && report.overall.wins > 0)
        let searched = try #require(report.searched)
        #expect(searched > 32 && searched <= 72)
        #expect(WinRateReport.table([report]).contains("the contested ones of \(searched) questions"))
    }

    /// A judge that sees no difference between a policy and itself: two samples of one distribution win equally often.
    @Test func findsNoWinnerBetweenEquals() async throws {
        let client = ScriptedClient { request, _ in
            let isLucky = (request.seed ?? 0).isMultiple(of: 2)
            return try .answer(isLucky ? "There is a red star." : "There is a red ring.")
        }
        var settings = WinRateEvaluation.Settings(models: ["sft"], against: "sft")
        settings.concurrency = 8
        let many = (0..<50).flatMap { _ in samples }
        let evaluation = try WinRateEvaluation(
            samples: { _ in many }, client: client, server: "http://localhost:1", settings: settings, wait: { _ in })
        for report in try await evaluation.run() {
            #expect(report.overall.low < 0.5 && report.overall.high > 0.5, "\(report.overall)")
            #expect(report.overall.ties < 300)
        }
    }
}
