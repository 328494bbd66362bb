import ArgumentParser
import Checkpoints
import Foundation
import Models
import Policies
import Tensors
import Tokenizers

/// Commands about model files.
struct ModelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models", abstract: "List what can be served, and inspect model files.",
        subcommands: [ListModels.self, CheckModel.self], defaultSubcommand: ListModels.self)
}

/// Lists the policies with their generations, and the model files in the cache.
struct ListModels: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the policies and the model files that are here.",
        discussion: "Example: apus models")

    @OptionGroup private var shipped: PoliciesOption

    @OptionGroup private var data: DataFolderOption

    func run() throws {
        let published = data.dataPath.isEmpty ? nil : "\(data.dataPath)/policies"
        let library = PolicyLibrary(published: published, shipped: shipped.folder)
        let (current, all) = (try library.current(), try library.generations())
        for (name, generations) in all.sorted(by: { $0.key < $1.key }) {
            let others = generations.filter { $0 != current[name] }
            let served = current[name].map { "generation \($0)" } ?? "no current generation"
            say(
                "\(name): \(served)"
                    + (others.isEmpty ? "" : ", also \(others.map(String.init).joined(separator: ", "))"))
        }
        if all.isEmpty { say("no policies in \(library.folders.joined(separator: " or "))") }
        let files = (try? FileManager.default.contentsOfDirectory(atPath: Cache.folder))?.sorted() ?? []
        for file in files where file.hasSuffix(".gguf") || Self.isModel("\(Cache.folder)/\(file)") {
            say("\(Cache.folder)/\(file)")
        }
    }

    /// Whether a folder has a checkpoint in it.
    private static func isModel(_ folder: String) -> Bool {
        FileManager.default.fileExists(atPath: folder + "/config.json")
    }
}

/// Says what a server would load, without loading it.
struct CheckModel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Say what of a model would be loaded, and what it would need.",
        discussion: """
            It checks and hashes the files without loading the weights, and fails with the reason if the model cannot
            be served.

            Example: apus models check SmolVLM-256M-Instruct
            """)

    @Argument(help: "A Hugging Face folder or a GGUF file.")
    var path: String

    @Option(help: "The vision of a GGUF file: an mmproj GGUF file or a folder.")
    var vision: String?

    func run() throws {
        guard FileManager.default.fileExists(atPath: path) else { throw ValidationError("there is no \(path)") }
        let checkpoint = try ModelCheckpoint(path: path)
        let images = try vision.map { try VisionFiles.open(path: $0).files } ?? checkpoint.vision
        decoder(checkpoint)
        text(checkpoint)
        if let images { try describe(images, width: checkpoint.decoder.configuration.hidden) }
        say("digest: \(checkpoint.digest.sha256)")
    }

    private func decoder(_ checkpoint: ModelCheckpoint) {
        let sizes = checkpoint.decoder.configuration
        say(
            "decoder: \(sizes.layers) layers of width \(sizes.hidden), \(sizes.heads) heads of \(sizes.headSize), "
                + "\(sizes.kvHeads) for keys and values, feed-forward \(sizes.feedForward)")
        let options = [
            sizes.hasOwnOutput ? "an output head of its own" : "the embedding as output head",
            sizes.biases.isEmpty ? nil : "biases of \(sizes.biases.map(\.rawValue).sorted().joined(separator: ", "))",
            sizes.normalizesHeads ? "norms of query and key heads" : nil,
            sizes.unrotatedLayers.isEmpty ? nil : "\(sizes.unrotatedLayers.count) layers without rotary positions",
            sizes.ropeScaling == .none ? nil : "scaled rotary positions",
            sizes.embeddingScale == 1 && sizes.logitsScale == 1 ? nil : "scaled embeddings and logits",
        ]
        say("options: \(options.compactMap { $0 }.joined(separator: ", "))")
        let position = sizes.layers * sizes.kvHeads * 2 * sizes.headSize * MemoryLayout<Int16>.size
        say("context: \(sizes.contextLength) positions of \(position) bytes of keys and values")
        let forms = TransformerDecoder.Precision.served.map { ($1, checkpoint.decoder.bytes(as: $0)) }
        // Of a quantised file only the vectors are floats, and they always stay floats.
        let isOne = Set(forms.map(\.1)).count == 1
        let taken =
            isOne ? Self.mebibytes(forms[0].1) : forms.map { "\(Self.mebibytes($1)) as \($0)" }.joined(separator: ", ")
        say("weights: \(Self.mebibytes(checkpoint.digest.bytes)) in files; the decoder takes \(taken)")
    }

    private func text(_ checkpoint: ModelCheckpoint) {
        let vocabulary = checkpoint.vocabulary
        let ends = vocabulary.endTokens.map { vocabulary.tokens[Int($0)] }
        say("tokens: \(vocabulary.tokens.count), an answer ends with \(ends.joined(separator: " or "))")
        say(
            checkpoint.template == nil
                ? "chat template: none in the files; conversations use SmolLM2's"
                : "chat template: the model's own\(checkpoint.template?.takesImages == true ? ", with images" : "")")
    }

    private func describe(_ files: VisionFiles, width: Int) throws {
        let sizes = files.configuration
        guard sizes.textHidden == width else {
            throw ModelError.unsupported(
                key: "width of the vision's tokens", expected: "\(width), the decoder's", found: "\(sizes.textHidden)")
        }
        say(
            "vision: \(sizes.layers) layers of width \(sizes.hidden), tiles of \(sizes.imageSize) pixels, "
                + "\(sizes.positionsPerTile) tokens each")
        for (side, other) in [(sizes.imageSize, sizes.imageSize), (1600, 1200)] {
            let counts = ImageProcessor.Detail.allCases.map { detail in
                let tiles = files.processor.tileCount(width: side, height: other, detail: detail)
                let tokens = tiles * sizes.positionsPerTile
                return "\(detail.rawValue) \(tiles == 1 ? "1 tile" : "\(tiles) tiles"), \(tokens) tokens"
            }
            say("an image of \(side) × \(other) pixels: \(counts.joined(separator: "; "))")
        }
    }

    private static func mebibytes(_ bytes: Int) -> String { "\((bytes + (1 << 19)) >> 20) MiB" }
}

extension TransformerDecoder.Precision {
    /// The forms that `--weights` names.
    fileprivate static let served: [(TransformerDecoder.Precision, String)] = [
        (.q8_0, "q8_0"), (.bfloat16, "bf16"), (.asStored, "f32"),
    ]
}
