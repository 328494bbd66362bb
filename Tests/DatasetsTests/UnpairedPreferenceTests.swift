import Datasets
import Foundation
import Testing

/// Thumbs in TRL's format of unpaired preferences.
@Suite struct UnpairedPreferenceTests {
    private func load(_ text: String) throws -> (answers: [UnpairedPreference.Answer], longer: Int) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "unpaired-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("image".utf8).write(to: folder.appending(path: "a.png"))
        try Data(text.utf8).write(to: folder.appending(path: "kto.jsonl"))
        return try UnpairedPreference.load(path: folder.path + "/kto.jsonl") { data in
            #expect(data == Data("image".utf8))
            return .stored(sha256: String(repeating: "a", count: 64))
        }
    }

    private let question = #""prompt":[{"role":"user","content":"What is this?"}]"#
    private let answer = #""completion":[{"role":"assistant","content":"A cat."}]"#

    @Test func readsAnswersWithAndWithoutImages() throws {
        let first = #"{\#(question),\#(answer),"label":true,"images":["a.png"],"labeler":"anna","model":"ppo@7"}"#
        let (answers, longer) = try load(first + "\n\n" + #"{\#(question),\#(answer),"label":false}"#)
        #expect(longer == 0 && answers.map(\.isGood) == [true, false] && answers.map(\.line) == [1, 3])
        #expect(answers[0].image == .stored(sha256: String(repeating: "a", count: 64)) && answers[1].image == nil)
        #expect(answers[0].labeler == "anna" && answers[0].question == "What is this?")
        #expect(answers[0].answer == "A cat.")
    }

    /// One dialogue with an image elsewhere gives all lines of an export lists of parts.
    @Test func readsListsOfParts() throws {
        let image = #"{"type":"image","text":null}"#
        func line(_ parts: String) -> String {
            #"{"prompt":[{"role":"user","content":[\#(parts)]}],"images":["a.png"],"label":true,"#
                + #""completion":[{"role":"assistant","content":[{"type":"text","text":"A cat."}]}]}"#
        }
        let text = #"{"type":"text","text":"What is this?"}"#
        let (answers, longer) = try load(line("\(image),\(text)") + "\n" + line("\(text),\(image)"))
        #expect(longer == 1 && answers.map(\.question) == ["What is this?"] && answers.map(\.answer) == ["A cat."])
        #expect(throws: PreferenceError.self) { try load(line(#"{"type":"sound"}"#)) }
    }

    @Test func countsLongerDialogues() throws {
        let turn = #"{"role":"user","content":"Hi"}"#
        let line = #"{"prompt":[\#(turn),{"role":"assistant","content":"Hi"},\#(turn)],\#(answer),"label":true}"#
        #expect(try load(line).longer == 1)
        #expect(try load(#"{\#(question),\#(answer),"label":true,"images":["a.png","a.png"]}"#).longer == 1)
    }

    @Test(arguments: [
        #"{"prompt":[{"role":"user","content":"a"}],"completion":[],"label":true}"#,
        #"{"prompt":[{"role":"user","content":""}],"completion":[{"role":"assistant","content":"a"}],"label":true}"#,
        #"{"prompt":[{"role":"user","content":"a"}],"completion":[{"role":"assistant","content":"a"}],"label":1}"#,
        #"{"prompt":[{"role":"user","content":"a"}],"completion":[{"role":"assistant","content":"a"}],"label":true,"x":1}"#,
        #"{"prompt":[{"role":"user","content":"a"}],"completion":[{"role":"user","content":"a"}],"label":true}"#,
        #"{"prompt":[{"role":"user","content":"a"}],"completion":[{"role":"assistant","content":"b"}],"label":true,"images":["../a.png"]}"#,
    ]) func aWrongLineIsRefused(line: String) {
        let error = #expect(throws: PreferenceError.self) { try load("\n" + line) }
        #expect(error?.description.contains("line 2") == true)
    }
}
