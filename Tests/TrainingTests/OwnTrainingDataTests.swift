import Checkpoints
import Datasets
import Foundation
import Images
import Models
import Policies
import Tensors
import TestSupport
import Testing
import Tokenizers
import Training

/// Fine-tuning on a user's own data: files in, a policy and the held-out examples out.
@Suite struct OwnTrainingDataTests {
    private let compute = Compute(threads: 2)

    /// A whole SmolVLM folder (`make_multimodal.py`), which sees with its own vision.
    private func model() throws -> ModelCheckpoint {
        let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../ModelsTests/Fixtures")
        return try ModelCheckpoint(path: fixtures.appendingPathComponent("multimodal").path)
    }

    /// Writes images of one colour and a table with two questions about each.
    private func table(_ count: Int, in folder: URL, answer: (Int) -> String = { $0 < 128 ? "dark" : "bright" }) throws
    {
        var rows = "image,question,answer\n"
        for index in 0..<count {
            let level = index * 255 / count
            let image = RGBImage(width: 8, height: 8, red: UInt8(level), green: UInt8(level), blue: 90)
            try Data(ImageFile.encode(image)).write(to: folder.appending(path: "\(index).png"))
            rows += "\(index).png,what is it,\(answer(level))\n\(index).png,how much,\(answer(level))\n"
        }
        try Data(rows.utf8).write(to: folder.appending(path: "data.csv"))
    }

    private func settings(weights: [Int], heldOut: Double = 0.2, steps: Int = 3) -> FineTuningSettings {
        var settings = FineTuningSettings()
        (settings.steps, settings.rank, settings.alpha, settings.warmUp) = (steps, 4, 8, 1)
        (settings.families, settings.heldOutFamilyImages) = ([], 1)
        settings.ownData = OwnDataSettings(weights: weights)
        settings.ownData?.heldOutShare = heldOut
        return settings
    }

    private func run(
        _ data: [URL], _ settings: FineTuningSettings, in folder: URL, start: String? = nil, limit: Duration? = nil
    ) throws -> FineTuningJob {
        let job = FineTuningJob(
            inputs: .init(
                baseModel: try model(), vision: nil, start: start, easyVQA: nil, replay: nil, ownData: data.map(\.path)),
            settings: settings, folder: folder.path)
        _ = try job.run(
            precision: .float32, compute: compute, options: .init(timeLimit: limit, validationInterval: 2),
            clock: StepClock()
        ) { _ in }
        return job
    }

    @Test func itTrainsOnOwnDataAndKeepsTheHeldOutExamples() throws {
        try withTemporaryFolder { folder in
            try table(20, in: folder)
            let job = try run([folder], settings(weights: [500]), in: folder.appending(path: "run"))
            #expect(FileManager.default.fileExists(atPath: job.adapterFolder + "/adapter_model.safetensors"))
            let heldOut = try OwnData.examples(at: job.heldOutPath)
            let split = try OwnDataSplit(OwnData.examples(at: folder.path), share: 0.2)
            #expect(!heldOut.isEmpty && heldOut.map(\.images) == split.heldOut.map(\.images))
            let log = try String(contentsOf: folder.appending(path: "run/log.jsonl"), encoding: .utf8)
            #expect(log.contains("\"accuracy_own\":") && log.contains("\"loss_own\":"))
            let finished = try FinishedFineTuning(folder: folder.appending(path: "run").path)
            let policy = try finished.publish(.init(generation: 1), in: folder.appending(path: "policies").path).policy
            #expect(policy.manifest.data["own"]?.count == 64)
        }
    }

