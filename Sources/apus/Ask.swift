import ArgumentParser
import Engine
import Foundation
import Images
import Tokenizers

/// Answers one question without a server.
struct Ask: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Answer a question about a picture, without a server.")

    @OptionGroup var options: PolicyOptions

    @Option(help: "The policy that answers.")
    var policy: String?

    @Option(help: "Tokens after which the answer ends.")
    var maxTokens = 256

    @Option(help: "Decides every draw where the policy's temperature is above 0.")
    var seed: UInt64 = 0

    @Argument(help: "A PNG file.")
    var picture: String

    @Argument(help: "The question.")
    var question: String

    func validate() throws {
        if maxTokens < 1 { throw ValidationError("--max-tokens takes at least 1") }
        if question.isEmpty { throw ValidationError("the question is empty") }
    }

    func run() async throws {
        guard let bytes = FileManager.default.contents(atPath: picture) else {
            throw ValidationError("\(picture) cannot be read")
        }
        let image = try PNG.decode(Array(bytes))
        let model = try LoadedModel(options)
        guard let policy = policy.map({ model.catalog[$0] }) ?? model.catalog.defaultPolicy else {
            throw ValidationError("there is no policy \(policy ?? "")")
        }
        let message = ChatMessage(role: .user, content: [.image(0), .text(question)])
        var request = try InputProcessor(tokenizer: model.tokenizer)
            .request(messages: [message], pictures: [.init(image: image)], policy: policy)
        request.sampling.seed = seed
        request.stop.maximumTokens = maxTokens
        for await event in try model.engine.submit(request, in: model.engine.reserve()) {
            switch event {
            case .started: break
            case .text(let delta): FileHandle.standardOutput.write(Data(delta.text.utf8))
            case .finished: print()
            case .failed(let failure): throw failure
            }
        }
    }
}
