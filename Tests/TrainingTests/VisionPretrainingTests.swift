import Checkpoints
import Datasets
import Foundation
import Images
import Models
import Support
import Tensors
import TestSupport
import Testing
import Training

/// Training of a tiny encoder on scenes.
@Suite struct VisionPretrainingTests {
    private let compute = Compute(threads: 2)

    private func settings(steps: Int) -> VisionPretrainingSettings {
        var settings = VisionPretrainingSettings()
        settings.steps = steps
        settings.imagesPerStep = 9
        settings.imagesPerPass = 4
        settings.warmUp = 3
        settings.learningRate = 1e-2
        settings.heldOutScenes = 4
        settings.readsText = false
        settings.tileSize = 64
        settings.precision = .float32
        settings.matrixRate = 0
        settings.floor = 0
        settings.patchSize = 16
        settings.stem = []
        settings.hidden = 16
        settings.layers = 1
        settings.heads = 2
        settings.feedForward = 32
        return settings
    }

    private func scene(_ index: Int, count: ClosedRange<Int> = 1...1) -> LabelledScene {
        LabelledScene(ShapeScene(seed: SeedSplit.training.seed(at: UInt64(index)), count: count))
    }

    private func familyImage(_ index: Int) -> LabelledScene {
        let family = Family.allCases[index % Family.allCases.count]
        return LabelledScene(family.image(seed: SeedSplit.training.seed(at: UInt64(index))).scene)
    }

    private func images(_ settings: VisionPretrainingSettings) throws -> VisionImages {
        try VisionImages(training: (0..<7).map { scene($0) }, heldOut: (7..<13).map { scene($0) }, settings: settings)
    }

    private func stage(steps: Int) throws -> VisionPretraining {
        var generator = SplitMix64(seed: 1, stream: 0)
        let words = WordEmbeddings(table: Tensor(normal: 0.5, [WordEmbeddings.count, 20], using: &generator))
        return try VisionPretraining(
            images: try images(settings(steps: steps)), words: words, settings: settings(steps: steps), on: compute)
    }

    @Test func gradientsAreTheLossesSlopes() throws {
        var stage = try stage(steps: 1)
        let batch = ((0..<3).map { scene(20 + $0) } + (0..<8).map { familyImage($0) }).map { VisionExample($0) }
        let gradients = stage.gradients(of: batch).gradients
        func loss() -> Double {
            let losses = stage.gradients(of: batch).losses
            return losses.heads + losses.words
        }
        for (index, name) in gradients.names.enumerated() where !name.hasSuffix("k_proj.bias") {
            let (start, gradient) = (stage.parameters.tensors[index], gradients.tensors[index])
            let norm = compute.squaredNorm(gradient).squareRoot()
            try #require(norm > 1e-5, "\(name) has no gradient")
            let step = 5e-3
            var slope = 0.0
            for sign in [1.0, -1.0] {
                compute.add(&stage.parameters.tensors[index], gradient, scale: Float(sign * step / norm))
                slope += sign * loss() / (2 * step)
                stage.parameters.tensors[index] = start
            }
            #expect(abs(slope - norm) < 0.02 * norm + 1e-4, "\(name): slope \(slope), gradient \(norm)")
        }
    }

    @Test func passesOfAnySizeGiveTheSameMeanLoss() throws {
        let stage = try stage(steps: 1)
        let nine = stage.gradients(of: (0..<9).map { VisionExample(scene($0 % 3)) }).losses
        let three = stage.gradients(of: (0..<3).map { VisionExample(scene($0)) }).losses
        #expect(abs(nine.heads - three.heads) < 1e-5 * three.heads)
        #expect(abs(nine.words - three.words) < 1e-5 * three.words)
    }

