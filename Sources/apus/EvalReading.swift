import ArgumentParser
import Datasets
import Evaluation
import Images
import Models
import Tensors
import Training

/// Measures what a vision encoder reads by itself.
struct EvalReading: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reading",
        abstract: "Report how many characters a vision encoder reads wrong by itself, or show what it reads in images.",
        discussion: """
            Examples: apus eval reading runs/vision/model.safetensors --documents lines receipts --count 50
                      apus eval reading Deploy/policies/vision/8/model.safetensors --image screenshot.png
            """)

    @OptionGroup var model: ModelOptions

    @Argument(help: "The file of the vision encoder.")
    var vision: String

    @Option(parsing: .upToNextOption, help: "Images to read, in place of documents.")
    var image: [String] = []

    @Option(help: "Number of documents per family.")
    var count = 50

    @Option(parsing: .upToNextOption, help: "The families of documents. Default: all.")
    var documents: [DocumentFamily] = []

    @Option(help: "The split. Fonts and words of test are never in training; validation has training's.")
    var split = SeedSplit.test

    @Flag(help: "Show each text beside what was read.")
    var show = false

    @Flag(name: .customLong("float32"), help: "Compute in 32 bits in place of integers.")
    var isFloat = false

    @OptionGroup var drawing: DrawingOptions

    func validate() throws {
        guard (1...5_000).contains(count) else { throw ValidationError("--count takes 1 to 5000") }
        guard split != .training else { throw ValidationError("--split takes test or validation") }
    }

    func run() throws {
        let weights = try VisionWeights(path: vision)
        let arithmetic = isFloat ? VisionEncoder.Arithmetic.floats(.float32) : .integers
        guard let reader = TextReader(weights, arithmetic: arithmetic, on: try model.compute()) else {
            throw ValidationError("\(vision) has no head that reads; train one with `apus train vision`")
        }
        for path in image { say(try reader.text(in: Ask.image(path), detail: .auto)) }
        guard image.isEmpty else { return }
        let studio = try DocumentStudio(fonts: drawing.materials.fonts, words: drawing.materials.words)
        let evaluation = ReadingEvaluation(reader, studio: studio)
        let families = documents.isEmpty ? DocumentFamily.allCases : documents
        let samples = families.flatMap { evaluation.samples(of: $0, split: split, count: count) }
        for sample in samples where show {
            say("\(sample.family.rawValue)\n\(sample.drawn)\n— read —\n\(sample.read)\n")
        }
        say(ReadingEvaluation.table(samples))
    }
}
