import ArgumentParser
import Datasets
import Engine
import Foundation
import Images
import Policies
import Tokenizers
import Training

/// Makes and checks training data.
struct DataCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Check your own data, and make training data.",
        subcommands: [DataCheck.self, Replay.self, Sheet.self])
}

/// Lets the base model write the texts that fine-tuning replays.
struct Replay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let the base model answer text prompts that fine-tuning replays.",
        discussion: "Example: apus data replay --count 320")

    @OptionGroup var options: PolicyOptions

    @Option(help: "The random seed of prompts and sampling.")
    var seed: UInt64 = 0

    @Option(help: "Number of prompts.")
    var count = 320

    @Option(help: "Maximum number of tokens per answer. Longer answers are left out, because they are incomplete.")
    var maxTokens = 400

    @Option(help: "The JSON lines file to write.")
    var output = "runs/replay.jsonl"

    func validate() throws {
        if count < 1 || maxTokens < 1 { throw ValidationError("--count and --max-tokens take at least 1") }
    }

    func run() async throws {
        let model = try LoadedModel(options)
        let folder = URL(fileURLWithPath: output).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let prompts = Array(ReplayPrompts(seed: seed).training.prefix(count))
        let base = Policy(
            name: PolicyRole.base.name, generation: 0, adapter: nil, vision: nil, template: .smollm2, sampling: .init(),
            created: 0)
        let progress = Console.current.progress("the base model answers \(prompts.count) prompts")
        let written = try await ReplayWriter(engine: model.engine, tokenizer: model.tokenizer, policy: base).write(
            prompts: prompts, seed: seed, maximumTokens: maxTokens, to: output
        ) { done in
            progress("\(done) of \(prompts.count) answers")
        }
        say("\(written) answers came to their end and are in \(output)")
    }
}

/// Draws a contact sheet of generated images.
struct Sheet: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draw generated images on one sheet for inspection.",
        discussion: """
            Examples: apus data sheet --families counts positions --questions sheet.png
                      apus data sheet --documents receipts bars --count 12 sheet.png
            """)

    @Option(help: "The random seed of the first image.")
    var seed: UInt64 = 0

    @Option(parsing: .upToNextOption, help: "Draw images of these families in turn. Default: plain scenes.")
    var families: [Family] = []

    @Option(
        parsing: .upToNextOption,
        help: "Draw documents of these families in turn, with the fonts and words that `make fonts` fetches.")
    var documents: [DocumentFamily] = []

    @Option(help: "Number of images.")
    var count = 48

    @Flag(help: "Print the questions and answers of the families' images as JSON lines.")
    var questions = false

    @Argument(help: "The PNG file to write.")
    var output: String

    func validate() throws {
        if questions && families.isEmpty && documents.isEmpty {
            throw ValidationError("--questions needs --families or --documents")
        }
        if !families.isEmpty && !documents.isEmpty {
            throw ValidationError("--families and --documents make different sheets: give one of them")
        }
        if !(1...400).contains(count) { throw ValidationError("--count takes 1 to 400") }
    }

    func run() throws {
        let seeds = (0..<UInt64(count)).map { seed &+ $0 }
        let sheet: RGBImage
        if !documents.isEmpty {
            let drawn = try drawDocuments(seeds)
            if questions { for (seed, document) in zip(seeds, drawn) { try print(document.questions, seed) } }
            sheet = ContactSheet.image(of: drawn.map(\.image), columns: 4, gap: 6)
        } else if !families.isEmpty {
            let images = seeds.enumerated().map { families[$0 % families.count].image(seed: $1) }
            if questions { for (seed, image) in zip(seeds, images) { try print(image.questions, seed) } }
            sheet = ContactSheet.image(of: images.map(\.scene.image), columns: 8, scale: 2)
        } else {
            sheet = ContactSheet.image(of: seeds.map { ShapeScene(seed: $0).image }, columns: 8, scale: 2)
        }
        try Data(ImageFile.encode(sheet)).write(to: URL(fileURLWithPath: output), options: .atomic)
    }

    private func drawDocuments(_ seeds: [UInt64]) throws -> [Document] {
        let studio = try DocumentStudio(fonts: Cache.fonts, words: Cache.words)
        return seeds.enumerated().map { documents[$0 % documents.count].document(seed: $1, from: studio) }
    }

    private struct Line<Question: Encodable>: Encodable {
        let seed: UInt64
        let question: Question
    }

    private func print(_ questions: [some Encodable], _ seed: UInt64) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        for question in questions {
            say(String(decoding: try encoder.encode(Line(seed: seed, question: question)), as: UTF8.self))
        }
    }
}
