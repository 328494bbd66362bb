import Datasets
import Evaluation
import Images
import Testing
import Typography

/// Questions about drawn documents: the first half of the images have a held-out layout.
private struct Papers {
    let samples: [DocumentSample]

    init(_ questions: [DocumentQuestion]) throws {
        let studio = try DocumentJudgeTests.studio()
        let documents = (0..<200 as Range<UInt64>).map { index in
            let seed = SeedSplit.test.seed(at: index)
            return (seed: seed, document: DocumentFamily.words.document(seed: seed, from: studio))
        }
        let heldOut = documents.filter(\.document.isHeldOutLayout)
        let seen = documents.filter { !$0.document.isHeldOutLayout }
        samples = questions.enumerated().map { index, question in
            let (seed, document) = (index < questions.count / 2 ? heldOut : seen)[index]
            return DocumentSample(seed: seed, question: question, document: document)
        }
    }

    func evaluation(_ client: ScriptedClient, training: [DocumentQuestion] = []) throws -> DocumentsEvaluation {
        var settings = DocumentsEvaluation.Settings()
        settings.model = "sft"
        settings.concurrency = 3
        return try DocumentsEvaluation(
            samples: samples, training: training, client: client, server: "http://localhost:1", settings: settings,
            wait: { _ in })
    }

    /// A question of the family `words` unless another is named.
    static func question(
        _ text: String, _ answer: String, _ truth: GroundTruth, family: DocumentFamily = .words,
        isReadOff: Bool = true, isHeldOutWording: Bool = false
    ) -> DocumentQuestion {
        DocumentQuestion(
            family: family, text: text, answer: answer, form: .short, truth: truth, isReadOff: isReadOff,
            isHeldOutWording: isHeldOutWording)
    }

    static func read(_ text: String) -> DocumentQuestion { question("Read “\(text)”.", text, .transcript(text)) }
}

@Suite struct DocumentScoresTests {
    private func scores(_ answer: String, _ question: DocumentQuestion) -> DocumentScores {
        DocumentScores(
            answer, to: question, verdict: GoldJudge.verdict(on: answer, to: question, about: []))
    }

    /// Errors are insertions, deletions and replacements, counted by hand.
    @Test(arguments: [
        ("SALE", "SALE", 0, 4),
        ("SALE", "It says “SALE”.", 0, 4),
        ("SALE", "SALT", 1, 4),
        ("SALE", "SALES", 1, 4),
        ("SALE", "sale", 4, 4),
        ("SALE", "", 4, 4),
        ("kitten", "sitting", 3, 6),
        ("one\ntwo\nthree", "one two\nthree", 0, 13),
        ("one\ntwo\nthree", "one three", 4, 13),
        ("one\ntwo\nthree", "two\none\nthree", 6, 13),
        ("Total: $4.50", "Total: $4,5O", 2, 12),
    ]) func charactersThatAreReadWrong(_ text: String, _ answer: String, errors: Int, characters: Int) {
        let found = scores(answer, Papers.read(text)).characterErrors
        #expect(found?.errors == errors && found?.characters == characters, "\(String(describing: found))")
    }

    @Test func theRateIsOfAllCharactersTogether() {
        let rate = CharacterErrorRate([(1, 4), (3, 6), (0, 10)])
        #expect(rate.texts == 3 && rate.errors == 4 && rate.characters == 20 && rate.rate == 0.2)
        // An endless answer counts as an empty one.
        let endless = CharacterErrorRate([(250, 4), (0, 4)])
        #expect(endless.errors == 4 && endless.rate == 0.5)
        #expect(CharacterErrorRate([]).rate == 0)
    }

    /// A chart's value may be off by the judge's tolerance or by 5 %; numbers of things may not.
    @Test func valuesOfChartsMayBeNear() {
        let labelled = Papers.question("How much is Ada?", "200", .number(200, within: 0), family: .bars)
        #expect(scores("209", labelled).isNearValue == true && scores("211", labelled).isNearValue == false)
        let drawn = Papers.question(
            "How much is Ada?", "40", .number(40, within: 5), family: .graphs, isReadOff: false)
        #expect(scores("45", drawn).isNearValue == true && scores("46", drawn).isNearValue == false)
        let count = Papers.question(
            "How many bars?", "4", .number(4, within: 0), family: .bars, isReadOff: false)
        #expect(scores("4", count).isNearValue == nil)
        let price = Papers.question("What is the total?", "4.50", .number(4.5, within: 0), family: .receipts)
        #expect(scores("4.50", price).isNearValue == nil && scores("4.50", price).characterErrors == nil)
    }

