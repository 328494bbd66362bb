import ArgumentParser
import Checkpoints
import Engine
import Evaluation
import Foundation

/// Measures this machine.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure how fast this machine reads, writes, sees and trains, inside one process.")

    @OptionGroup var options: PolicyOptions

    @Option(help: "The most repeats of each measurement.")
    var repeats = Benchmark.Settings().repeats

    @Option(help: "Also writes the figures to this file.")
    var json: String?

    func validate() throws {
        if repeats < 1 { throw ValidationError("--repeats takes at least 1") }
    }

    func run() async throws {
        let model = try LoadedModel(options)
        var settings = Benchmark.Settings()
        settings.repeats = repeats
        let benchmark = try Benchmark(
            decoder: model.decoder, engine: model.engine, tokenizer: model.tokenizer,
            policy: model.catalog.defaultPolicy, settings: settings)
        let report = try await benchmark.run { measurement in
            FileHandle.standardError.write(Data("\(measurement.name)\n".utf8))
        }
        say(report.table)
        if let json { try writeJSON(report, to: json) }
    }
}

/// Writes a result for programs to read.
func writeJSON(_ value: some Encodable, to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try AtomicFile.write([UInt8](try encoder.encode(value)) + [UInt8(ascii: "\n")], to: path)
}
