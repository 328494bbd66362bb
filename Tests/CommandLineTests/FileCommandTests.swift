import Datasets
import Foundation
import Images
import TestSupport
import Testing
import apus

/// Commands that read and write files alone.
@Suite struct FileCommandTests {
    // MARK: keys

    @Test func aKeyIsShownOnceAndCanBeRevoked() async throws {
        try await withTemporaryFolder { folder in
            let file = folder.appending(path: "keys.jsonl").path
            let added = await CommandRun(
                "keys", "add", "app", "--scopes", "ask,admin", "--rate", "60", "--expires", "2031-01-31", "--auth-keys",
                file)
            let key = added.output.trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(added.code == 0 && !key.isEmpty && !key.contains("\n"))
            #expect(
                added.error.contains("it expires 2031-01-31T23:59:59Z") && added.error.contains("--auth-keys \(file)"))
            let content = try String(contentsOfFile: file, encoding: .utf8)
            #expect(!content.contains(key), "the key itself is in the file")

            let listed = await CommandRun("keys", "list", "--auth-keys", file)
            #expect(listed.output.contains(" app admin,ask until 2031-01-31T23:59:59Z 60 requests a minute\n"))
            let id = String(listed.output.prefix { $0 != " " })
            #expect(added.error.contains("Its id is \(id)"))

            let again = await CommandRun("keys", "add", "app", "--auth-keys", file)
            #expect(again.code == 1 && again.output.isEmpty)
            #expect(again.error.contains("has a key named app already, with the id \(id)"))

            #expect(await CommandRun("keys", "remove", id, "--auth-keys", file).code == 0)
            #expect(await CommandRun("keys", "list", "--auth-keys", file).output.isEmpty)
            let unknown = await CommandRun("keys", "remove", id, "--auth-keys", file)
            #expect(unknown.code == 1 && unknown.error.contains("has no key with the id \(id)"))
        }
    }

    // MARK: policy

    /// A library of two generations of `sft`.
    private func policies(in folder: URL) throws -> [String] {
        let shipped = folder.appending(path: "shipped").path
        for generation in 1...2 { try TinyPolicy.publish(generation: generation, in: shipped) }
        return ["--policies", shipped, "--into", folder.appending(path: "published").path]
    }

    @Test func policiesAreListedAndRolledBack() async throws {
        try await withTemporaryFolder { folder in
            let library = try policies(in: folder)
            #expect(await CommandRun(["policy", "list"] + library).output == "sft: 1 2*\n")
            let back = await CommandRun(["policy", "rollback", "sft"] + library)
            #expect(back.code == 0 && back.output == "sft: generation 1 instead of 2\n" && back.error.isEmpty)
            #expect(await CommandRun(["policy", "list"] + library).output == "sft: 1* 2\n")

            let further = await CommandRun(["policy", "rollback", "sft"] + library)
            #expect(further.code == 64 && further.error.contains("there are: 1, 2"))
            let unknown = await CommandRun(["policy", "rollback", "tfs"] + library)
            #expect(unknown.code == 64 && unknown.error.contains("there is no policy tfs"))
        }
    }

    @Test func whatIsNoFinishedRunIsNotPublished() async throws {
        try await withTemporaryFolder { folder in
            let run = folder.appending(path: "run").path
            let library = try policies(in: folder)
            let commands = [
                ["policy", "ship", run, "--generation", "1", "--into", folder.path],
                ["policy", "promote", run] + library,
            ]
            for command in commands {
                let result = await CommandRun(command)
                #expect(result.code != 0 && result.output.isEmpty && result.error.contains(run), "\(result.error)")
            }
            #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "published/sft/3").path))
            let rules = await CommandRun(["policy", "promote", run, "--rules", "/nowhere.json"] + library)
            #expect(rules.code != 0 && rules.error.contains("/nowhere.json"), "rules come before the run")
        }
    }

    // MARK: feedback

    /// Two people's preferences about one image, as TRL writes them; the image is another program's work in form alone.
    private func pairs(in folder: URL) throws -> String {
        let image = RGBImage(width: 2, height: 1, red: 255, green: 0, blue: 0)
        try Data(ImageFile.encode(image)).write(to: folder.appending(path: "a.png"))
        let lines = [("What?", "red", "blue"), ("What is it?", "a dot", "a cat")].map { question, chosen, rejected in
            """
            {"prompt":[{"role":"user","content":"\(question)"}],"images":["a.png"],\
            "chosen":[{"role":"assistant","content":"\(chosen)"}],"rejected":[{"role":"assistant","content":"\(rejected)"}]}
            """
        }
        let path = folder.appending(path: "pairs.jsonl")
        try Data(lines.joined(separator: "\n").utf8).write(to: path)
        return path.path
    }

    @Test func importedRankingsCanBeExported() async throws {
        try await withTemporaryFolder { folder in
            let (input, data) = (try pairs(in: folder), folder.appending(path: "data").path)
            let imported = await CommandRun("feedback", "import", "--format", "pairs", "--data-path", data, input)
            #expect(imported.code == 0 && imported.output == "2 of 2 rankings are new in \(data)/feedback.sqlite\n")
            let again = await CommandRun("feedback", "import", "--format", "pairs", "--data-path", data, input)
            #expect(again.output.contains("0 of 2 rankings are new"))
            #expect(again.output.contains("2 were there already or twice in the file: lines 1, 2\n"))

            let output = folder.appending(path: "out.jsonl").path
            let exported = await CommandRun("feedback", "export", "--data-path", data, output)
            #expect(exported.output == "2 rankings (2 human): \(output)\n")
            #expect(try PreferenceRecord.load(path: output).map(\.question) == ["What?", "What is it?"])
            let pairs = await CommandRun(
                "feedback", "export", "--format", "pairs", "--data-path", data, folder.appending(path: "trl").path)
            #expect(pairs.output.hasPrefix("2 pairs of 2 rankings (2 human)"))
        }
    }

    @Test func aBadLineIsNamedAndNothingIsImported() async throws {
        try await withTemporaryFolder { folder in
            let (input, data) = (try pairs(in: folder), folder.appending(path: "data").path)
            let bad = try String(contentsOfFile: input, encoding: .utf8) + "\n{\"prompt\":[]}\n"
            try Data(bad.utf8).write(to: URL(fileURLWithPath: input))
            let imported = await CommandRun("feedback", "import", "--format", "pairs", "--data-path", data, input)
            #expect(imported.code == 1 && imported.output.isEmpty)
            #expect(imported.error.contains("\(input): line 3: prompt"), "\(imported.error)")
            let exported = await CommandRun("feedback", "export", "--data-path", data, "out.jsonl")
            #expect(exported.code == 64 && exported.error.contains("no feedback is kept in \(data)"))
        }
    }

    // MARK: data

    @Test func aSheetHasImagesAndTheirQuestions() async throws {
        try await withTemporaryFolder { folder in
            let file = folder.appending(path: "sheet.png").path
            let sheet = await CommandRun("data", "sheet", "--families", "counts", "--questions", file)
            #expect(sheet.code == 0 && sheet.error.isEmpty)
            let image = try ImageFile.decode([UInt8](Data(contentsOf: URL(fileURLWithPath: file))))
            // 8 by 6 cells of 64 pixels, doubled, with gaps of 2 pixels.
            #expect((image.width, image.height) == (8 * 130 + 2, 6 * 130 + 2))
            let lines = sheet.output.split(separator: "\n")
            #expect(lines.count >= 48 * 4)
            for line in lines.prefix(5) {
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                #expect(object?.keys.sorted() == ["question", "seed"])
            }
            let elsewhere = await CommandRun("data", "sheet", folder.appending(path: "no/such/folder.png").path)
            #expect(elsewhere.code == 1 && elsewhere.error.contains("no/such"), "\(elsewhere.error)")
        }
    }
}
