import Engine
import Hummingbird
import NIOCore
import Policies
import WireFormats

/// `POST /v1/decisions`, `/v1/score` and `/v1/rerank`: likelihoods and rewards of given answers. Nothing is sampled.
struct DecisionsController: Controller {
    let services: Services

    func addRoutes(to routes: Routes) {
        routes.add("/v1/decisions", for: .scope(.ask), post: decide)
        routes.add("/v1/score", for: .scope(.ask), post: score)
        routes.add("/v1/rerank", for: .scope(.ask), post: rerank)
    }

    @Sendable private func decide(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireAnswering()
        let (wanted, memory) = try await request.read(["application/json"], services: services, context: context) {
            try DecisionRequest(body: $0.bytes)
        }
        let model = try await services.model(for: wanted.model, context: context)
        let admission = Admission(services: services, model: model)
        let policy = try admission.policy(wanted.model)
        let question = ScoredDialogue(
            messages: wanted.messages, param: wanted.param, answers: wanted.answers, answersParam: "choices")
        let (admitted, _) = try await admission.admit(
            [question], scoredBy: .logProbability, of: policy, context: context)
        memory.giveBack()
        let scores = try await services.completions(of: admitted, context: context).flatMap(\.scores)
        return Response(
            wanted.response(
                model: wanted.model ?? policy.requestName, generation: policy.generation, logProbabilities: scores,
                usage: admitted.usage))
    }

    @Sendable private func score(_ request: Request, context: ServerContext) async throws -> Response {
        let ranked = try await rank(request, for: .score, context: context)
        return Response(
            RankingRequest.scores(
                id: newID("score-"), created: unixTime(), model: ranked.model, method: ranked.method, ranked.scores,
                usage: ranked.usage))
    }

    @Sendable private func rerank(_ request: Request, context: ServerContext) async throws -> Response {
        let ranked = try await rank(request, for: .rerank, context: context)
        return Response(
            ranked.request.ranking(
                id: newID("rerank-"), model: ranked.model, method: ranked.method, ranked.scores, usage: ranked.usage))
    }

    /// Documents with their scores.
    private struct Ranked {
        var request: RankingRequest
        var model: String
        var method: RankingRequest.Method
        var scores: [Double]
        var usage: Usage
    }

    /// Scores documents: by the reward model as answers to the query, or, without a reward model or with images, by
    /// the likelihood of the query after the document.
    private func rank(
        _ request: Request, for purpose: RankingRequest.Purpose, context: ServerContext
    ) async throws -> Ranked {
        try services.requireAnswering()
        let (wanted, memory) = try await request.read(["application/json"], services: services, context: context) {
            try RankingRequest(body: $0.bytes, for: purpose)
        }
        let model = try await services.model(for: wanted.model, context: context)
        let admission = Admission(services: services, model: model)
        let policy = try admission.policy(wanted.model)
        let admitted: Admitted
        let counts: [[Int]]
        let method: RankingRequest.Method
        if let reward = admission.catalog.reward, let head = reward.head, !wanted.hasImages {
            method = .reward
            (admitted, counts) = try await admission.admit(
                [wanted.asAnswers], scoredBy: .head(head), of: reward, context: context)
        } else {
            method = .likelihood
            (admitted, counts) = try await admission.admit(
                wanted.asQuestions, scoredBy: .logProbability, of: policy, context: context)
        }
        memory.giveBack()
        var scores = try await services.completions(of: admitted, context: context).flatMap(\.scores)
        // Long queries are less likely than short ones, so the mean over their tokens counts.
        if method == .likelihood { scores = zip(scores, counts.joined()).map { $0 / Double($1) } }
        return Ranked(
            request: wanted, model: wanted.model ?? policy.requestName, method: method, scores: scores,
            usage: admitted.usage)
    }
}

extension RankingRequest {
    /// The query as a question whose answers are the documents.
    fileprivate var asAnswers: ScoredDialogue {
        let texts = documents.map { if case .text(let text) = $0 { text } else { "" } }
        return ScoredDialogue(
            messages: [DialogueMessage(role: .user, parts: [.text(query)])], param: "query", answers: texts,
            answersParam: "documents")
    }

    /// For each document, a request to ask about it, whose answer is the query.
    fileprivate var asQuestions: [ScoredDialogue] {
        documents.enumerated().map { index, document in
            ScoredDialogue(
                messages: [
                    DialogueMessage(role: .user, parts: [document, .text("\n\nAsk a question that this answers.")])
                ],
                param: "documents[\(index)]", answers: [query], answersParam: "query")
        }
    }
}
