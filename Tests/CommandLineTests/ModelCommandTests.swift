import Checkpoints
import Foundation
import Images
import TestSupport
import Testing
import apus

/// Commands that load a model: the tiny llama of random weights.
@Suite struct ModelCommandTests {
    private func model() throws -> [String] {
        ["--model", try TinyLlama.file().path, "--policies", "", "--data-path", ""]
    }

    @Test func aQuestionIsAnsweredOnStandardOutput() async throws {
        let first = await CommandRun(["ask", "hi", "--max-tokens", "4"] + (try model()))
        #expect(first.code == 0 && first.output.hasSuffix("\n"))
        #expect(first.error.hasPrefix("loaded in ") && first.error.contains("policies: base\n"))
        #expect(!first.error.contains("loading the model"), "progress is for a terminal")
        let again = await CommandRun(["ask", "hi", "--max-tokens", "4"] + (try model()), interactive: true)
        #expect(again.output == first.output)
        #expect(again.error.contains("\rloading the model: 100 %"))
    }

    @Test func whatCannotBeAnsweredIsSaid() async throws {
        try await withTemporaryFolder { folder in
            let image = folder.appending(path: "a.png").path
            try Data(ImageFile.encode(RGBImage(width: 2, height: 1, red: 255, green: 0, blue: 0)))
                .write(to: URL(fileURLWithPath: image))
            let text = folder.appending(path: "a.txt").path
            try Data("no image".utf8).write(to: URL(fileURLWithPath: text))
            let cases: [([String], String)] = [
                ([image], "the question is missing: apus ask \(image)"),
                ([text, "What?"], "\(text) is not an image that can be read"),
                ([folder.path + "/b.png", "What?"], "b.png cannot be read; the image files come first"),
                ([image, "What?"], "the policy base cannot see"),
                (["hi", "--policy", "mine"], "there is no policy mine"),
                (["hi", "--scores"], "there is no reward model"),
            ]
            for (words, message) in cases {
                let run = await CommandRun(["ask"] + words + (try model()))
                #expect(run.code != 0 && run.output.isEmpty && run.error.contains(message), "\(run.error)")
            }
            let missing = await CommandRun("ask", "hi", "--model", folder.path + "/none.gguf", "--policies", "")
            #expect(missing.code == 64 && missing.error.contains("`make build` fetches the base model"))
            let broken = await CommandRun("ask", "hi", "--model", text, "--policies", "")
            #expect(broken.code == 1 && broken.error.contains(text))
        }
    }

    @Test func anAnswerHasTheFormThatASchemaAsksFor() async throws {
        try await withTemporaryFolder { folder in
            let schema = folder.appending(path: "schema.json").path
            func write(_ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: schema)) }
            try write(#"{"type":"object","properties":{"c":{"enum":["red","blue"]}},"required":["c"]}"#)
            let run = await CommandRun(["ask", "hi", "--schema", schema] + (try model()))
            #expect([#"{"c":"red"}"#, #"{"c":"blue"}"#].contains(run.output.filter { !$0.isWhitespace }), "\(run)")
            let cut = await CommandRun(["ask", "hi", "--json", "--max-tokens", "1"] + (try model()))
            #expect(cut.code == 1 && cut.error.contains("the JSON was cut at 1 tokens"))
            try write(##"{"type":"object","properties":{"c":{"$ref":"#/none"}}}"##)
            let broken = await CommandRun(["ask", "hi", "--schema", schema] + (try model()))
            #expect(broken.code != 0 && broken.error.contains("--schema \(schema)"), "\(broken.error)")
            let both = await CommandRun(["ask", "hi", "--json", "--schema", schema] + (try model()))
            #expect(both.code == 64 && both.error.contains("leave --json out"))
        }
    }

    /// The base model's replies are written, whole ones alone, and counted.
    @Test func progressIsOneLineElsewhereThanOnATerminal() async throws {
        try await withTemporaryFolder { folder in
            let file = folder.appending(path: "replay.jsonl").path
            let arguments =
                ["data", "replay", "--count", "3", "--max-tokens", "4", "--output", file] + (try model())
            let quiet = await CommandRun(arguments)
            #expect(quiet.code == 0 && quiet.output.hasSuffix("answers came to their end and are in \(file)\n"))
            #expect(quiet.error.split(separator: "\n").count == 2, "\(quiet.error)")
            let shown = await CommandRun(arguments, interactive: true)
            #expect(shown.output == quiet.output && shown.error.contains("3 of 3 answers\n"))
        }
    }

    @Test func aServerThatIsNotThereIsNamedAtOnce() async {
        let url = "http://127.0.0.1:1"
        for command in [["health", url], ["eval", "families", "--url", url], ["bench", "--against", url]] {
            let run = await CommandRun(command)
            #expect(run.code == 1, "\(command)")
            #expect((run.output + run.error).contains("127.0.0.1:1"), "\(run.output)\(run.error)")
        }
    }

    @Test func settingsThatCannotBeServedHaveTheirExitCode() async throws {
        try await withTemporaryFolder { folder in
            let missing = await CommandRun(
                ["serve", "--port", "1", "--auth-keys", folder.path + "/keys.jsonl"] + (try model()))
            #expect(missing.code == 78 && missing.error.contains("keys.jsonl"))
            let exposed = await CommandRun(["serve", "--host", "0.0.0.0"] + (try model()))
            #expect(exposed.code == 78 && exposed.error.contains("--insecure"))
        }
    }

    /// `--json` writes what the table shows, for programs.
    @Test func aReportIsWrittenAsJSON() async throws {
        try await withTemporaryFolder { folder in
            let file = folder.appending(path: "needle.json").path
            let arguments = ["eval", "needle", "--lengths", "100", "--samples", "1", "--json", file] + (try model())
            let run = await CommandRun(arguments)
            #expect(run.code == 0 && run.output.contains("100"), "\(run.error)")
            let data = try Data(contentsOf: URL(fileURLWithPath: file))
            let report = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            #expect((report["cells"] as? [[String: Any]])?.first?["size"] as? Int == 100, "\(report)")
        }
    }
}
