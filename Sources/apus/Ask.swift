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

    @Option(help: "Answers that are drawn, at temperature 1 if the policy has 0; the reward model picks one of them.")
    var bestOf = 1

    @Flag(help: "Also tell reward, value and KL to `sft` in nats, on standard error.")
    var scores = false

    @Argument(help: "An image file: PNG or JPEG.")
    var picture: String

    @Argument(help: "The question.")
    var question: String

    func validate() throws {
        if maxTokens < 1 { throw ValidationError("--max-tokens takes at least 1") }
        guard (1...16).contains(bestOf) else { throw ValidationError("--best-of takes 1 to 16") }
        if question.isEmpty { throw ValidationError("the question is empty") }
    }

    func run() async throws {
        guard let bytes = FileManager.default.contents(atPath: picture) else {
            throw ValidationError("\(picture) cannot be read")
        }
        let pictures = [InputProcessor.Picture(image: try ImageFile.decode(Array(bytes)))]
        let model = try LoadedModel(options)
        guard let policy = policy.map({ model.catalog[$0] }) ?? model.catalog.defaultPolicy else {
            throw ValidationError("there is no policy \(policy ?? "")")
        }
        let messages = [ChatMessage(role: .user, content: [.image(0), .text(question)])]
        let processor = InputProcessor(tokenizer: model.tokenizer)
        var request = try processor.request(messages: messages, pictures: pictures, policy: policy)
        request.sampling.seed = seed
        request.stop.maximumTokens = maxTokens
        guard bestOf > 1 || scores else {
            _ = try await answer(request, by: model.engine) { show($0) }
            return print()
        }
        let scoring = try AnswerScoring(
            messages: messages, pictures: pictures, policy: policy, catalog: model.catalog, processor: processor,
            contextLength: model.contextLength)
        guard let scoring else { throw ValidationError("there is no reward model in \(options.policies)") }
        let room = scoring.room
        guard room > 0 else { throw ValidationError("the question leaves no room for an answer that is scored") }
        request.stop.maximumTokens = min(maxTokens, room)
        request.topLogprobs = 0
        try await answer(request, scoredBy: scoring, engine: model.engine)
    }

    /// Draws the candidates one after the other, shows the best one and tells its scores.
    private func answer(_ request: EngineRequest, scoredBy scoring: AnswerScoring, engine: Engine) async throws {
        var answers: [DrawnAnswer] = []
        for choice in 0..<bestOf {
            var candidate = request
            if bestOf > 1, request.sampling.temperature == 0 { candidate.sampling.temperature = 1 }
            candidate.sampling = candidate.sampling.choice(choice)
            answers.append(try await answer(candidate, by: engine))
        }
        let rewards = try await measure(scoring.rewards(of: answers), by: engine)
        let best = AnswerScoring.best(of: rewards)
        answers[best].deltas.forEach(show)
        print()
        guard scores else { return }
        let value = try await measure(scoring.values, by: engine).first
        let reference = try await measure(scoring.referenceLogProbability(of: answers[best]), by: engine).first
        let kl = scoring.kl(of: answers[best], reference: reference)
        func text(_ number: Double?) -> String { number.map { String(format: "%.4f", $0) } ?? "unknown" }
        let line = "reward \(text(rewards[best])), value \(text(value)), KL \(text(kl))\n"
        FileHandle.standardError.write(Data(line.utf8))
    }

    private func answer(
        _ request: EngineRequest, by engine: Engine, _ show: (TextDelta) -> Void = { _ in }
    ) async throws -> DrawnAnswer {
        var answer = DrawnAnswer()
        for await event in try engine.submit(request, in: engine.reserve()) {
            switch event {
            case .started: break
            case .text(let delta):
                answer.append(delta)
                show(delta)
            case .finished(let completion): answer.completion = completion
            case .failed(let failure): throw failure
            }
        }
        return answer
    }

    private func measure(_ request: EngineRequest?, by engine: Engine) async throws -> [Double] {
        guard let request else { return [] }
        return try await answer(request, by: engine).completion?.measured ?? []
    }

    private func show(_ delta: TextDelta) {
        FileHandle.standardOutput.write(Data(delta.text.utf8))
    }
}
