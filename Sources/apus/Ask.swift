import ArgumentParser
import Checkpoints
import Engine
import Foundation
import Grammars
import Images
import Policies
import Support
import Tokenizers

/// Answers one question without a server.
struct Ask: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answer one question, with or without images, without a server.",
        usage: "apus ask [<image> …] <question> [<options>]",
        discussion: """
            Examples:
              apus ask photo.png 'What is this?'
              apus ask before.png after.png 'What has changed?'
              apus ask 'What is a lighthouse?'
              cat photo.png | apus ask - 'What is this?'
              cat question.txt | apus ask photo.png -
              apus ask photo.png 'Colour and shape?' --schema thing.json
            """)

    @OptionGroup var options: PolicyOptions

    @Option(help: "The policy that answers.")
    var policy: String?

    @Option(help: "Maximum number of tokens in the answer.")
    var maxTokens = 256

    @Option(help: "The random seed. It matters only if the policy's temperature is above 0.")
    var seed: UInt64 = 0

    @Option(
        help: "Number of answers to sample; the reward model picks one. A policy with temperature 0 samples at 1 then.")
    var bestOf = 1

    @Flag(help: "The answer is a JSON object.")
    var json = false

    @Option(
        help: ArgumentHelp("The answer is JSON that fits the JSON Schema in this file.", valueName: "file"),
        completion: .file())
    var schema: String?

    @Flag(help: "Also print the reward, the value and the KL to `sft` in nats on standard error.")
    var scores = false

    @Argument(
        help: ArgumentHelp(
            "Image files (PNG, JPEG, WebP or GIF), then the question. `-` reads one of them from standard input.",
            valueName: "image … question"), completion: .file())
    var words: [String]

    func validate() throws {
        if words.filter({ $0 == "-" }).count > 1 { throw ValidationError("standard input can be read once: one `-`") }
        if words.count == 1, FileManager.default.fileExists(atPath: words[0]) {
            throw ValidationError("the question is missing: apus ask \(words[0]) 'What is this?'")
        }
        if words.last == "" { throw ValidationError("the question is empty") }
        if maxTokens < 1 { throw ValidationError("--max-tokens takes at least 1") }
        if json, schema != nil { throw ValidationError("--schema says what the JSON is; leave --json out") }
        guard (1...16).contains(bestOf) else { throw ValidationError("--best-of takes 1 to 16") }
    }

    func run() async throws {
        let images = try words.dropLast().map { InputProcessor.Image(image: try Self.image($0)) }
        let question = try question()
        try options.check(policy: policy)
        let model = try LoadedModel(options)
        guard let policy = policy.map({ model.catalog[$0] }) ?? model.catalog.defaultPolicy else {
            throw ValidationError("there is no policy \(policy ?? "")")
        }
        let messages = [
            ChatMessage(role: .user, content: images.indices.map { .image($0) } + [.text(question)])
        ]
        let processor = InputProcessor(tokenizer: model.tokenizer)
        var request = try processor.request(messages: messages, images: images, policy: policy)
        request.sampling.seed = seed
        request.stop.maximumTokens = maxTokens
        request.stop.endsRepetition = true
        request.grammar = try form.map { try grammar($0, model.tokenizer) }
        guard bestOf > 1 || scores else {
            let answer = try await model.engine.answer(to: request) { show($0) }
            say("")
            return try check(answer)
        }
        let scoring = try AnswerScoring(
            messages: messages, images: images, policy: policy, catalog: model.catalog, processor: processor,
            contextLength: model.contextLength)
        guard let scoring else { throw ValidationError("there is no reward model in \(options.policies)") }
        let room = scoring.room
        guard room > 0 else { throw ValidationError("the question leaves no room for an answer that is scored") }
        request.stop.maximumTokens = min(maxTokens, room)
        request.topLogprobs = 0
        if bestOf > 1 { request.makeAnswersDiffer() }
        try await answer(request, scoredBy: scoring, engine: model.engine)
    }

    /// What the answer must be; nil if it may be any text.
    private var form: GrammarSource? {
        get throws {
            guard let schema else { return json ? .jsonObject : nil }
            do {
                return .jsonSchema(try JSON.parse(try readSmallFile(schema, limit: 1 << 20)))
            } catch {
                throw ValidationError("--schema \(schema): \(error)")
            }
        }
    }

    private func grammar(_ form: GrammarSource, _ tokenizer: Tokenizer) throws -> TokenGrammar {
        do {
            return try GrammarCompiler(tokenizer).compile(form)
        } catch {
            throw ValidationError("--schema \(schema ?? "")\(error.error.path): \(error.error.message)")
        }
    }

    /// Half an object is of no use to a program. A shortened one is.
    private func check(_ answer: Answer) throws {
        guard json || schema != nil else { return }
        let more = "allow more with --max-tokens\n"
        if answer.completion.isShortened {
            Console.current.error("the JSON was shortened to \(maxTokens) tokens; \(more)")
        } else if answer.completion.reason == .length {
            Console.current.error("the JSON was cut at \(maxTokens) tokens; \(more)")
            throw ExitCode(1)
        }
    }

    /// The question: the last argument, or standard input.
    private func question() throws -> String {
        guard let word = words.last, word == "-" else { return words.last ?? "" }
        let text = String(decoding: try Self.bytes("-"), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        if text.isEmpty { throw ValidationError("standard input has no question") }
        return text
    }

    static func image(_ path: String) throws -> DecodedImage {
        do {
            return try ImageFile.decode(try bytes(path))
        } catch let error as ImageError {
            throw ValidationError("\(path == "-" ? "standard input" : path) is not an image that can be read: \(error)")
        }
    }

    private static func bytes(_ path: String) throws -> [UInt8] {
        if path == "-" { return Array(try FileHandle.standardInput.readToEnd() ?? Data()) }
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw ValidationError("\(path) cannot be read; the image files come first, then the question in quotes")
        }
        return Array(bytes)
    }

    /// Samples the candidates one after the other, prints the best one and its scores.
    private func answer(_ request: EngineRequest, scoredBy scoring: AnswerScoring, engine: Engine) async throws {
        var answers: [Answer] = []
        for choice in 0..<bestOf {
            var candidate = request
            candidate.sampling = request.sampling.choice(choice)
            answers.append(try await engine.answer(to: candidate))
        }
        let scores = try await scoring.pick(
            from: answers, wantsScores: self.scores, score: engine.scores(of:)
        ) { pick in
            pick.answer.deltas.forEach(show)
            say("")
        }
        guard let scores else { return }
        func text(_ number: Double?) -> String { number.map { String(format: "%.4f", $0) } ?? "unknown" }
        let line = "reward \(text(scores.reward)), value \(text(scores.value)), KL \(text(scores.kl))\n"
        Console.current.error(line)
    }

    private func show(_ delta: TextDelta) {
        Console.current.output(delta.text)
    }
}
