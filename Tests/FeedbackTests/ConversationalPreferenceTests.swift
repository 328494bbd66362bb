import Datasets
import Feedback
import Foundation
import Images
import TestSupport
import Testing

/// Pairs as other trainers read and write them.
@Suite struct ConversationalPreferenceTests {
    private let image = RGBImage(width: 2, height: 1, red: 255, green: 0, blue: 0)
    private let fallback = PreferenceRecord.Labeler(kind: .human, id: "imported")

    private func record(
        _ texts: [String], _ tiers: [[Int]], image: PreferenceImage?, id: String = "cmp_1"
    ) -> PreferenceRecord {
        PreferenceRecord(
            id: id, image: image, question: "What?",
            completions: texts.map { .init(text: $0, tokens: [2], policy: "sft@2", finishReason: .stop) },
            tiers: tiers, labeler: .init(kind: .simulatedRule, id: "rule-1"), seed: 3)
    }

    /// Stores the records and exports their pairs.
    @discardableResult
    private func write(
        _ records: [PreferenceRecord], into folder: URL, file: @escaping (PreferenceImage) throws -> [UInt8]
    ) throws -> Int {
        let store = try FeedbackStore(path: folder.appending(path: "store.sqlite").path)
        try store.append(records, at: Date(timeIntervalSince1970: 0))
        return try FeedbackFiles(folder: folder.path, file: file).writePairs(store.judgements())
    }

