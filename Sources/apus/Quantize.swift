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
        say("\(output): \((try FileDigest(path: output).bytes + (1 << 19)) >> 20) MiB")
        say("matrices: \(try Self.types(of: GGUFFile(path: output)))")
        if !checkpoint.isFolder, checkpoint.decoder.hasBlocks {
            say("\(model) is quantised already: its quantised matrices are written as they are.")
        }
        if checkpoint.vision != nil {
            say("The vision is not in the file: give `--vision \(model)` to commands that take images.")
        }
    }
}

extension Quantize {
    /// How many matrices of a file have which type.
    private static func types(of file: GGUFFile) -> String {
        let names = file.tensors.values.filter { $0.shape.count == 2 }.map(\.type.ggmlName)
        let counts = Dictionary(grouping: names) { $0 }.mapValues(\.count)
        return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { "\($0.value) as \($0.key)" }.joined(separator: ", ")
    }
}

extension ModelCheckpoint.MatrixFormat: ExpressibleByArgument {}
