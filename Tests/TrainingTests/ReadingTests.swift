import Datasets
import Foundation
import Images
import Models
import Support
import Synchronization
import Tensors
import TestSupport
import Testing
import Training
import Typography

/// Training of a tiny vision encoder to read pages of text.
@Suite struct ReadingTests {
    private let compute = Compute(threads: 2)

    private func settings(steps: Int) -> VisionPretrainingSettings {
        var settings = VisionPretrainingSettings()
        settings.steps = steps
        settings.imagesPerStep = 12
        settings.imagesPerPass = 5
        settings.warmUp = 3
        settings.heldOutScenes = 4
        settings.heldOutPages = 2
        settings.patchSize = 16
        settings.stem = [4, 6, 8]
        settings.hidden = 16
        settings.layers = 1
        settings.heads = 2
        settings.feedForward = 32
        return settings
    }

    private static let families = [
        FontFamily(
            "Tuffy", .sans, maker: "Thatcher Ulrich", licence: "public domain", package: "fonts-tuffy",
            faces: [.init("Regular", "Tuffy-ASCII.ttf")]),
        FontFamily(
            "OCR-B", .mono, maker: "Norbert Schwarz", licence: "public domain", package: "fonts-ocr-b",
            split: .heldOut, faces: [.init("Regular", "OCRB.otf")]),
    ]

    private static let words = WordList(
        words: ["paper", "music", "garden", "window", "yellow", "river", "simple", "table", "monday", "orange"])

    /// Pages in two fonts. Each is drawn with fonts of its own, so any thread may do so.
    private static func page(_ seed: UInt64) throws -> TextPage {
        let folder = fixtures.path
        return try TextPage(
            seed: seed, fonts: OpenFonts(FontCollection(folder: folder, families: families)), words: words)
    }

    private static let fixtures = URL(filePath: #filePath).appending(path: "../../TypographyTests/Fixtures")
        .standardized

    private func images(_ settings: VisionPretrainingSettings) throws -> VisionImages {
        let scenes = (0..<9).map { LabelledScene(ShapeScene(seed: SeedSplit.training.seed(at: $0), count: 1...1)) }
        return try VisionImages(
            training: Array(scenes[..<7]), heldOut: Array(scenes[7...]), pages: Self.page, settings: settings)
    }

    private func words() -> WordEmbeddings {
        var generator = SplitMix64(seed: 1, stream: 0)
        return WordEmbeddings(table: Tensor(normal: 0.5, [WordEmbeddings.countWithText, 20], using: &generator))
    }

    private func stage(_ settings: VisionPretrainingSettings) throws -> VisionPretraining {
        try VisionPretraining(images: images(settings), words: words(), settings: settings, on: compute)
    }

    @Test func stepsTrainOnWindowsAndEndWithTiles() throws {
        let settings = settings(steps: 20)
        let images = try images(settings)
        // The first half of the run has text alone.
        let texts = try images.batch(of: 9, on: compute)
        #expect(texts.count == 12 && texts.allSatisfy { $0.scene == nil })
        let windows = try images.batch(of: 10, on: compute)
        #expect(windows.count == 12 && windows.count { $0.scene != nil } == 2)
        for window in windows {
            #expect(window.image.width == 64 && window.image.height == 64)
            // Tokens of windows and of tiles have the same patches.
            let place = try #require(window.window)
            #expect(place.row % 2 == 0 && place.column % 2 == 0 && place.row <= 4 && place.column <= 4)
        }
        let tiles = try images.batch(of: 19, on: compute)
        #expect(tiles.count == 3 && tiles.allSatisfy { $0.image.width == 128 && $0.window == nil })
        #expect(tiles.count { $0.scene != nil } == 1)
        for image in windows + tiles {
            for character in image.characters ?? [] {
                // A part of it is inside.
                let (box, side) = (character.box, Float(image.image.width))
                #expect(box.right > 0 && box.left < side)
                #expect((box.bottom > 0 && box.top < side) || (0..<side).contains(character.lineY))
            }
        }
        #expect(windows.contains { !($0.characters ?? []).isEmpty })
    }

    @Test func aStepsWindowsAreDecidedBySeedAndStep() throws {
        let images = try images(settings(steps: 20))
        for step in [0, 1, 7, 19] {
            let batch = try images.batch(of: step, on: compute)
            let again = try images.batch(of: step, on: Compute(threads: 1))
            #expect(batch.map(\.image) == again.map(\.image))
            #expect(batch.map(\.window) == again.map(\.window))
            #expect(batch.map(\.characters) == again.map(\.characters))
        }
        let other = try images.batch(of: 1, on: compute)
        #expect(try images.batch(of: 0, on: compute).map(\.image) != other.map(\.image))
    }

    @Test func aLargeCharacterCoversPatches() {
        let image = RGBImage(width: 64, height: 64, red: 255, green: 255, blue: 255)
        let large = PlacedCharacter(
            scalar: "A", box: InkBox(left: 4, top: 6, right: 30, bottom: 38), lineY: 26)
        let small = PlacedCharacter(scalar: "b", box: InkBox(left: 50, top: 50, right: 56, bottom: 60), lineY: 57)
        var settings = settings(steps: 1)
        settings.patchSize = 8
        let targets = VisionTargets([VisionExample(image, characters: [large, small])], settings: settings)
        let found = targets.classes[.cover] ?? []
        let (a, b) = (CharacterClass.number(of: "A") ?? 0, CharacterClass.number(of: "b") ?? 0)
        for (index, found) in found.enumerated() {
            let (row, column) = (index / 8, index % 8)
            let isLarge = (0...4).contains(row) && (0...3).contains(column)
            #expect(
                found == (isLarge ? a : index == 6 * 8 + 6 || index == 7 * 8 + 6 ? b : 0), "patch \(row), \(column)")
        }
    }

