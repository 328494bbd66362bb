import Datasets
import Evaluation
import Foundation
import Images
import Testing

@Suite struct RewardModelEvaluationTests {
    private func verdict(_ share: Double, needless: Int = 0) -> Verdict {
        Verdict(share: share, absentThings: [], obeysForm: true, endsProperly: true, needlessWords: needless)
    }

    private func prompt(_ answers: [(text: String, share: Double, reward: Double)]) -> ScoredPrompt {
        ScoredPrompt(
            family: .counts, seed: 1, question: "How many stars are there?",
            answers: answers.map {
                .init(text: $0.text, verdict: verdict($0.share), reward: $0.reward, blind: -$0.reward)
            })
    }

    @Test func bestOfIsTheMeanOverAllDraws() {
        let rewards = [0.3, -1, 2, 0.1, 0.7, -0.2, 1.1, 0.9]
        let shares: [Double] = [0, 0, 1, 1, 0, 1, 0, 1]
        let answers = rewards.indices.map { ("answer \($0)", shares[$0], rewards[$0]) }
        let curve = OptimizationCurve(bestOf: [prompt(answers)])
        #expect(curve.points.map(\.step) == [1, 2, 4, 8])
        let mean = rewards.reduce(0, +) / 8
        for point in curve.points {
            let draws = (0..<256).filter { $0.nonzeroBitCount == point.step }.map { draw in
                rewards.indices.filter { draw >> $0 & 1 == 1 }.max { rewards[$0] < rewards[$1] } ?? 0
            }
            let reward = draws.reduce(0) { $0 + rewards[$1] } / Double(draws.count) - mean
            let gold = draws.reduce(0) { $0 + shares[$1] } / Double(draws.count) - 0.5
            #expect(abs(point.reward - reward) < 1e-12 && abs(point.gold - gold) < 1e-12, "\(point)")
        }
        #expect(abs(curve.points[3].divergence - (log(8) - 7.0 / 8)) < 1e-12)
    }

    @Test func theFitFindsTheLawsOfThePaper() throws {
        func points(_ law: (Double) -> Double) -> [OptimizationCurve.Point] {
            [0, 0.5, 1, 2, 3].map { .init(step: 0, divergence: $0 * $0, reward: 0, gold: $0 == 0 ? 0 : law($0)) }
        }
        let best = try #require(OptimizationCurve(.bestOf, points { $0 * (0.8 - 0.1 * $0) }).fit)
        #expect(abs(best.alpha - 0.8) < 1e-12 && abs(best.beta - 0.1) < 1e-12)
        let ppo = try #require(OptimizationCurve(.ppo, points { $0 * (0.5 - 0.2 * log($0)) }).fit)
        #expect(abs(ppo.alpha - 0.5) < 1e-12 && abs(ppo.beta - 0.2) < 1e-12)
        #expect(OptimizationCurve(.ppo, []).fit == nil)
    }

    @Test func pairsAreThoseThatTheJudgeTellsApart() {
        let report = RewardModelReport(
            policy: .scripted("sft"), seed: 0,
            prompts: [
                prompt([("3", 1, 1), ("4", 0, 0), ("4", 0, 0), ("5", 0, 2)]), prompt([("2", 1, 1), ("2", 1, 1)]),
            ])
        // "3" over "4" and over "5"; equal texts and equal scores make no pair.
        #expect(report.overall.pairs == 2 && report.overall.share == 0.5)
        #expect(report.correctness.pairs == 2 && report.correctnessBlind.share == 0.5)
        #expect(report.families.keys.sorted() == ["counts"])
        #expect(report.table.contains("50.0 %"), "\(report.table)")
    }

    @Test func answersToOtherImagesAreNotChosenFrom() {
        let answers: [ScoredPrompt.Answer] = [
            .init(text: "3", verdict: verdict(1), reward: 1, blind: 0),
            .init(text: "4", verdict: verdict(0), reward: 2, blind: 0),
            .init(text: "5", isDistractor: true, verdict: verdict(0), reward: 0, blind: 0),
        ]
        let report = RewardModelReport(
            policy: .scripted("sft"), seed: 0,
            prompts: [.init(family: .counts, seed: 1, question: "How many?", answers: answers)])
        #expect(report.overall.pairs == 2 && report.overall.share == 0.5)
        #expect(report.own.pairs == 1 && report.own.share == 0)
        #expect(report.bestOf.points.map(\.step) == [1, 2] && abs(report.bestOf.points[1].gold + 0.5) < 1e-12)
    }