    @Test func refusalsAreFalseWhereTheImageCanBeRead() {
        let word = Papers.read("SALE")
        #expect(scores("I cannot read it.", word).isFalseRefusal == true)
        #expect(scores("It is too blurred.", word).isFalseRefusal == true)
        #expect(scores("SALT", word).isFalseRefusal == false)
        // Text that speaks of what cannot be done is no refusal.
        let error = Papers.read("Cannot open the file.")
        #expect(scores("Cannot open the file.", error).isFalseRefusal == false)
        #expect(scores("Cannot open tne file.", error).isFalseRefusal == false)
        let blurred = Papers.question("What does it say?", "I cannot read it.", .unreadable)
        #expect(scores("I cannot read it.", blurred).isFalseRefusal == nil)
    }

    @Test func textThatIsNotThereIsInvented() {
        #expect(scores("It says “Banana bread”.", Papers.read("SALE")).isInvented == true)
        #expect(scores("SALT", Papers.read("SALE")).isInvented == false)
        let blurred = Papers.question("What does it say?", "I cannot read it.", .unreadable)
        #expect(scores("It says “hello”.", blurred).isInvented == true)
        #expect(scores("I cannot read it.", blurred).isInvented == false)
        #expect(scores("no", Papers.question("Is it red?", "yes", .yesNo(true))).isInvented == nil)
    }
}

@Suite struct DocumentsEvaluationTests {
    @Test func countsByFamilyAndByWhatIsHeldOut() async throws {
        let papers = try Papers([
            Papers.read("SALE"), Papers.read("Open"),
            Papers.question("Is it red?", "yes", .yesNo(true), isHeldOutWording: true),
            Papers.question("What does the picture say?", "I cannot read it.", .unreadable, family: .unreadable),
            Papers.question("How much is Ada?", "200", .number(200, within: 0), family: .bars, isHeldOutWording: true),
            Papers.read("kitten"),
        ])
        let client = ScriptedClient { request, _ in
            switch request.question {
            case "Read “SALE”.": try .answer("SALE")
            case "Read “Open”.": try .answer("I cannot read it.")
            case "Is it red?": try .answer("Yes", reason: "length")
            case "What does the picture say?": try .answer("It says “hello”.")
            case "How much is Ada?": try .answer("205")
            default: try .answer("sitting")
            }
        }
        let report = try await papers.evaluation(client).run(.none)
        #expect(report.families.map(\.name) == ["all", "words", "bars", "unreadable"])
        #expect(report.kinds.map(\.name) == ["yes/no", "transcript", "number", "unreadable"])
        #expect(report.familyKinds.map(\.name).prefix(3) == ["words: yes/no", "words: transcript", "bars: number"])
        let all = report.families + report.kinds + report.familyKinds + report.heldOut + report.textSizes
        let rows = Dictionary(all.map { ($0.name, $0) }) { first, _ in first }
        #expect(rows["all"]?.right == Proportion(2, of: 6))
        #expect(rows["all"]?.ended == Proportion(5, of: 6), "an answer at the limit did not end")
        #expect(rows["words"]?.characterErrors == CharacterErrorRate([(0, 4), (4, 4), (3, 6)]))
        #expect(rows["transcript"]?.right == Proportion(1, of: 3))
        #expect(rows["words: yes/no"]?.right == Proportion(1, of: 1))
        #expect(rows["bars"]?.right == Proportion(0, of: 1) && rows["bars"]?.nearValues == Proportion(1, of: 1))
        #expect(rows["all"]?.falseRefusals == Proportion(1, of: 5))
        #expect(rows["all"]?.invented == Proportion(1, of: 4))
        #expect(rows["layout held out"]?.right == Proportion(2, of: 3))
        #expect(rows["layout seen"]?.right == Proportion(0, of: 3))
        #expect(rows["wording held out"]?.right == Proportion(1, of: 2))
        #expect(rows["wording seen"]?.right == Proportion(1, of: 4))
        #expect(rows["both seen"]?.right == Proportion(0, of: 2))
        #expect(report.textSizes.reduce(0) { $0 + $1.right.total } == 6)
        #expect(report.mistakes.map(\.found) == ["I cannot read it.", "It says “hello”.", "205", "sitting"])
        #expect(client.requests.allSatisfy { $0.model == "sft" && $0.temperature == 0 })
        let shown = Dictionary(uniqueKeysWithValues: client.requests.map { ($0.question, $0.image) })
        #expect(papers.samples.allSatisfy { shown[$0.question.text] == $0.png })
        let table = DocumentsReport.table([report])
        #expect(table.contains("33.33 %") && table.contains("wording held out"), "\(table)")
        #expect(table.contains("test split"), "\(table)")
    }

