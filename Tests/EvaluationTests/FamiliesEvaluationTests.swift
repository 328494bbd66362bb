import Datasets
import Evaluation
import Images
import Testing

/// Seven questions, each about its own image: three about counts, two about absent things, two about colours.
private struct Sheet {
    let samples: [FamilySample]

    init() {
        let counts = (1...3).map { number in
            FamilyQuestion(
                family: .counts, text: "How many stars \(number)?", answer: "\(number)", form: .short,
                truth: .count(number))
        }
        let absent = ["ring", "cross"].map { thing in
            FamilyQuestion(
                family: .absence, text: "What color is the \(thing)?", answer: "There is no \(thing).",
                form: .sentence, truth: .absent(thing: thing))
        }
        let colours = ["red", "blue"].map { colour in
            FamilyQuestion(
                family: .attributes, text: "What color is the \(colour == "red" ? "star" : "circle")?",
                answer: colour, form: .short, truth: .words(right: [colour], wrong: ["green"]))
        }
        samples = (counts + absent + colours).enumerated().map { index, question in
            FamilySample(seed: UInt64(index), question: question, scene: Self.scene(UInt8(index)))
        }
    }

    /// A red star and a blue circle; the shade of the background identifies the image.
    private static func scene(_ shade: UInt8) -> Scene {
        let image = RGBImage(width: 64, height: 64, red: 200 + shade, green: 200, blue: 200)
        let objects = [
            SceneObject(
                kind: .shape(.star), colour: .red, isLarge: nil, box: .init(x: 4, y: 4, width: 10, height: 10)),
            SceneObject(
                kind: .shape(.circle), colour: .blue, isLarge: nil, box: .init(x: 40, y: 40, width: 10, height: 10)),
        ]
        return Scene(image: image, objects: objects, mask: [UInt8](repeating: 0, count: 64 * 64))
    }

    /// The demonstrated answers.
    var answers: [String: String] {
        Dictionary(uniqueKeysWithValues: samples.map { ($0.question.text, $0.question.answer) })
    }

    func evaluation(_ client: ScriptedClient, training: [FamilyQuestion] = []) throws -> FamiliesEvaluation {
        var settings = FamiliesEvaluation.Settings()
        settings.model = "sft"
        settings.concurrency = 3
        return try FamiliesEvaluation(
            samples: samples, training: training, client: client, server: "http://localhost:1", settings: settings,
            wait: { _ in })
    }
}

@Suite struct FamiliesEvaluationTests {
    private let sheet = Sheet()

    @Test func countsByFamilyAndByKind() async throws {
        let client = ScriptedClient { [answers = sheet.answers] request, _ in
            switch request.question {
            case "How many stars 2?": try .answer("7")
            case "What color is the ring?": try .answer("The ring is red.")
            case "What color is the star?": try .answer("Red", reason: "length")
            default: try .answer(answers[request.question] ?? "")
            }
        }
        let report = try await sheet.evaluation(client).run(.none)
        let rows = Dictionary(uniqueKeysWithValues: (report.families + report.kinds).map { ($0.name, $0) })
        #expect(report.families.map(\.name) == ["all", "counts", "attributes", "absence"])
        #expect(report.kinds.map(\.name) == ["count", "words", "absent"])
        #expect(rows["all"]?.right == Proportion(5, of: 7))
        #expect(rows["counts"]?.right == Proportion(2, of: 3) && rows["count"]?.right == Proportion(2, of: 3))
        #expect(rows["absence"]?.right == Proportion(1, of: 2))
        #expect(rows["absence"]?.hallucinating == Proportion(1, of: 2))
        #expect(report.hallucinatingOnAbsent == Proportion(1, of: 2))
        #expect(rows["attributes"]?.right == Proportion(2, of: 2))
        #expect(rows["attributes"]?.ended == Proportion(1, of: 2), "an answer at the limit did not end")
        #expect(report.mistakes.map(\.found) == ["7", "The ring is red."])
        #expect(client.requests.allSatisfy { $0.model == "sft" && $0.temperature == 0 })
        let shown = Dictionary(uniqueKeysWithValues: client.requests.map { ($0.question, $0.image) })
        #expect(sheet.samples.allSatisfy { shown[$0.question.text] == $0.png })
        let table = FamiliesReport.table([report])
        #expect(table.contains("71.43 %") && table.contains("absence") && table.contains("its own"), "\(table)")
    }

    @Test func swapsImagesWithinAFamily() async throws {
        let client = ScriptedClient { _, _ in try .answer("no") }
        _ = try await sheet.evaluation(client).run(.swapped)
        let shown = Dictionary(uniqueKeysWithValues: client.requests.map { ($0.question, $0.image) })
        for sample in sheet.samples {
            let others = sheet.samples.filter { $0.question.family == sample.question.family && $0.png != sample.png }
            #expect(others.contains { $0.png == shown[sample.question.text] })
        }
    }

    @Test func showsABlankImage() async throws {
        let client = ScriptedClient { _, _ in try .answer("no") }
        let report = try await sheet.evaluation(client).run(.blank)
        #expect(report.control == .blank)
        let shown = Set(client.requests.map(\.image))
        #expect(shown.count == 1 && !sheet.samples.contains { shown.contains($0.png) })
    }

    /// The most frequent answer to the same words; for other words the family's most frequent answer in that form.
    @Test func tellsWhatTheQuestionsAloneAnswer() async throws {
        func count(_ text: String, _ answer: Int) -> FamilyQuestion {
            FamilyQuestion(family: .counts, text: text, answer: "\(answer)", form: .short, truth: .count(answer))
        }
        let training = [
            count("How many stars 1?", 1), count("How many stars 1?", 2), count("How many stars 1?", 1),
            count("How many stars 2?", 5), count("How many rings?", 3), count("How many rings?", 3),
            count("How many rings?", 3),
        ]
        let client = ScriptedClient { _, _ in try .answer("") }
        let report = try await sheet.evaluation(client, training: training).run(.none)
        let counts = report.families.first { $0.name == "counts" }
        // "1" to the first is right, "5" to the second wrong, "3" to the third right.
        #expect(counts?.questionOnly == Proportion(2, of: 3) && counts?.right == Proportion(0, of: 3))
        #expect(report.families.first { $0.name == "absence" }?.questionOnly == Proportion(0, of: 2))
    }

    @Test(arguments: Family.allCases) func drawsTheTestSplit(family: Family) {
        let samples = FamilySample.draw(family, count: 12, draw: 0)
        #expect(samples.count == 12 && Set(samples.map(\.seed)).count == 12)
        #expect(samples.allSatisfy { SeedSplit(of: $0.seed) == .test && $0.question.family == family })
        let again = FamilySample.draw(family, count: 12, draw: 0)
        #expect(samples.map(\.question) == again.map(\.question) && samples.map(\.png) == again.map(\.png))
        let others = FamilySample.draw(family, count: 12, draw: 1)
        #expect(Set(others.map(\.seed)).isDisjoint(with: samples.map(\.seed)))
    }
}
