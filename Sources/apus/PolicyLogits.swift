import ArgumentParser
import Checkpoints
import Engine
import Foundation
import Images
import Models
import Policies
import Tensors
import Tokenizers

/// Writes a policy's logits, for comparison with other implementations.
struct PolicyLogits: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logits",
        abstract: "Write a policy's logits at every position of a prompt, computed in 32 bits, for comparison with "
            + "transformers and PEFT (Tests/Clients/peft_policy.py).",
        discussion: "Example: apus policy logits --image photo.png 'What is this?' logits.safetensors")

    @OptionGroup var options: PolicyOptions

    @Option(help: "The policy. Default: the default policy.")
    var policy: String?

    @Option(help: "An image file that the question is about.")
    var image: String?

    @Argument(help: "The question.")
    var question: String

    @Argument(
        help: ArgumentHelp(
            "The safetensors file: `logits`, [positions, vocabulary], and in the metadata `ids` and `images`, the "
                + "positions of the image."))
    var output: String

    func run() throws {
        let checkpoint = try options.model.checkpoint()
        let decoder = try TransformerDecoder(
            checkpoint.decoder, precision: .float32, compute: options.model.compute())
        let base = try BaseModel(
            checkpoint, vision: options.vision, arithmetic: .floats(.float32), decoder: decoder)
        let loader = PolicyLoader(
            decoder: decoder, base: base, library: options.library, preferred: options.defaultPolicy)
        let catalog = try loader.catalog(of: loader.current())
        guard let policy = policy.map({ catalog[$0] }) ?? catalog.defaultPolicy else {
            throw ValidationError("there is no policy \(policy ?? "")")
        }
        let images = try image.map { path in
            guard let bytes = FileManager.default.contents(atPath: path) else {
                throw ValidationError("\(path) cannot be read")
            }
            return [InputProcessor.Image(image: try ImageFile.decode(Array(bytes)))]
        }
        let message = ChatMessage(role: .user, content: (images ?? []).map { _ in .image(0) } + [.text(question)])
        let request = try InputProcessor(tokenizer: Tokenizer(checkpoint.vocabulary))
            .request(messages: [message], images: images ?? [], policy: policy)
        let metadata = [
            "policy": policy.name, "generation": "\(policy.generation)",
            "ids": request.prompt.map { "\($0)" }.joined(separator: " "),
            "images": request.images.flatMap(\.range).map { "\($0)" }.joined(separator: " "),
        ]
        let logits = decoder.forward(
            batch(of: request), cache: decoder.makeCache(bytes: 0, minimumPositions: request.prompt.count))
        try SafetensorsFile.write(["logits": logits], as: .float32, metadata: metadata, to: output)
        say("\(output): \(logits.rows) positions of \(policy.name) generation \(policy.generation)")
    }

    private func batch(of request: EngineRequest) -> DecoderBatch {
        let rows = request.prompt.indices
        let blocks = (rows.count + KVCache.blockSize - 1) / KVCache.blockSize
        var batch = DecoderBatch(
            tokens: request.prompt,
            sequences: [SequenceSlice(rows: rows, start: 0, blockTable: (0..<blocks).map { Int32($0) })],
            outputRows: Array(rows))
        batch.adapters = request.policy.adapter.map { [.init(rows: rows, adapter: $0)] } ?? []
        batch.injections = request.images.compactMap { image in
            request.policy.vision.map {
                .init(row: image.range.lowerBound, embeddings: $0.encoder.encode(image.pixels))
            }
        }
        return batch
    }
}