    @Test func controlsKeepTheFamilyOrTheSize() async throws {
        let papers = try Papers(["SALE", "Open", "Closed", "Exit"].map { Papers.read($0) })
        let client = ScriptedClient { _, _ in try .answer("no") }
        _ = try await papers.evaluation(client).run(.swapped)
        for request in client.requests {
            let own = papers.samples.first { $0.question.text == request.question }
            #expect(own?.png != request.image && papers.samples.contains { $0.png == request.image })
        }
        let blank = ScriptedClient { _, _ in try .answer("no") }
        #expect(try await papers.evaluation(blank).run(.blank).control == .blank)
        for request in blank.requests {
            let own = try #require(papers.samples.first { $0.question.text == request.question })
            let image = try ImageFile.decode(request.image)
            #expect(image.width == own.size.width && image.height == own.size.height)
            #expect(Set(image.samples).count == 1)
        }
    }

    @Test func tellsWhatTheQuestionsAloneAnswer() async throws {
        let papers = try Papers([
            Papers.question("Is it red?", "yes", .yesNo(true)), Papers.question("Is it blue?", "no", .yesNo(false)),
        ])
        let training = [
            Papers.question("Is it red?", "yes", .yesNo(true)), Papers.question("Is it red?", "yes", .yesNo(true)),
            Papers.question("Is it blue?", "yes", .yesNo(true)),
        ]
        let client = ScriptedClient { _, _ in try .answer("") }
        let report = try await papers.evaluation(client, training: training).run(.none)
        #expect(report.families.first?.questionOnly == Proportion(1, of: 2))
        #expect(report.families.first?.right == Proportion(0, of: 2))
    }

    @Test(arguments: [SeedSplit.test, .validation]) func drawsItsSplit(split: SeedSplit) throws {
        let studio = try DocumentJudgeTests.studio()
        var settings = DocumentsEvaluation.Settings()
        settings.families = [.words, .receipts]
        settings.count = 6
        settings.split = split
        let samples = settings.samples(from: studio)
        #expect(samples.count == 12 && Set(samples.map(\.seed)).count == 6)
        #expect(samples.allSatisfy { SeedSplit(of: $0.seed) == split && $0.textSize != nil })
        if split == .validation {
            #expect(samples.allSatisfy { !$0.isHeldOutLayout && !$0.question.isHeldOutWording })
        }
        let again = settings.samples(from: studio)
        #expect(samples.map(\.question) == again.map(\.question) && samples.map(\.png) == again.map(\.png))
        settings.seed = 1
        #expect(Set(settings.samples(from: studio).map(\.seed)).isDisjoint(with: samples.map(\.seed)))
        #expect(settings.trainingQuestions(from: studio).allSatisfy { settings.families.contains($0.family) })
    }

    @Test func drawsTheWantedKindsAlone() throws {
        var settings = DocumentsEvaluation.Settings()
        settings.families = [.bars, .clocks]
        settings.kinds = [.number, .transcript]
        settings.count = 8
        let samples = settings.samples(from: try DocumentJudgeTests.studio())
        #expect(samples.count { $0.question.family == .bars } == 8)
        #expect(samples.allSatisfy { settings.kinds.contains(TruthKind(of: $0.question.truth)) })
    }

    /// The size of the text is that of most characters.
    @Test func sizesOfTextAreThoseOfTheDrawnText() throws {
        let studio = try DocumentJudgeTests.studio()
        var sizes: [DocumentSample.TextSize: Int] = [:]
        for index in 0..<60 as Range<UInt64> {
            let document = DocumentFamily.words.document(seed: SeedSplit.test.seed(at: index), from: studio)
            let size = try #require(document.textSize)
            #expect((8...40).contains(size))
            let heights = document.characters.map { $0.box.bottom - $0.box.top }
            #expect(Double(heights.max() ?? 0) < 1.3 * size && Double(heights.max() ?? 0) > 0.35 * size)
            sizes[.init(size), default: 0] += 1
        }
        #expect(sizes.count == 3, "\(sizes)")
        #expect(DocumentSample.TextSize(15.75) == .small && DocumentSample.TextSize(16) == .middle)
        #expect(DocumentSample.TextSize(24) == .large)
    }
}
