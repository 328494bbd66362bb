import Checkpoints
import Foundation
import Images
import Models
import Serving
import Support
import TestSupport
import Testing
import apus

/// `apus tune` on a tiny model: from images to a published policy.
@Suite struct TuneCommandTests {
    /// A folder with data, a policy to start from, and the arguments that all commands share.
    private struct Place {
        let folder: URL
        let model: String

        init(_ folder: URL, images count: Int = 40) async throws {
            self.folder = folder
            model = try TinyLlama.file().path
            var generator = SplitMix64(seed: 1)
            let sizes = try VisionConfiguration(
                imageSize: 32, patchSize: 8, hidden: 8, layers: 1, heads: 2, feedForward: 16, scale: 2,
                textHidden: TinyLlama.configuration.hidden)
            try VisionWeights(configuration: sizes, using: &generator).write(to: path("eyes.safetensors"), as: .float32)
            try FileManager.default.createDirectory(atPath: path("data"), withIntermediateDirectories: true)
            var rows = "image,question,answer\n"
            for index in 0..<count {
                let image = RGBImage(width: 16, height: 16, red: UInt8(index), green: 90, blue: UInt8(index))
                try Data(ImageFile.encode(image)).write(to: folder.appending(path: "data/\(index).png"))
                rows += "\(index).png,hue,\(index < count / 2 ? "a" : "b")\n"
            }
            try Data(rows.utf8).write(to: folder.appending(path: "data/table.csv"))
            let trained = await CommandRun(
                "train", "sft", "--model", model, "--vision", path("eyes.safetensors"), "--data", path("data"),
                "--families", "none", "--easy-vqa", "none", "--replay", "none", "--steps", "2", "--run", path("start"))
            #expect(trained.code == 0, "\(trained.error)")
            let shipped = await CommandRun(
                "policy", "ship", path("start"), "--generation", "1", "--vision-generation", "1", "--into",
                path("shipped"))
            #expect(shipped.code == 0, "\(shipped.error)")
        }

        func path(_ name: String) -> String { folder.appending(path: name).path }

        func rules(_ json: String) throws {
            try Data(json.utf8).write(to: folder.appending(path: "rules.json"))
        }

        func tune(_ more: String...) async -> CommandRun {
            await CommandRun(
                [
                    "tune", "--model", model, "--policies", path("shipped"), "--data-path", path("kept"), "--data",
                    path("data"), "--run", path("tune"), "--rules", path("rules.json"), "--easy-vqa", "none", "--name",
                    "hues", "--minutes", "0.001",
                ] + more)
        }
    }

    @Test func imagesBecomeAPublishedPolicyAndTheSameCommandRepeatsNothing() async throws {
        try await withTemporaryFolder { folder in
            let place = try await Place(folder)
            try place.rules(#"[{"metric": "own_questions", "minimum": 3, "why": "x"}]"#)
            let first = await place.tune()
            #expect(first.code == 0, "\(first.output)\(first.error)")
            #expect(first.output.contains("1. fine-tuning: ") && first.output.contains("pass  own_questions: "))
            #expect(first.output.contains("published hues@1\nreport: \(place.path("tune"))/report.html\n"))
            let page = try String(contentsOfFile: place.path("tune/report.html"), encoding: .utf8)
            #expect(page.contains("published as hues, generation 1") && page.contains("Right answers by kind"))
            #expect(page.contains("loss by step") && page.contains("share of right answers to held-out questions"))
            let again = await place.tune()
            #expect(again.code == 0 && again.output.contains("fine-tuning: done"), "\(again.output)\(again.error)")
            #expect(again.output.contains("published hues@1\n") && !again.output.contains("measuring "))
            let other = await place.tune("--seed", "3")
            #expect(other.code != 0 && other.error.contains("settings.seed"))
            try await rankingsMayBeAskedForLater(place)
            try Data("{".utf8).write(to: URL(fileURLWithPath: place.path("tune/sft/config.json")))
            let damaged = await place.tune()
            #expect(damaged.code != 0 && damaged.error.contains("tune/sft/config.json"), "\(damaged.error)")
        }
    }

    /// What ranking needs is checked first, and only the fine-tuned generation is ranked.
    private func rankingsMayBeAskedForLater(_ place: Place) async throws {
        do {
            let lock = try DataLock(folder: place.path("kept"))
            let locked = await place.tune("--rankings", "2")
            #expect(locked.error.contains("another server uses this data folder"), "\(locked.output)\(locked.error)")
            #expect(!locked.output.contains("fine-tuning"))
            withExtendedLifetime(lock) {}
        }
        let newer = await CommandRun(
            "policy", "ship", place.path("tune/sft"), "--name", "hues", "--generation", "2", "--vision-generation", "2",
            "--into", place.path("kept/policies"))
        #expect(newer.code == 0, "\(newer.error)")
        let other = await place.tune("--rankings", "2", "--port", "\(Int.random(in: 20_000..<32_000))")
        #expect(other.error.contains("people rank answers of hues@1, but generation 2 is served"), "\(other.error)")
    }

    @Test func aRuleThatFailsPublishesNothing() async throws {
        try await withTemporaryFolder { folder in
            let place = try await Place(folder)
            try place.rules(#"[{"metric": "own_questions", "minimum": 1000, "why": "x"}]"#)
            let run = await place.tune()
            #expect(run.code == 1 && run.output.contains("FAIL  own_questions: "), "\(run.output)\(run.error)")
            #expect(!FileManager.default.fileExists(atPath: place.path("kept/policies/hues")))
            let page = try String(contentsOfFile: place.path("tune/report.html"), encoding: .utf8)
            #expect(page.contains("A rule fails"))
        }
    }

    @Test func whatCannotBeTunedIsSaidBeforeAnythingIsTrained() async throws {
        try await withTemporaryFolder { folder in
            let place = try await Place(folder, images: 12)
            try place.rules(#"[{"metric": "own_rihgt", "minimum": 1, "why": "x"}]"#)
            #expect(await place.tune().error.contains("rule 1 (own_rihgt): metric: no evaluation measures it"))
            try place.rules(#"[{"metric": "easy_vqa_open", "minimum": 1, "why": "x"}]"#)
            let without = await place.tune()
            #expect(without.error.contains("the rule for easy_vqa_open asks easy-VQA's questions"), "\(without.error)")
            try place.rules(#"[{"metric": "own_right", "minimum": 1, "applies_to": ["sft"], "why": "x"}]"#)
            #expect(await place.tune("--rankings", "2").error.contains("no rule applies to a run of `train dpo`"))
            try place.rules(#"[{"metric": "own_right", "minimum": 1, "why": "x"}]"#)
            #expect(await place.tune("--from", "nobody").error.contains("--from: there is no policy nobody"))
            #expect(await place.tune("--from", "sft@x").error.contains("--from takes a policy"))
            #expect(await place.tune("--name", "reward").error.contains("a policy cannot be called that"))
            #expect(await place.tune("--tolerance", "1").error.contains("--tolerance is for"))
            let few = await place.tune("--held-out", "0.05")
            #expect(few.code != 0 && few.error.contains("--data: expected at least 5 held-out examples"))
            #expect(!FileManager.default.fileExists(atPath: place.path("tune/sft")))
        }
    }
}
