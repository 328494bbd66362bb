import Datasets
import Foundation
import Images
import Testing

@Suite struct BrokenEasyVQATests {
    private static let answers = EasyVQAQuestion.Answer.allCases.map(\.rawValue).joined(separator: "\n")
    private static let red = RGBImage(width: 64, height: 64, red: 255, green: 0, blue: 0)
    private static let teal = RGBImage(width: 64, height: 64, red: 0, green: 128, blue: 128)

    /// Writes a data set of one image a split and hands it to `body`.
    private func withDataSet(
        answers: String = answers, training: String = #"[["is there a circle?", "yes", 0]]"#, trainingImage: [UInt8],
        test: String = #"[["is there a circle?", "no", 0]]"#, _ body: (URL) throws -> Void
    ) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "apus-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        for (split, questions, image) in [
            ("train", training, trainingImage), ("test", test, ImageFile.encode(Self.teal)),
        ] {
            let images = folder.appending(path: "\(split)/images")
            try FileManager.default.createDirectory(at: images, withIntermediateDirectories: true)
            try Data(questions.utf8).write(to: folder.appending(path: "\(split)/questions.json"))
            try Data(image).write(to: images.appending(path: "0.png"))
        }
        try Data(answers.utf8).write(to: folder.appending(path: "answers.txt"))
        try body(folder)
    }

    private func error(_ body: () throws -> Void) -> EasyVQAError? {
        do {
            try body()
            return nil
        } catch {
            return error as? EasyVQAError
        }
    }

    @Test func testImagesAreNotTrainedOn() throws {
        try withDataSet(trainingImage: ImageFile.encode(Self.red)) { folder in
            let data = try EasyVQA(folder: folder)
            #expect(try data.trainingImage(0) == Self.red)
            #expect(try data.testImage(0) == Self.teal)
        }
        try withDataSet(trainingImage: ImageFile.encode(Self.teal)) { folder in
            let data = try EasyVQA(folder: folder)
            let found = error { _ = try data.trainingImage(0) }
            #expect(found == .heldOut(file: "train/images/0.png", testImage: "test/images/0.png"))
        }
    }

    @Test(arguments: [
        (#"[["is there a circle?", "yes", 0], ["is there a circle?", "maybe", 0]]"#, 1),
        (#"[["is there a circle?", "yes", -1]]"#, 0), (#"[["is there a circle?", "yes", 0.5]]"#, 0),
        (#"[["is there a circle?", "yes", 0, 1]]"#, 0), (#"[["is there a circle?", "yes"]]"#, 0),
        (#"[["is there a pink shape?", "yes", 0]]"#, 0), (#"[["is there a circle", "yes", 0]]"#, 0),
        (#"[["is there a circle?", "yes", 0], {"a": 1}]"#, 1), (#"{"a": 1}"#, nil), ("[", nil), ("", nil),
    ])
    func wrongEntriesAreNamed(questions: String, entry: Int?) throws {
        try withDataSet(training: questions, trainingImage: ImageFile.encode(Self.red)) { folder in
            let found = error { _ = try EasyVQA(folder: folder) }
            guard case .malformed(let file, let place, _) = found else {
                Issue.record("\(String(describing: found))")
                return
            }
            #expect(file == "train/questions.json" && place == entry)
        }
    }

    @Test func contradictionsAreNamed() throws {
        let questions = #"[["is there a circle?", "yes", 0], ["is no circle present?", "yes", 0]]"#
        try withDataSet(training: questions, trainingImage: ImageFile.encode(Self.red)) { folder in
            let data = try EasyVQA(folder: folder)
            guard case .malformed("train/questions.json", 1, _) = error({ _ = try data.trainingFacts() }) else {
                Issue.record("no contradiction was found")
                return
            }
        }
    }

    @Test func wrongFilesAreNamed() throws {
        try withDataSet(answers: "yes\nno\n", trainingImage: []) { folder in
            guard case .malformed("answers.txt", nil, _) = error({ _ = try EasyVQA(folder: folder) }) else {
                Issue.record("wrong answers were taken")
                return
            }
        }
        let small = ImageFile.encode(RGBImage(width: 63, height: 64, red: 0, green: 0, blue: 0))
        try withDataSet(trainingImage: small) { folder in
            let data = try EasyVQA(folder: folder)
            guard case .malformed("train/images/0.png", nil, _) = error({ _ = try data.trainingImage(0) }) else {
                Issue.record("a small picture was taken")
                return
            }
            guard case .unreadable = error({ _ = try data.trainingImage(1) }) else {
                Issue.record("a missing picture was taken")
                return
            }
        }
        try withDataSet(trainingImage: [1, 2, 3]) { folder in
            let data = try EasyVQA(folder: folder)
            let found = error { _ = try data.trainingImage(0) }
            #expect(found == .image(file: "train/images/0.png", .unsupported(nil)))
        }
    }
}