    @Test func everyPairIsALineWithItsImage() throws {
        try withTemporaryFolder { folder in
            let records = [
                record(["a", "b", "c"], [[2], [0, 1]], image: .generated(family: .counts, seed: 9)),
                record(["a", "a"], [[0], [1]], image: nil, id: "cmp_2"),
            ]
            let count = try write(records, into: folder) { _ in ImageFile.encode(image) }
            let text = try String(contentsOf: folder.appending(path: "pairs.jsonl"), encoding: .utf8)
            let lines = text.split(separator: "\n")
            #expect(count == 2 && lines.count == 2)
            #expect(
                lines.first == """
                    {"prompt":[{"role":"user","content":"What?"}],"chosen":[{"role":"assistant","content":"c"}],\
                    "rejected":[{"role":"assistant","content":"a"}],"images":["images/counts-9.png"],\
                    "comparison_id":"cmp_1","labeler":"rule-1","labeler_kind":"simulated-rule",\
                    "chosen_model":"sft@2","rejected_model":"sft@2","chosen_flags":[],"rejected_flags":[],\
                    "all_bad":false,"comment":null}
                    """)
            let png = try Data(contentsOf: folder.appending(path: "images/counts-9.png"))
            #expect(try ImageFile.decode([UInt8](png)).rgb == image)
        }
    }

    @Test func whatIsExportedCanBeImported() throws {
        try withTemporaryFolder { folder in
            let original = record(["a", "b", "c"], [[2], [0], [1]], image: .easyVQA(number: 1))
            try write([original], into: folder) { _ in ImageFile.encode(image) }
            let kept = ImageFolder(dataFolder: folder.appending(path: "data").path)
            let records = try ConversationalPreference.load(
                path: folder.appending(path: "pairs.jsonl").path, labeler: fallback, keep: { try kept.keep($0) }
            ).map(\.record)
            let pairs = records.flatMap { record in
                record.pairs.map { record.completions[$0.chosen].text + record.completions[$0.rejected].text }
            }
            #expect(Set(pairs) == ["ca", "cb", "ab"])
            #expect(records.allSatisfy { $0.labeler == original.labeler && $0.question == "What?" })
            guard case .stored(let digest)? = records[0].image else {
                Issue.record("\(String(describing: records[0].image))")
                return
            }
            #expect(try [UInt8](kept.file(sha256: digest)) == ImageFile.encode(image))
            #expect(throws: ImageFolderError.self) { try kept.keep(Data("no picture".utf8)) }
        }
    }

    /// A file's name says what it is.
    @Test func jpegStaysJPEG() throws {
        // 8x8 pixels of one grey.
        let jpeg = try #require(
            Data(
                base64Encoded: "/9j/wAALCAAIAAgBAREA/9sAQwABAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
                    + "AQEBAQEBAQEBAQEBAQEBAQEBAQEB/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAI"
                    + "AQEAAD8AP//Z"))
        try withTemporaryFolder { folder in
            let kept = ImageFolder(dataFolder: folder.appending(path: "data").path)
            let image = try kept.keep(jpeg)
            guard case .stored(let digest) = image else {
                Issue.record("\(image)")
                return
            }
            let source = ImageSource(easyVQA: folder, kept: kept)
            let records = [record(["a", "b"], [[0], [1]], image: image)]
            try write(records, into: folder, file: source.file)
            let name = "images/\(digest).jpg"
            #expect(try Data(contentsOf: folder.appending(path: name)) == jpeg)
            #expect(throws: ImageFolderError.self) { try kept.keep(jpeg.dropLast(2)) }
        }
    }

    private func load(_ lines: String...) throws -> [PreferenceRecord] {
        try withTemporaryFolder { folder in
            let file = folder.appending(path: "p.jsonl")
            try Data(lines.joined(separator: "\n").utf8).write(to: file)
            try Data("an image".utf8).write(to: folder.appending(path: "a.png"))
            try FileManager.default.createSymbolicLink(
                atPath: folder.appending(path: "link.png").path, withDestinationPath: "/etc/passwd")
            return try ConversationalPreference.load(path: file.path, labeler: fallback) { data in
                #expect(data == Data("an image".utf8))
                return .easyVQA(number: 4)
            }.map(\.record)
        }
    }

    private func line(_ chosen: String, _ rejected: String, more: String = "") -> String {
        """
        {"prompt":[{"role":"user","content":"Q"}],"chosen":[{"role":"assistant","content":"\(chosen)"}],\
        "rejected":[{"role":"assistant","content":"\(rejected)"}]\(more)}
        """
    }

    @Test func twoOpinionsOnAPairAreOneComparison() throws {
        let records = try load(line("x", "y"), line("y", "x"), line("x", "z"))
        #expect(records[0].id == records[1].id && records[0].completions == records[1].completions)
        #expect(records[0].tiers == records[1].tiers.reversed() && records[0].id != records[2].id)
        #expect(records.allSatisfy { $0.labeler == fallback && $0.image == nil })
    }

    @Test(arguments: [
        ("{\"prompt\":\"Q\"}", "prompt: "),
        ("{\"prompt\":[],\"chosen\":[],\"rejected\":[]}", "prompt: expected one message of the user"),
        ("[]", ""),
    ])
    func brokenLinesAreNamed(text: String, reason: String) throws {
        let error = try #require(throws: PreferenceError.self) { _ = try load(line("x", "y"), "", text) }
        #expect(error.description.contains("p.jsonl: line 3: \(reason)"), "\(error)")
    }

    @Test(arguments: ["/etc/passwd", "../p.jsonl", "x/../../p.jsonl", "link.png", "/dev/zero", "", ".", "missing.png"])
    func aLineNamesNoFileOutsideItsFolder(name: String) throws {
        let error = try #require(throws: PreferenceError.self) {
            _ = try load(line("x", "y"), line("x", "y", more: ",\"images\":[\"\(name)\"]"))
        }
        #expect(error.description.contains("p.jsonl: line 2: images[0]: \(name): "), "\(error)")
    }

    @Test func accentsThatAreComposedDifferentlyAreDifferentAnswers() throws {
        let records = try load(line("caf\u{E9}", "cafe\u{301}"), line("cafe\u{301}", "caf\u{E9}"))
        #expect(records[0].id == records[1].id && records[0].tiers == records[1].tiers.reversed())
        #expect(records[0].completions.map(\.text.utf8.count).sorted() == [5, 6])
        let texts = records.map { $0.completions.map { Array($0.text.utf8) } }
        #expect(texts[0] == texts[1])
    }

    @Test func pairsThatPreferNothingAreRefused() throws {
        #expect(throws: PreferenceError.self) { try load(line("x", "x")) }
        #expect(throws: PreferenceError.self) { try load(line("x", "y", more: ",\"score\":1")) }
        #expect(throws: PreferenceError.self) { try load(line("x", "y", more: ",\"images\":[\"a\",\"b\"]")) }
        #expect(try load(line("x", "y", more: ",\"images\":[\"a.png\"]"))[0].image == .easyVQA(number: 4))
    }
}