    @Test func styleIsNoPartOfCorrectness() {
        let answers: [ScoredPrompt.Answer] = [
            .init(text: "3", verdict: verdict(1), reward: 1, blind: 0),
            .init(text: "4 or so", verdict: verdict(0, needless: 2), reward: 0, blind: 1),
        ]
        let report = RewardModelReport(
            policy: .scripted("sft"), seed: 0,
            prompts: [.init(family: .counts, seed: 1, question: "How many?", answers: answers)])
        #expect(report.overall.pairs == 1 && report.overall.share == 1 && report.correctness.pairs == 0)
    }

    @Test func judgesValidationsOfAPPORun() {
        let image = Family.counts.image(seed: SeedSplit.validation.seed(at: 3))
        let question = image.questions[0]
        func validation(_ iteration: Int, _ text: String, reward: Double, divergence: Double) -> (Int, [HeldOutAnswer])
        {
            let reference = PreferenceImage.generated(family: .counts, seed: SeedSplit.validation.seed(at: 3))
            let answer = HeldOutAnswer(
                image: reference, question: question.text, text: text, ended: true, reward: reward,
                divergence: divergence)
            return (iteration, [answer])
        }
        let curve = OptimizationCurve(ppo: [
            validation(0, "I do not know", reward: -1, divergence: 0),
            validation(5, question.answer, reward: 0.5, divergence: 0.25),
        ])
        #expect(curve.points.map(\.step) == [0, 5] && curve.points[1].distance == 0.5)
        #expect(curve.points[1].reward == 1.5 && curve.points[1].gold >= 0.9, "\(curve.points)")
    }

    /// A server whose answers depend on the image, and whose reward is the answer's length.
    private struct Server: ReplyClient {
        private struct Body: Decodable {
            let question: String
            let images: [String]
            let answers: [String]?
        }

        func post(_ json: [UInt8], to url: String) async throws -> Reply {
            let body = try JSONDecoder().decode(Body.self, from: Data(json))
            let image = body.images[0].utf8.reduce(0) { ($0 * 31 + Int($1)) % 9_973 }
            guard let answers = body.answers else { return try .answer("\(image)") }
            let rewards = answers.map { #"{"index":0,"tokens":2,"reward":\#($0.count)}"# }.joined(separator: ",")
            return Reply(status: 200, body: [UInt8](#"{"data":[\#(rewards)]}"#.utf8))
        }

        func get(_ url: String) async throws -> Reply {
            Reply(status: 200, body: [UInt8](try JSONEncoder().encode(EvaluatedPolicy.scripted("sft"))))
        }
    }

    @Test func scoresEachAnswerWithAndWithoutItsImage() async throws {
        var settings = RewardModelEvaluation.Settings()
        settings.answers = 4
        settings.distractorAnswers = 2
        let samples = FamilySample.draw(.counts, count: 3, draw: 0)
        let report = try await RewardModelEvaluation(
            samples: samples, client: Server(), server: "http://localhost:1", settings: settings, wait: { _ in }
        ).run()
        #expect(report.prompts.map(\.seed) == samples.map(\.seed))
        for (prompt, next) in zip(report.prompts, report.prompts[1...] + report.prompts[..<1]) {
            let (own, distractor) = (prompt.answers[0].text, next.answers[0].text)
            #expect(own != distractor)
            #expect(prompt.answers.map(\.text) == [own, own, own, own, distractor, distractor])
            #expect(prompt.answers.map(\.isDistractor) == [false, false, false, false, true, true])
            #expect(prompt.answers.allSatisfy { $0.reward == Double($0.text.count) && $0.blind == $0.reward })
        }
        #expect(report.bestOf.points.map(\.step) == [1, 2, 4])
    }
}
