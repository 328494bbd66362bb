import Checkpoints
import Foundation
import TestSupport
import Testing

/// Commands about model files: `apus models check` and `apus quantize`.
@Suite struct ModelFileTests {
    private static let families = ["granite", "llama", "mistral", "qwen2", "qwen3", "smollm3"].map { "families/\($0)" }

    @Test func aModelWithVisionIsDescribed() async throws {
        try await withTemporaryFolder { parent in
            let folder = try TinyFolder("smolvlm", in: parent)
            let run = await CommandRun("models", "check", folder.path)
            #expect(run.code == 0 && run.error.isEmpty, "\(run.error)")
            for line in [
                "decoder: 2 layers of width 64, 4 heads of 16, 2 for keys and values, feed-forward 96\n",
                "options: the embedding as output head\n", "context: 1024 positions of 256 bytes of keys and values\n",
                "tokens: 320, an answer ends with <|im_end|>\n", "chat template: none in the files",
                "vision: 2 layers of width 48, tiles of 32 pixels, 4 tokens each\n",
                "an image of 1600 × 1200 pixels: ", "digest: ",
            ] {
                #expect(run.output.contains(line), "\(line) in \(run.output)")
            }
        }
    }

    @Test(arguments: families) func aModelOfEveryFamilyIsDescribed(family: String) async throws {
        try await withTemporaryFolder { parent in
            let folder = try TinyFolder(family, in: parent)
            let run = await CommandRun("models", "check", folder.path)
            #expect(
                run.code == 0 && run.output.contains("decoder: ") && run.output.contains("tokens: 96"), "\(run.error)")
            #expect(!run.output.contains("vision"))
        }
    }

    @Test func aModelThatCannotBeServedIsAnError() async throws {
        try await withTemporaryFolder { parent in
            let folder = try TinyFolder("smolvlm", in: parent)
            try folder.set("preprocessor_config.json", "resample", to: "3")
            let broken = await CommandRun("models", "check", folder.path)
            #expect(broken.code == 1 && broken.output.isEmpty)
            #expect(
                broken.error.hasPrefix(
                    "Error: \(folder.path)/preprocessor_config.json: resample: expected an integer from 1 to 1, found 3"
                ),
                "\(broken.error)")
            try folder.set("config.json", "model_type", to: "\"qwen2_vl\"")
            let other = await CommandRun("models", "check", folder.path)
            #expect(other.code == 1 && other.error.contains("config.json: model_type: expected llama"))
            #expect(other.error.hasSuffix("found qwen2_vl\n"), "\(other.error)")
            let missing = await CommandRun("models", "check", folder.path + "/none")
            #expect(missing.code == 64 && missing.error.contains("there is no \(folder.path)/none"))
        }
    }

    /// The file of a folder answers as the folder does, whose weights are rounded when they are loaded.
    @Test func aFolderBecomesAFileThatAnswersAlike() async throws {
        try await withTemporaryFolder { parent in
            let folder = try TinyFolder("smolvlm", in: parent)
            let file = parent.path + "/model.gguf"
            let run = await CommandRun("quantize", folder.path, file)
            #expect(run.code == 0 && run.output.hasPrefix("\(file): 0 MiB\nmatrices: "), "\(run.error)")
            #expect(run.output.contains(" as Q8_0"))
            #expect(run.output.contains("The vision is not in the file"))
            #expect(await CommandRun("models", "check", file).code == 0)
            let question = ["ask", "hi", "--max-tokens", "6", "--policies", "", "--data-path", "", "--model"]
            let (before, after) = (await CommandRun(question + [folder.path]), await CommandRun(question + [file]))
            #expect(before.code == 0 && after.code == 0 && after.output == before.output, "\(after.error)")
        }
    }

    @Test func aFileThatIsQuantisedAlreadyIsSaidToStay() async throws {
        try await withTemporaryFolder { parent in
            let model = try TinyLlama.file(.q4_1).path
            let run = await CommandRun("quantize", model, parent.path + "/again.gguf")
            #expect(run.code == 0 && run.output.contains("matrices: 14 as Q4_1, 1 as Q8_0\n"), "\(run.output)")
            #expect(run.output.contains("\(model) is quantised already: its quantised matrices are written as they"))
        }
    }

    @Test func aModelThatGGUFCannotExpressIsAnError() async throws {
        try await withTemporaryFolder { parent in
            let folder = try TinyFolder("families/smollm3", in: parent)
            try folder.set("config.json", "no_rope_layers", to: "[1, 0, 1, 0]")
            let file = parent.path + "/model.gguf"
            let run = await CommandRun("quantize", folder.path, file)
            #expect(run.code == 1 && run.error.contains("config.json: no_rope_layers: expected every fourth layer"))
            #expect(!FileManager.default.fileExists(atPath: file))
            let other = await CommandRun("quantize", folder.path, file, "--type", "q4_k")
            #expect(other.code == 64 && other.error.contains("q4_k"))
        }
    }
}