    @Test func gradientsAreTheLossesSlopes() throws {
        var settings = settings(steps: 20)
        settings.precision = .float32
        var stage = try stage(settings)
        let batch = try images(settings).batch(of: 3, on: compute)
        let gradients = stage.gradients(of: batch, noneWeight: 0.3).gradients
        func loss() -> Double {
            let losses = stage.gradients(of: batch, noneWeight: 0.3).losses
            return losses.heads + losses.words
        }
        for name in [
            "head.patch.character.weight", "head.patch.cover.weight", "model.vision_model.embeddings.stem.0.weight",
            "model.connector.modality_projection.proj.weight",
        ] {
            let (start, gradient) = (stage.parameters[name], gradients[name])
            let norm = compute.squaredNorm(gradient).squareRoot()
            try #require(norm > 1e-5, "\(name) has no gradient")
            let step = 5e-3
            var slope = 0.0
            for sign in [1.0, -1.0] {
                compute.add(&stage.parameters[name], gradient, scale: Float(sign * step / norm))
                slope += sign * loss() / (2 * step)
                stage.parameters[name] = start
            }
            #expect(abs(slope - norm) < 0.02 * norm + 1e-4, "\(name): slope \(slope), gradient \(norm)")
        }
    }

    @Test func itLearnsToReadAndMeasuresItself() throws {
        var stage = try stage(settings(steps: 300))
        var losses: [Double] = []
        for step in 0..<240 {
            let report = try stage.advance(step: step)
            losses.append(report.metrics.first { $0.name == "loss_characters" }?.value ?? .nan)
        }
        let (early, late) = (losses.prefix(10).reduce(0, +) / 10, losses.suffix(10).reduce(0, +) / 10)
        #expect(late < 0.9 * early, "\(early) to \(late)")
        let names = try stage.validate().map(\.name)
        for name in ["accuracy_seen_fonts_character", "found_new_fonts_character", "clear_new_fonts"] {
            #expect(names.contains(name), "\(name)")
        }
        let weights = stage.finishedWeights
        #expect(weights.configuration.endsRows && weights.configuration.imageSize == 128)
        // Another run goes on from the finished weights.
        let settings = settings(steps: 2)
        let more = try VisionPretraining(
            images: images(settings), words: words(), start: weights, settings: settings, on: compute)
        #expect(more.weights.digest == stage.weights.digest)
        // So does the head that reads; the other heads begin anew.
        for name in ["head.patch.character.weight", "head.patch.character.bias"] {
            #expect(more.parameters[name].elements == stage.parameters[name].elements)
        }
        #expect(weights.reader?.bias.elements == stage.parameters["head.patch.character.bias"].elements)
    }

    /// The update that Muon makes of a gradient has singular values near 1.
    @Test(arguments: [(24, 24), (16, 40), (40, 16)])
    func aMatrixIsMadeOrthogonal(rows: Int, columns: Int) {
        var generator = SplitMix64(seed: 4)
        let x = Tensor(normal: 3, [rows, columns], using: &generator)
        let y = compute.orthogonal(x)
        let gram =
            rows > columns
            ? compute.multiply(y, y, transposeA: true) : compute.multiply(y, y, transposeB: true)
        // The sum of the squared singular values, and each row's share.
        let mean = (0..<gram.rows).reduce(0.0) { $0 + Double(gram[$1, $1]) } / Double(gram.rows)
        #expect((0.6...1.3).contains(mean), "\(mean)")
        // It keeps the singular vectors: x yᵀ is symmetric.
        let product =
            rows > columns ? compute.multiply(x, y, transposeA: true) : compute.multiply(x, y, transposeB: true)
        var difference = 0.0
        for i in 0..<product.rows {
            for j in 0..<i { difference = max(difference, Double(abs(product[i, j] - product[j, i]))) }
        }
        #expect(difference < 0.05 * compute.squaredNorm(product).squareRoot(), "\(difference)")
    }
}
