import Checkpoints
import Datasets
import Evaluation
import Foundation
import Images
import Policies
import Promotion
import TestSupport
import Testing
import Training

/// Plan and report of `apus tune`.
@Suite struct TuneTests {
    private let plan = TunePlan(
        training: 150, heldOut: 50, steps: 450, secondsPerStep: 1.5, answers: 2_150)

    @Test func thePlanTellsStepsAndTimes() {
        let lines = plan.lines(name: "icons", rankings: 0)
        #expect(
            lines.count == 3
                && lines[0].hasPrefix("1. fine-tuning: 150 examples, 450 steps; about 12 min, by two measured steps"))
        #expect(
            lines[1].contains("2150 answers, also to 50 held-out examples with controls; about 3 min")
                && lines[2].hasSuffix("publishing as icons"))
        let short = TunePlan(training: 150, heldOut: 50, steps: 20, secondsPerStep: 0.5, answers: 10)
            .lines(name: "icons", rankings: 30)
        #expect(short.count == 5 && short[0].contains("about 10 s"))
        #expect(short[3].hasPrefix("4. ranking: people rank 30 "))
        let more = TunePlan(
            training: 150, heldOut: 50, steps: 20, secondsPerStep: 0.5, answers: 10, others: ["easy-vqa", "text"])
        #expect(more.lines(name: "icons", rankings: 0)[1].hasSuffix("which is not counted: easy-vqa, text"))
    }

    @Test func stepsShowEveryImageOften() {
        var settings = TuneSettings()
        settings.weight = 500
        settings.passes = 12
        // Four of a step's eight images are the person's own.
        #expect(settings.steps(images: 150) == 450)
        settings.weight = 1_000
        #expect(settings.steps(images: 150) == 225)
        #expect(settings.steps(images: 1) == 20)
    }

    @Test func aPlanIsKept() throws {
        try withTemporaryFolder { folder in
            let path = folder.appending(path: "plan.json").path
            #expect(try TunePlan(path: path) == nil)
            try plan.write(to: path)
            #expect(try TunePlan(path: path) == plan)
            let edited = #"{"training": 1, "heldOut": 1, "steps": 1000, "secondsPerStep": 1e300, "answers": 1}"#
            try Data(edited.utf8).write(to: URL(fileURLWithPath: path))
            let huge = try #require(try TunePlan(path: path))
            #expect(huge.lines(name: "a", rankings: 0)[0].contains("about 16666666667 min"))
            try Data(edited.replacingOccurrences(of: "1000", with: "0").utf8).write(to: URL(fileURLWithPath: path))
            #expect(throws: FileError.self) { try TunePlan(path: path) }
        }
    }

    // MARK: Report

    private func examples(_ answers: [String], in folder: URL) throws -> [OwnExample] {
        var rows = "image,question,answer\n"
        for (index, answer) in answers.enumerated() {
            let image = RGBImage(width: 3, height: 2, red: UInt8(index), green: 0, blue: 0)
            try Data(ImageFile.encode(image)).write(to: folder.appending(path: "\(index).png"))
            rows += "\(index).png,what <is> it,\(answer)\n"
        }
        let file = folder.appending(path: "data.csv")
        try Data(rows.utf8).write(to: file)
        return try OwnData.examples(at: file.path)
    }

    private func report(_ answers: [String], right: Int, control: ImageControl = .none) throws -> OwnDataReport {
        let json: [String: Any] = [
            "policy": ["id": "candidate", "generation": 1], "control": control.rawValue, "seed": 0,
            "rule": try JSONSerialization.jsonObject(with: JSONEncoder().encode(AnswerRule(.exact))),
            "right": try JSONSerialization.jsonObject(with: JSONEncoder().encode(Proportion(right, of: answers.count))),
            "questionOnly": try JSONSerialization.jsonObject(with: JSONEncoder().encode(Proportion(1, of: 4))),
            "cut": 0, "seconds": 1, "mistakes": [Any](), "answers": answers,
        ]
        return try JSONDecoder().decode(OwnDataReport.self, from: JSONSerialization.data(withJSONObject: json))
    }

    @Test func theReportStandsAloneAndShowsNoMarkupOfAnswers() throws {
        try withTemporaryFolder { folder in
            let own = PolicyMeasurement.OwnQuestions(
                try examples(["cat", "cat", "dog", "dog"], in: folder), rule: AnswerRule(.exact))
            var page = TuneReport(
                name: "pets", start: .init(.sft, generation: 7), plan: plan, rankings: 0, own: own)
            page.plots = ["<svg id='course'></svg>"]
            #expect(page.html().contains("Nothing is measured yet."))
            let answers = ["cat", "<script>alert(1)</script>", "dog", "dog"]
            let rule = PolicyGate.Rule(metric: "own_right", range: 0.5 ... .infinity)
            let verdict = PolicyPromotion.Verdict(
                faults: [], results: [.init(rule: rule, found: 0.75), .init(rule: rule, found: nil)])
            let reports = [
                try report(answers, right: 3), try report(answers, right: 0, control: .blank),
                try report(answers, right: 1, control: .swapped),
            ]
            page.measurements = [
                .init(
                    stage: .sft, verdict: verdict, published: .init(name: "pets", generation: 2),
                    reports: reports)
            ]
            let kinds = page.kinds(of: reports[0])
            #expect(kinds.map(\.name) == ["cat", "dog"] && kinds.map(\.right.count) == [1, 2])
            let html = page.html()
            #expect(html.contains("3 of 4 held-out questions are answered right") && html.contains("generation 2"))
            #expect(!html.contains("<script") && html.contains("&lt;script&gt;") && html.contains("what &lt;is&gt; it"))
            #expect(html.contains("data:image/png;base64,") && html.contains("a blank image"))
            #expect(html.contains("<ol><li>fine-tuning: 150 examples"))
            #expect(html.contains("not measured") && html.contains("<svg id='course'>"))
            for outside in ["http://", "https://", "src=\"/"] {
                let rest = html.replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "")
                #expect(!rest.contains(outside))
            }
        }
    }

    @Test func answersThatAreAllDifferentMakeNoKinds() throws {
        try withTemporaryFolder { folder in
            let texts = (0..<40).map { "number \($0)" }
            let own = PolicyMeasurement.OwnQuestions(try examples(texts, in: folder), rule: AnswerRule(.exact))
            let page = TuneReport(name: "many", start: .init(.sft, generation: 7), plan: plan, rankings: 0, own: own)
            #expect(try page.kinds(of: report(texts, right: 40)).isEmpty)
        }
    }

    @Test func kindsAreWords() throws {
        try withTemporaryFolder { folder in
            let texts = [#"{"icon":"cat"}"#, #"{"icon": "cat"}"#, #"{"icon":"dog","size":2}"#]
            let quoted = texts.map { "\"" + $0.replacingOccurrences(of: "\"", with: "\"\"") + "\"" }
            let own = PolicyMeasurement.OwnQuestions(try examples(quoted, in: folder), rule: AnswerRule(.json))
            let page = TuneReport(
                name: "icons", start: .init(.sft, generation: 7), plan: plan, rankings: 0, own: own)
            let kinds = try page.kinds(of: report(texts, right: 3))
            #expect(kinds.map(\.name) == ["cat", "icon: dog, size: 2"] && kinds.map(\.right.total) == [2, 1])
        }
    }

    @Test(
        arguments: [
            ("tune-rules.json", [.ownData, .families, .parentFamilies]),
            ("tune-reader-rules.json", [.ownData, .documents, .parentDocuments]),
        ] as [(String, Set<PolicyReport>)])
    func theRulesOfTuningAreValid(file: String, reports: Set<PolicyReport>) throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Deploy/\(file)").standardized.path
        let rules = try PolicyRules(path: path)
        #expect(try rules.gate(for: .sft).reports == reports)
        #expect(try rules.gate(for: .dpo).rules.count == 5)
    }

    @Test func aPolicyIsShownWhatItKnows() {
        let shapes = TuneSettings().fineTuning(readsText: false)
        #expect(shapes.documents.isEmpty && Set(shapes.families).isSuperset(of: [.crowds, .captions, .counts]))
        let reader = TuneSettings().fineTuning(readsText: true)
        #expect(Set(reader.documents) == Set(DocumentFamily.allCases) && reader.families.isEmpty)
        #expect(reader.officialImages + reader.familyImages == 0 && reader.documentImages == 8)
        #expect(reader.ownData == shapes.ownData)
    }
}