    @Test func aVariedImageKeepsItsSizeAndItsGroundAndIsTheSameEachTime() {
        var pixels = [UInt8](repeating: 200, count: 20 * 16 * 3)
        for y in 6..<10 { for x in 6..<14 { pixels[(y * 20 + x) * 3] = 10 } }
        let image = RGBImage(width: 20, height: 16, pixels: pixels)
        func varied(_ number: UInt64) -> RGBImage {
            var variation = ImageVariation(seed: 3, number: number)
            return variation.varied(image)
        }
        let all = (0..<20 as Range<UInt64>).map(varied)
        #expect(all.allSatisfy { $0.width == 20 && $0.height == 16 } && all[4] == varied(4))
        #expect(Set(all.map(\.pixels)).count > 15)
        for one in all {
            // The corners are ground, which has one colour in every variation; the thing is still there.
            #expect(one.pixels[0] == one.pixels[1] && one.pixels[0] == one.pixels[2])
            #expect(one.pixels.contains { Int($0) < Int(one.pixels[0]) - 80 })
        }
        let one = RGBImage(width: 1, height: 1, red: 1, green: 2, blue: 3)
        var variation = ImageVariation(seed: 0, number: 0)
        #expect(variation.varied(one).width == 1)
    }

    @Test func variedImagesResumeToTheSameBytes() throws {
        try withTemporaryFolder { folder in
            try table(20, in: folder)
            var settings = settings(weights: [1_000])
            settings.ownData?.variesImages = true
            let whole = try run([folder], settings, in: folder.appending(path: "whole"))
            _ = try run([folder], settings, in: folder.appending(path: "pieces"), limit: .seconds(1))
            let pieces = try run([folder], settings, in: folder.appending(path: "pieces"))
            var plain = settings
            plain.ownData?.variesImages = nil
            let other = try run([folder], plain, in: folder.appending(path: "plain"))
            func weights(_ job: FineTuningJob) throws -> Data {
                try Data(contentsOf: URL(fileURLWithPath: job.adapterFolder + "/adapter_model.safetensors"))
            }
            #expect(try weights(whole) == weights(pieces) && weights(whole) != weights(other))
        }
    }

    @Test func aPolicyThatStartsFromAnotherNamesItAsItsParent() throws {
        try withTemporaryFolder { folder in
            try table(20, in: folder)
            let policies = folder.appending(path: "policies").path
            func publish(generation: Int, from start: PolicyFolder?) throws -> PolicyFolder {
                let run = folder.appending(path: "run\(generation)")
                _ = try self.run([folder], settings(weights: [500]), in: run, start: start?.path)
                let finished = try FinishedFineTuning(folder: run.path)
                return try finished.publish(.init(generation: generation), in: policies).policy
            }
            let first = try publish(generation: 1, from: nil)
            let second = try publish(generation: 2, from: first)
            #expect(first.manifest.parent == nil)
            #expect(second.manifest.parent == .init(name: "sft", generation: 1))
        }
    }

    @Test func aPausedRunGivesTheSameBytes() throws {
        try withTemporaryFolder { folder in
            let data = folder.appending(path: "data")
            try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
            try table(12, in: data)
            let settings = settings(weights: [1_000], steps: 4)
            _ = try run([data], settings, in: folder.appending(path: "whole"))
            _ = try run([data], settings, in: folder.appending(path: "pieces"), limit: .seconds(4))
            _ = try run([data], settings, in: folder.appending(path: "pieces"))
            for name in ["log.jsonl", "config.json", "held-out.jsonl", "adapter/adapter_model.safetensors"] {
                let one = try Data(contentsOf: folder.appending(path: "whole/\(name)"))
                let other = try Data(contentsOf: folder.appending(path: "pieces/\(name)"))
                #expect(one == other, "\(name)")
            }
        }
    }

