import Engine
import Hummingbird
import NIOCore
import Policies
import Tokenizers
import WireFormats

/// `POST /tokenize`, `POST /detokenize` and `GET /tokenizer_info`: text to tokens and back, as vLLM has them.
struct TokensController: Controller {
    let services: Services

    func addRoutes(to routes: Routes) {
        routes.add("/tokenize", for: .scope(.ask), post: tokenize)
        routes.add("/detokenize", for: .scope(.ask), post: detokenize)
        routes.add("/tokenizer_info", for: .scope(.ask), get: info)
    }

    @Sendable private func tokenize(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireAnswering()
        let (wanted, memory) = try await request.read(["application/json"], services: services, context: context) {
            try TokenizeRequest(body: $0.bytes)
        }
        defer { memory.giveBack() }
        let model = try await services.model(for: wanted.model, context: context)
        let admission = Admission(services: services, model: model)
        let policy = try admission.policy(wanted.model)
        let tokenizer = model.processor.tokenizer
        let tokens: [Int32]
        switch wanted.content {
        case .text(let text, _):
            tokens = try await services.workers.run(on: text.utf8.count) {
                let first = wanted.addsSpecialTokens ? tokenizer.vocabulary.tokenBeforeText.map { [$0] } ?? [] : []
                return first + tokenizer.encode(text, special: .recognized)
            }
        case .messages(let messages):
            tokens = try await admission.prompt(of: messages, policy: policy, param: "messages", context: context)
                .prompt
        }
        return try await services.workers.run(on: tokens.count) {
            let spellings = wanted.returnsSpellings ? tokens.map { tokenizer.vocabulary.tokens[Int($0)] } : nil
            return Response(
                TokenizeRequest.response(tokens, spellings: spellings, contextLength: model.contextLength))
        }
    }

    @Sendable private func detokenize(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireAnswering()
        let (wanted, memory) = try await request.read(["application/json"], services: services, context: context) {
            try DetokenizeRequest(body: $0.bytes)
        }
        defer { memory.giveBack() }
        let model = try await services.model(for: wanted.model, context: context)
        let admission = Admission(services: services, model: model)
        _ = try admission.policy(wanted.model)
        try admission.check(wanted.tokens, param: "tokens")
        return try await services.workers.run(on: wanted.tokens.count) {
            Response(DetokenizeRequest.response(model.processor.tokenizer.spell(wanted.tokens)))
        }
    }

    @Sendable private func info(_ request: Request, context: ServerContext) async throws -> Response {
        let model = try await services.model(for: nil, context: context)
        let vocabulary = model.processor.tokenizer.vocabulary
        func text(_ id: Int32?) -> String? { id.map { vocabulary.tokens[Int($0)] } }
        var info = TokenizerInfo(contextLength: model.contextLength, vocabularySize: vocabulary.tokens.count)
        info.beginToken = text(vocabulary.beginOfText)
        info.endToken = text(vocabulary.endOfText)
        info.paddingToken = text(vocabulary.padding)
        info.unknownToken = vocabulary.kinds.firstIndex(of: .unknown).map { vocabulary.tokens[$0] }
        let policy = model.policies.catalog.defaultPolicy
        if model.processor.takesMessages(for: policy) { info.chatTemplate = policy.textTemplate.jinja }
        return Response(info.json)
    }
}
