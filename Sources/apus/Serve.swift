import ArgumentParser
import Engine
import Foundation
import Logging
import Serving
import Tensors

/// Serves the policies over HTTP until it is told to stop.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Answer questions over HTTP.")

    @OptionGroup var options: PolicyOptions

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen on.")
    var port = 8080

    @Option(name: .customLong("public"), help: "The folder of the web page.")
    var publicFolder = "Public"

    @Flag(help: "Listen on an address that others reach, although there are no keys.")
    var insecure = false

    func validate() throws {
        guard (1...65_535).contains(port) else { throw ValidationError("--port takes 1 to 65535") }
    }

    func run() async throws {
        var configuration = ServerConfiguration(contextLength: 0)
        configuration.host = host
        configuration.port = port
        configuration.publicFolder = publicFolder
        do {
            try configuration.checkAddress(insecure: insecure)
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            throw ExitCode(78)
        }
        let model = try LoadedModel(options)
        configuration.contextLength = model.contextLength
        configuration.isa = model.compute.instructionSet.rawValue
        configuration.backbone = model.backbone
        say(invitation)
        try await Serving.serve(
            engine: model.engine, catalog: model.catalog, processor: InputProcessor(tokenizer: model.tokenizer),
            configuration: configuration, logger: Logger(label: "apus") { _ in JSONLogHandler() })
        model.engine.stop()
    }

    private var invitation: String {
        """
        listening on http://\(host):\(port), also a page for the browser; try

          curl -N -H 'Accept: text/plain' -F image=@Public/assets/sample.png -F 'question=What color is the shape?' \
        http://\(host):\(port)/v1/ask

        """
    }
}