    @Test func otherDataAreAnotherRun() throws {
        try withTemporaryFolder { folder in
            try table(12, in: folder)
            _ = try run([folder], settings(weights: [500], steps: 2), in: folder.appending(path: "run"))
            let changed = RGBImage(width: 8, height: 8, red: 1, green: 2, blue: 3)
            try Data(ImageFile.encode(changed)).write(to: folder.appending(path: "3.png"))
            #expect {
                _ = try run([folder], settings(weights: [500], steps: 2), in: folder.appending(path: "run"))
            } throws: { "\($0)".contains("inputs.own.sha256") }
        }
    }

    /// Each with the words that the error must have.
    @Test(arguments: [
        (#"{"prompt":"a","images":["0.png"]}"#, "1 of 25 examples have no answer, and fine-tuning needs one"),
        (#"{"prompt":"a","completion":"b"}"#, "1 of 25 examples have no image"),
        (#"{"prompt":"a","completion":"b","images":["https://a/b.png"]}"#, "is a web address"),
    ])
    func unusableDataAreRefused(_ line: String, _ message: String) throws {
        try withTemporaryFolder { folder in
            try table(12, in: folder)
            try Data(line.utf8).write(to: folder.appending(path: "more.jsonl"))
            #expect {
                _ = try run([folder], settings(weights: [500]), in: folder.appending(path: "run"))
            } throws: { "\($0)".contains(message) }
        }
    }

    @Test func aShareThatHoldsOutNothingIsRefused() throws {
        try withTemporaryFolder { folder in
            try table(1, in: folder)
            #expect {
                _ = try run([folder], settings(weights: [500], heldOut: 1e-9), in: folder.appending(path: "run"))
            } throws: { "\($0)".contains("raise --held-out") }
            _ = try run([folder], settings(weights: [500], heldOut: 0), in: folder.appending(path: "run"))
        }
    }

    @Test func examplesThatDoNotFitAreNamed() throws {
        try withTemporaryFolder { folder in
            try table(12, in: folder)
            let long = String(repeating: "word ", count: 4_000)
            let line = #"{"prompt":"\#(long)","completion":"b","images":["0.png"]}"#
            try Data(line.utf8).write(to: folder.appending(path: "more.jsonl"))
            #expect {
                _ = try run([folder], settings(weights: [500]), in: folder.appending(path: "run"))
            } throws: { "\($0)".contains("more.jsonl:1: ") && "\($0)".contains("tokens, expected at most") }
        }
    }

    @Test func severalImagesAndEarlierTurnsAreTrainedOn() throws {
        try withTemporaryFolder { folder in
            try table(12, in: folder)
            let line =
                #"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"0.png"}},"#
                + #"{"type":"text","text":"a"}]},{"role":"assistant","content":"one"},{"role":"user","content":"#
                + #"[{"type":"image_url","image_url":{"url":"1.png"}},{"type":"text","text":"b"}]},"#
                + #"{"role":"assistant","content":"two"},{"role":"user","content":"c"},"#
                + #"{"role":"assistant","content":"three"}],"split":"train"}"#
            try Data((line + "\n").utf8).write(to: folder.appending(path: "more.jsonl"))
            let job = try run(
                [folder.appending(path: "more.jsonl")], settings(weights: [1_000], heldOut: 0),
                in:
                    folder.appending(path: "run"))
            #expect(FileManager.default.fileExists(atPath: job.adapterFolder))
            #expect(!FileManager.default.fileExists(atPath: job.heldOutPath))
        }
    }

    // MARK: Shares of a step

    @Test func slotsAreSharedOutByWeight() {
        for weights in [
            [1, 7], [1, 7, 4], [500, 1_000], [3, 0, 5], [100, 100, 800], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
        ] {
            let (mix, total) = (SlotMix(weights: weights), weights.reduce(0, +))
            var next = weights.map { _ in 0 }
            for step in 0..<50 {
                var count = 0
                for source in weights.indices {
                    let positions = mix.positions(of: source, in: step * 8..<(step + 1) * 8)
                    #expect(positions.lowerBound == next[source])
                    next[source] = positions.upperBound
                    count += positions.count
                    // No source is ever a whole slot behind or ahead of its share, for each of the others.
                    let share = Double(positions.upperBound * total) / Double(max(1, (step + 1) * 8))
                    #expect(
                        abs(share - Double(weights[source])) * Double((step + 1) * 8) / Double(total)
                            <= Double(weights.count))
                }
                #expect(count == 8)
            }
        }
    }

    @Test func theShippedMixIsOneAndSevenImagesInEachStep() {
        let mix = SlotMix(weights: [1_000, 7_000])
        for step in 0..<20 {
            #expect(mix.positions(of: 0, in: step * 8..<(step + 1) * 8) == step..<step + 1)
            #expect(mix.positions(of: 1, in: step * 8..<(step + 1) * 8) == step * 7..<(step + 1) * 7)
        }
    }
}