    @Test func itLearns() throws {
        var stage = try stage(steps: 400)
        var losses: [Double] = []
        for step in 0..<400 { losses.append(try stage.advance(step: step).loss) }
        let (early, late) = (losses.prefix(10).reduce(0, +) / 10, losses.suffix(10).reduce(0, +) / 10)
        #expect(late < 0.7 * early)
        let metrics = try stage.validate()
        let names = metrics.map(\.name)
        for name in ["scene_patch_kind", "official_word_colour", "family_patch_twins", "family_picture_count"] {
            #expect(names.contains("accuracy_" + name))
        }
        let ink = try #require(metrics.first { $0.name == "accuracy_scene_patch_ink" })
        #expect(ink.value > 0.85)
    }

    @Test func aRunCutInPiecesGivesTheSameBytes() throws {
        func run(_ folder: URL, limit: Duration?) throws -> TrainingRun<VisionPretraining>.Outcome {
            let runFolder = try RunFolder(path: folder.path, configuration: settings(steps: 8))
            var run = try TrainingRun(
                stage: stage(steps: 8), folder: runFolder, options: .init(timeLimit: limit, validationInterval: 3)
            ) { _ in }
            return try run.run(clock: StepClock())
        }
        try withTemporaryFolder { whole in
            try withTemporaryFolder { pieces in
                #expect(try run(whole, limit: nil) == .finished)
                guard case .paused(let step) = try run(pieces, limit: .seconds(3)) else {
                    Issue.record("the run was not cut")
                    return
                }
                #expect(step > 0 && step < 8)
                #expect(try run(pieces, limit: nil) == .finished)
                for name in ["checkpoint.safetensors", "log.jsonl"] {
                    let one = try Data(contentsOf: whole.appendingPathComponent(name))
                    #expect(try Data(contentsOf: pieces.appendingPathComponent(name)) == one, "\(name)")
                }
            }
        }
    }
}

@Suite struct VisionDataTests {
    private let compute = Compute(threads: 2)

    @Test func anOfficialImagesShapeIsFoundInItsPixels() {
        for index in UInt64(0)..<60 {
            let scene = ShapeScene(seed: SeedSplit.training.seed(at: index), count: 1...1)
            let drawn = LabelledScene(scene)
            let found = LabelledScene(scene.image, facts: ImageFacts())
            for side in [8, 16] {
                for (a, b) in zip(drawn.contents(side: side), found.contents(side: side)) where a != b {
                    // Rounding decides where an edge begins.
                    #expect(a == .unclear || b == .unclear, "scene \(index): \(a), \(b)")
                }
            }
        }
    }

    @Test func squaresShowWhatMostOfTheirInkIs() throws {
        let scene = ShapeScene(seed: 5, count: 3...3)
        let image = LabelledScene(scene)
        #expect(image.labels.map(\.kind) == scene.objects.map { .shape(SceneShape($0.shape)) })
        #expect(image.single == nil)
        let contents = image.contents(side: 8)
        #expect(contents.count == 64)
        for (index, object) in scene.objects.enumerated() {
            let (x, y) = (object.box.x + object.box.width / 2, object.box.y + object.box.height / 2)
            #expect(contents[y / 8 * 8 + x / 8] == .label(index))
        }
        #expect(contents.contains(.background))
    }

    @Test func aThingsMiddleIsInOneSquare() {
        for index in UInt64(0)..<40 {
            let image = LabelledScene(Family.counts.image(seed: index).scene)
            let centres = image.centres(side: 16)
            #expect(centres.count == image.labels.count && Set(centres).count == centres.count)
            let contents = image.contents(side: 16)
            for (label, centre) in centres.enumerated() where image.labels[label].kind != .shape(.ring) {
                #expect(contents[centre] == .label(label), "picture \(index), thing \(label)")
            }
        }
    }

