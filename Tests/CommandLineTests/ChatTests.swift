import Checkpoints
import Foundation
import Images
import Synchronization
import TestSupport
import Testing
import apus

/// `apus chat` with the tiny llama of random weights.
@Suite struct ChatTests {
    /// Runs a conversation of these lines.
    private func chat(_ lines: [String], _ arguments: [String] = []) async throws -> CommandRun {
        let model = ["--model", try TinyLlama.file().path, "--policies", "", "--data-path", ""]
        let rest = Mutex(lines[...])
        return await CommandRun(
            ["chat", "--max-tokens", "4"] + arguments + model, input: { _ in rest.withLock { $0.popFirst() } })
    }

    private func image(in folder: URL, _ name: String = "a.png") throws -> String {
        let path = folder.appending(path: name)
        try Data(ImageFile.encode(RGBImage(width: 2, height: 1, red: 255, green: 0, blue: 0))).write(to: path)
        return path.path
    }

    @Test func answersFollowEachOther() async throws {
        let once = try await chat(["hi"])
        #expect(once.code == 0 && once.output.hasSuffix("\n"))
        let twice = try await chat(["hi", "", "hi"])
        #expect(twice.output.hasPrefix(once.output) && twice.output.count > once.output.count)
        // The second question has the first one before it; after /clear it has not.
        let anew = try await chat(["hi", "/clear", "hi"])
        #expect(anew.output == once.output + once.output)
        let undone = try await chat(["hi", "/undo", "hi"])
        #expect(undone.output == anew.output)
        let ended = try await chat(["hi", "/quit", "hi"])
        #expect(ended.output == once.output)
    }

    @Test func retryAnswersTheSameQuestion() async throws {
        let run = try await chat(["hi", "/retry"])
        let (first, second) = (try await chat(["hi"]), try await chat(["hi"], ["--seed", "1"]))
        #expect(run.output == first.output + second.output && first.output != second.output)
    }

    @Test func whatALineCannotDoIsSaidAndTheConversationGoesOn() async throws {
        let cases = [
            ("/retry", "there is no answer yet"), ("/undo", "there is no question yet"),
            ("/image", "/image takes a path"), ("/image /nowhere.png", "/nowhere.png cannot be read"),
            ("/fly", "there is no command /fly; /help lists the commands"),
            ("/policy mine", "there is no policy mine; there are base"), ("/save /nowhere/a.json", "cannot be written"),
        ]
        let run = try await chat(cases.map(\.0) + ["hi"])
        for (line, message) in cases { #expect(run.error.contains(message), "\(line): \(run.error)") }
        let once = try await chat(["hi"])
        #expect(run.code == 0 && run.output == once.output)
        let help = try await chat(["/help", "/policy"])
        #expect(help.output.contains("/retry") && help.output.contains("base answers; there are base"))
    }

    @Test func aPolicyThatIsNotThereIsSaidBeforeTheModelIsLoaded() async {
        for command in ["chat", "ask"] {
            let words = command == "ask" ? ["hi"] : []
            let run = await CommandRun(
                [command, "--policy", "nope", "--model", "/nowhere.gguf", "--policies", "", "--data-path", ""] + words)
            #expect(run.code == 64 && run.error.contains("there is no policy nope"), "\(run.error)")
        }
    }

    @Test func aPolicyWithoutVisionTakesTheQuestionBack() async throws {
        try await withTemporaryFolder { folder in
            let path = try image(in: folder, "two words.png")
            let run = try await chat(["'\(path)' what is this?", "hi"])
            #expect(run.error.contains("the policy base cannot see"))
            let once = try await chat(["hi"])
            #expect(run.output == once.output)
        }
    }

    @Test func aConversationIsSavedAndResumed() async throws {
        try await withTemporaryFolder { folder in
            let file = folder.appending(path: "a.json").path
            let saved = try await chat(["hi", "/save \(file)"], ["--system", "Be kind."])
            #expect(saved.code == 0 && saved.output.contains("saved in \(file)"))
            let both = try await chat(["hi", "more"], ["--system", "Be kind."])
            let first = try await chat(["hi"], ["--system", "Be kind."])
            let resumed = try await chat(["more"], ["--resume", file])
            #expect(first.output + resumed.output == both.output)
            try Data(#"{"turns":[{"role":"assistant","text":"a"}]}"#.utf8).write(to: URL(fileURLWithPath: file))
            let odd = try await chat([], ["--resume", file])
            #expect(odd.code == 1 && odd.error.contains("questions and answers must alternate"))
        }
    }
}
