import Engine
import Policies
import Tokenizers
import WireFormats

/// A dialogue with the answers whose scores are wanted.
struct ScoredDialogue: Sendable {
    /// The dialogue before the answers.
    var messages: [DialogueMessage]
    /// The field that contains the dialogue.
    var param: String
    /// The answers, at least one.
    var answers: [String]
    /// The field that contains the answers.
    var answersParam: String

    fileprivate var bytes: Int { messages.textBytes + answers.reduce(0) { $0 + $1.utf8.count } }
}

extension Admission {
    /// Admits answers for the reward model to score.
    ///
    /// - Returns: also the tokens of each answer, its end token included.
    func admit(
        _ wanted: RewardRequest, by reward: Policy, context: ServerContext?
    ) async throws -> (admitted: Admitted, tokens: [Int]) {
        guard let head = reward.head else { throw EngineFailure.internal("\(reward.name) has no head") }
        let dialogue = ScoredDialogue(
            messages: wanted.messages, param: wanted.param, answers: wanted.answers, answersParam: "answers")
        let (admitted, counts) = try await admit([dialogue], scoredBy: .head(head), of: reward, context: context)
        return (admitted, counts[0])
    }

    /// Admits dialogues for `policy` to score their answers, with one engine request for each dialogue.
    ///
    /// - Returns: also the tokens of each answer, its end token included.
    func admit(
        _ dialogues: [ScoredDialogue], scoredBy quantity: Scoring.Quantity, of policy: Policy,
        context: ServerContext?
    ) async throws -> (admitted: Admitted, tokens: [[Int]]) {
        let record = context?.record ?? RequestRecord()
        let references = dialogues.flatMap { $0.messages.flatMap(\.images) }
        try check(references, policy: policy)
        note(policy, hasImages: !references.isEmpty, in: record)
        let param = dialogues.count == 1 ? dialogues[0].param : "documents"
        let reservations = try reserve(dialogues.count, hasImages: !references.isEmpty, param: param)
        let images = try await self.images(references, for: [policy], context: context)
        let requests = try await services.workers.run(on: dialogues.reduce(0) { $0 + $1.bytes }) {
            var rest = images[...]
            return try dialogues.map { dialogue in
                let own = rest.prefix(dialogue.messages.reduce(0) { $0 + $1.images.count })
                rest = rest.dropFirst(own.count)
                return try request(for: dialogue, images: Array(own), quantity: quantity, policy: policy)
            }
        }
        let admitted = try submit(
            requests.map(\.request), options: GenerationOptions(), policy: policy, reservations: reservations,
            param: param, record: record)
        return (admitted, requests.map(\.tokens))
    }

    private func request(
        for dialogue: ScoredDialogue, images: [InputProcessor.Image], quantity: Scoring.Quantity, policy: Policy
    ) throws -> (request: EngineRequest, tokens: [Int]) {
        try checkLength(dialogue.messages, param: dialogue.param)
        for (index, answer) in dialogue.answers.enumerated() {
            try checkLength([answer], param: "\(dialogue.answersParam)[\(index)]")
        }
        let (messages, _) = Self.dialogue(dialogue.messages)
        var request = try rendered(dialogue.param) { () throws(InputProcessor.Failure) -> EngineRequest in
            try model.processor.request(messages: messages, images: images, policy: policy)
        }
        let answers = dialogue.answers.map { model.processor.answer($0, to: request) }
        for (index, answer) in answers.enumerated() where request.prompt.count + answer.count > model.contextLength {
            throw APIError(
                .contextLengthExceeded,
                "This model's maximum context length is \(model.contextLength) tokens; the dialogue has "
                    + "\(request.prompt.count) and the answer \(answer.count).",
                param: "\(dialogue.answersParam)[\(index)]")
        }
        request.task = .score(Scoring(quantity, of: answers))
        return (request, answers.map(\.count))
    }

    /// Admits inputs for embedding, with one engine request for each.
    func admit(_ wanted: EmbeddingsRequest, policy: Policy, context: ServerContext) async throws -> Admitted {
        let references = wanted.inputs.flatMap(\.images)
        try check(references, policy: policy)
        note(policy, hasImages: !references.isEmpty, in: context.record)
        let reservations = try reserve(wanted.inputs.count, hasImages: !references.isEmpty, param: "input")
        let images = try await self.images(references, for: [policy], context: context)
        let requests = try await services.workers.run(on: wanted.inputs.reduce(0) { $0 + $1.textBytes }) {
            var rest = images[...]
            return try wanted.inputs.map { input in
                let own = rest.prefix(input.images.count)
                rest = rest.dropFirst(own.count)
                return try request(embedding: input, images: Array(own), policy: policy)
            }
        }
        return try submit(
            requests, options: GenerationOptions(), policy: policy, reservations: reservations, param: "input",
            record: context.record)
    }

    private func request(
        embedding input: EmbeddingsRequest.Input, images: [InputProcessor.Image], policy: Policy
    ) throws -> EngineRequest {
        var request: EngineRequest
        switch input {
        case .prompt(.tokens(let ids)):
            try check(ids, param: "input")
            request = EngineRequest(prompt: ids, policy: policy)
        case .prompt(.text(let text)):
            try checkLength([text], param: "input")
            request = EngineRequest(
                prompt: model.processor.tokenizer.encode(text, special: .asText), policy: policy)
        case .parts(let parts):
            let message = DialogueMessage(role: .user, parts: parts)
            try checkLength([message], param: "input")
            let content = Self.dialogue([message]).messages[0].content
            request = try rendered("input") { () throws(InputProcessor.Failure) -> EngineRequest in
                try model.processor.request(bare: content, images: images, policy: policy)
            }
        }
        guard !request.prompt.isEmpty else { throw APIError(.invalidValue, "An input has no tokens.", param: "input") }
        request.task = .embed
        return request
    }
}

extension EmbeddingsRequest.Input {
    fileprivate var images: [ImageReference] {
        guard case .parts(let parts) = self else { return [] }
        return DialogueMessage(role: .user, parts: parts).images
    }

    fileprivate var textBytes: Int {
        switch self {
        case .prompt(.text(let text)): text.utf8.count
        case .prompt(.tokens): 0
        case .parts(let parts): [DialogueMessage(role: .user, parts: parts)].textBytes
        }
    }
}