    @Test func aStepsImagesAreDecidedBySeedAndStep() throws {
        var settings = VisionPretrainingSettings()
        settings.readsText = false
        settings.tileSize = 64
        settings.imagesPerStep = 16
        settings.heldOutScenes = 2
        let official = (0..<10).map { LabelledScene(ShapeScene(seed: UInt64(900 + $0), count: 1...1)) }
        let heldOut = Array(official[8...])
        let images = try VisionImages(training: Array(official[..<8]), heldOut: heldOut, settings: settings)
        let batch = try images.batch(of: 3, on: compute)
        let alone = try images.batch(of: 3, on: Compute(threads: 1))
        #expect(batch.map(\.image) == alone.map(\.image))
        for place in [0, 8] { #expect(official.contains { $0.image == batch[place].image }) }
        for place in [4, 12] { #expect((1...3).contains(batch[place].scene?.labels.count ?? 0)) }
        #expect(batch[1].image != batch[5].image)
        #expect(try images.batch(of: 4, on: compute)[1].image != batch[1].image)
        settings.seed = 1
        let other = try VisionImages(training: Array(official[..<8]), heldOut: heldOut, settings: settings)
        #expect(try other.batch(of: 3, on: compute)[1].image != batch[1].image)
        // Two epochs of eight official images, minus two: each once or twice, and no held-out image.
        let drawn = try (0..<7).flatMap { step in
            let batch = try images.batch(of: step, on: compute)
            return [0, 8].map { batch[$0].image.pixels }
        }
        for scene in official {
            let count = drawn.count { $0 == scene.image.pixels }
            #expect(isHeld(scene) ? count == 0 : (1...2).contains(count))
        }
        func isHeld(_ scene: LabelledScene) -> Bool { heldOut.contains { $0.image == scene.image } }
    }
}

/// Ten steps of AdamW on the encoder and connector against PyTorch in float64: `make_training.py`.
@Suite struct VisionOptimizerTests {
    private struct Recording: Decodable {
        struct Sizes: Decodable {
            let image: Int, patch: Int, hidden: Int, layers: Int, heads: Int, ffn: Int, scale: Int, text: Int
        }
        let sizes: Sizes
        let losses: [Double], norms: [Double]
    }

    @Test func tenStepsEqualPyTorch() throws {
        let compute = Compute(threads: 2)
        let recording = try JSONDecoder().decode(
            Recording.self, from: Data(contentsOf: fixtureURL("vision_training.json")))
        let file = try SafetensorsFile(path: fixtureURL("vision_training.safetensors").path)
        let sizes = recording.sizes
        let configuration = try VisionConfiguration(
            imageSize: sizes.image, patchSize: sizes.patch, hidden: sizes.hidden, layers: sizes.layers,
            heads: sizes.heads, feedForward: sizes.ffn, scale: sizes.scale, textHidden: sizes.text)
        let names = VisionWeights.shapes(for: configuration).map(\.name)
        let start = ParameterSet(try names.map { ($0, try file.tensor("start." + $0)) })
        var current = start
        var optimizer = Optimizer(
            parameters: start, groups: [.init(learningRate: 1e-3, weightDecay: 0.05)])
        let schedule = CosineSchedule(steps: 10, warmUp: 3, floor: 0.05)
        let target = try file.tensor("target")
        for step in 0..<10 {
            let weights = VisionWeights(configuration: configuration, parameters: current)
            let pass = VisionPass(try file.tensor("pixels"), weights: weights, on: compute)
            let (tokens, shuffled) = pass.connect(weights: weights)
            var difference = tokens
            compute.add(&difference, target, scale: -1)
            let loss = compute.squaredNorm(difference) / Double(target.count)
            compute.scale(&difference, by: 2 / Float(target.count))
            var gradients = current.zeros()
            let dfeatures = pass.connectBackward(
                difference, shuffled: shuffled, weights: weights, gradients: &gradients)
            pass.backward(dfeatures, weights: weights, gradients: &gradients)
            let norm = optimizer.update(
                &current, gradients: gradients, factor: schedule.factor(at: step), on: compute)
            #expect(abs(loss - recording.losses[step]) < 1e-4 * recording.losses[step], "loss of step \(step)")
            #expect(abs(norm - recording.norms[step]) < 1e-3 * recording.norms[step], "norm of step \(step)")
        }
        for name in names where !name.hasSuffix("k_proj.bias") {
            var (error, way) = (current[name], try file.tensor("final." + name))
            compute.add(&error, way, scale: -1)
            compute.add(&way, start[name], scale: -1)
            #expect(compute.squaredNorm(error) < 1e-6 * compute.squaredNorm(way), "\(name)")
        }
    }
}
