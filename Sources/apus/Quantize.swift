public import ArgumentParser
import Checkpoints
import Foundation
public import Models

/// Writes a model as one GGUF file.
struct Quantize: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantize", abstract: "Write a model as one GGUF file.",
        discussion: """
            The file has the decoder, the tokens and the chat template, and loads in Apus and in llama.cpp. Matrices
            that a GGUF file holds in blocks stay as they are.

            Example: apus quantize SmolLM2-135M-Instruct SmolLM2-135M-Instruct.Q8_0.gguf
            """)

    @Argument(help: "A Hugging Face folder or a GGUF file.")
    var model: String

    @Argument(help: "The GGUF file to write. An older file is replaced.")
    var output: String

    @Option(name: .customLong("type"), help: "The format of matrices: q8_0, bf16, f16 or f32.")
    var format = ModelCheckpoint.MatrixFormat.q8_0

    func run() throws {
        guard FileManager.default.fileExists(atPath: model) else { throw ValidationError("there is no \(model)") }
        let checkpoint = try ModelCheckpoint(path: model)
        try checkpoint.writeGGUF(to: output, as: format)
        let bytes = try FileDigest(path: output).bytes
        say("\(output): \((bytes + (1 << 19)) >> 20) MiB, the decoder as \(format.rawValue)")
        if checkpoint.vision != nil {
            say("The vision is not in the file: give `--vision \(model)` to commands that take images.")
        }
    }
}

extension ModelCheckpoint.MatrixFormat: ExpressibleByArgument {}
