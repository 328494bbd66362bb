import ArgumentParser
import Dispatch
import Engine
import Foundation
import Policies
import Tokenizers

/// A conversation on the terminal, without a server.
struct Chat: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Hold a conversation about images or anything else, without a server.",
        discussion: """
            A line that begins with the path of an image shows it to the policy. /help lists the commands, Ctrl-C stops \
            an answer, Ctrl-D ends the conversation.

            Examples:
              apus chat
              apus chat photo.png
              apus chat --resume yesterday.json
            """)

    @OptionGroup var options: PolicyOptions

    @Option(help: "The policy that answers.")
    var policy: String?

    @Option(help: "Instructions to the policy, for the whole conversation.")
    var system: String?

    @Option(
        help: ArgumentHelp("A conversation that /save wrote, to go on with.", valueName: "file"), completion: .file())
    var resume: String?

    @Option(help: "Maximum number of tokens in an answer.")
    var maxTokens = 1_024

    @Option(help: "The random seed. It matters only if the policy's temperature is above 0.")
    var seed: UInt64 = 0

    @Argument(help: "Image files for the first question.", completion: .file())
    var images: [String] = []

    func validate() throws {
        if maxTokens < 1 { throw ValidationError("--max-tokens takes at least 1") }
        if resume != nil, system != nil {
            throw ValidationError("--resume brings its own instructions; change them with /system")
        }
    }

    func run() async throws {
        var conversation = try resume.map { try Conversation(file: $0) } ?? Conversation()
        conversation.system = system ?? conversation.system
        for image in images { try conversation.attach(image) }
        try options.check(policy: policy)
        let model = try LoadedModel(options)
        guard let first = policy.map({ model.catalog[$0] }) ?? model.catalog.defaultPolicy else {
            throw ValidationError("there is no policy \(policy ?? "")")
        }
        var session = ChatSession(model: model, policy: first, maximumTokens: maxTokens, seed: seed)
        let console = Console.current
        if console.isInteractive { console.error("\(first.name) answers; /help lists the commands\n") }
        while let line = console.input("> ") {
            do {
                guard try await session.take(line, in: &conversation) else { return }
            } catch let error as ConversationError {
                console.error("\(error)\n")
            }
        }
    }
}

/// The policy that answers in a conversation, and how.
private struct ChatSession {
    let model: LoadedModel
    var policy: Policy
    let maximumTokens: Int
    var seed: UInt64

    /// Does what a line asks for; false ends the conversation.
    mutating func take(_ line: String, in conversation: inout Conversation) async throws -> Bool {
        switch try ChatCommand(line) {
        case nil: break
        case .ask(let text):
            if try conversation.ask(text) { try await answer(&conversation) }
        case .image(let path): try conversation.attach(path)
        case .retry:
            try conversation.dropAnswer()
            seed &+= 1
            try await answer(&conversation)
        case .undo: try conversation.undo()
        case .clear: conversation = Conversation(system: conversation.system)
        case .system(let text): conversation.system = text
        case .policy(let name): try choose(name)
        case .save(let path):
            try conversation.save(to: path)
            say("saved in \(path)")
        case .help: say(ChatCommand.helpText)
        case .quit: return false
        }
        return true
    }

    private mutating func choose(_ name: String?) throws(ConversationError) {
        let names = model.catalog.policies.map(\.name).joined(separator: ", ")
        guard let name else { return say("\(policy.name) answers; there are \(names)") }
        guard let chosen = model.catalog[name] else {
            throw ConversationError(reason: "there is no policy \(name); there are \(names)")
        }
        policy = chosen
    }

    /// Streams the answer to the last question. Ctrl-C keeps what there is of it. A question that cannot be answered is
    /// taken back.
    private func answer(_ conversation: inout Conversation) async throws {
        do {
            let (messages, images) = conversation.prompt
            var request = try InputProcessor(tokenizer: model.tokenizer)
                .request(messages: messages, images: images, policy: policy)
            request.sampling.seed = seed
            request.stop.maximumTokens = maximumTokens
            request.stop.endsRepetition = true
            conversation.finish(try await Self.stream(request, from: model.engine))
        } catch let error as InputProcessor.Failure {
            try conversation.undo()
            throw ConversationError(reason: "\(error)")
        } catch let error as AdmissionError {
            try conversation.undo()
            throw ConversationError(reason: "\(error); /clear begins anew")
        }
    }

    private static func stream(_ request: EngineRequest, from engine: Engine) async throws -> String {
        let work = Task {
            var text = ""
            do {
                _ = try await engine.answer(to: request) { delta in
                    text += delta.text
                    Console.current.output(delta.text)
                }
            } catch is CancellationError {
                Console.current.output(" [stopped]")
            }
            say("")
            return text
        }
        let interrupts = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        let former = signal(SIGINT, SIG_IGN)
        interrupts.setEventHandler { work.cancel() }
        interrupts.resume()
        defer {
            interrupts.cancel()
            signal(SIGINT, former)
        }
        return try await work.value
    }
}
