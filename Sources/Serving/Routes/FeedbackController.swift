import Datasets
import Feedback
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import NIOPosix
import Policies
import Support
import WireFormats

/// `/v1/feedback`: what people say of answers. It is on the disk before the reply is sent.
struct FeedbackController: Controller {
    let services: Services

    func addRoutes(to routes: Routes) {
        routes.add("/v1/feedback", for: .scope(.feedback), get: export, post: store)
        routes.add("/v1/feedback/summary", for: .scope(.feedback), get: summary)
        routes.add("/v1/feedback/blind-test", for: .scope(.feedback), get: blindTest)
        routes.add("/v1/feedback/{id}", for: .scope(.feedback), delete: withdraw)
    }

    @Sendable private func store(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireFeedback()
        let (wanted, memory) = try await request.read(["application/json"], services: services, context: context) {
            try FeedbackRequest(body: $0.bytes)
        }
        let limits = services.configuration
        let time = Date()
        let owner = context.record.current.keyID
        let (receipt, comparison, kind) = try await services.keeping { folder in
            let labeler = wanted.labeler.text
            switch wanted.opinion {
            case .ranking(let ranking):
                let receipt = try folder.store.rank(
                    ranking.comparison, ranking.tiers,
                    flags: ranking.flags.mapValues { $0.compactMap { .init(rawValue: $0) } },
                    details: RankingDetails(wanted, ranking), by: labeler, at: time)
                return (receipt, String?.some(ranking.comparison), "ranking")
            case .skip(let comparison):
                return (try folder.store.skip(comparison, by: labeler, at: time), comparison, "skip")
            case .thumb(let thumb):
                let images = thumb.messages.flatMap(\.images)
                guard images.count <= limits.maximumImages else {
                    throw APIError(
                        .tooManyImages, "The request has \(images.count) pictures, more than \(limits.maximumImages).",
                        param: images[limits.maximumImages].param)
                }
                let receipt = try folder.keepingImages { keep in
                    let stored = try Thumb(wanted, thumb) {
                        try $0.kept(by: keep, in: folder, owner: owner, limits: limits.imageLimits)
                    }
                    return try folder.store.append(stored, by: labeler, images: folder.images, at: time)
                }
                return (receipt, String?.none, "thumb")
            }
        }
        memory.giveBack()
        services.metrics.add(.feedbackRecords, [])
        return Response(
            [
                "id": .string(receipt.id), "object": "feedback", "created": JSON(Int(time.timeIntervalSince1970)),
                "comparison_id": JSON(comparison), "kind": .string(kind), "pairs": JSON(receipt.pairs),
            ], status: .created)
    }

    @Sendable private func withdraw(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireFeedback()
        let labeler = try LabelerName(query: request.uri.queryParameters)
        let id = try context.parameters.require("id")
        try await services.keeping { try $0.store.withdraw(id, by: labeler.text, at: Date()) }
        return Response(["id": .string(id), "object": "feedback", "deleted": true])
    }

    /// The page asks after every ranking, so the agreement is measured on the newest comparisons only.
    private static let sharedLimit = 200

    @Sendable private func summary(_ request: Request, context: ServerContext) async throws -> Response {
        let labeler = try LabelerName(query: request.uri.queryParameters)
        // The page asks whether feedback is kept at all; a 404 would be an error in the browser's console.
        guard services.feedback != nil else { return Response(FeedbackSummary().json(isKept: false)) }
        let summary = try await services.keeping {
            try $0.store.summary(for: labeler.text, sharedLimit: Self.sharedLimit)
        }
        return Response(summary.json(isKept: true))
    }

    @Sendable private func blindTest(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireFeedback()
        let query = request.uri.queryParameters
        let (first, second) = (try Self.policy("first", in: query), try Self.policy("second", in: query))
        guard !BlindTest.overlap(first, second) else {
            throw APIError(.invalidValue, "A policy cannot be compared with itself.", param: "second")
        }
        let error = try query["error"].map { text throws(APIError) in
            guard let error = Double(text), BlindTest.errors.contains(error) else {
                throw APIError(.invalidValue, "error must be 0.001 to 0.5.", param: "error")
            }
            return error
        }
        let test = try await services.keeping {
            BlindTest(first, second, in: try $0.store.blindJudgements(), error: error ?? BlindTest.standardError)
        }
        return Response(test.json(first: first, second: second))
    }

    /// The name of a policy in a query, with its generation or without. Policies that are gone still have rankings.
    private static func policy(_ name: String, in query: Parameters) throws(APIError) -> String {
        guard let text = query[name[...]] else {
            throw APIError(.missingParameter, "\(name) must name a policy.", param: name)
        }
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        let hasGeneration = parts.count == 2 && Int(parts[1]).map { $0 > 0 && String($0) == parts[1] } ?? false
        // Where there are several models, the name of one comes first.
        let policy = parts[0].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).last ?? ""
        guard text.utf8.count <= 200, parts.count == 1 || hasGeneration, PolicyManifest.isName(String(policy)) else {
            throw APIError(.invalidValue, "\(name) must be a policy's name, like sft or sft@7.", param: name)
        }
        return String(text)
    }

    /// The formats of an export.
    private enum Format: String, CaseIterable {
        case jsonl, trl, kto
    }

    @Sendable private func export(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireFeedback()
        let query = request.uri.queryParameters
        let name = query["format"].map(String.init) ?? Format.jsonl.rawValue
        guard let format = Format(rawValue: name) else {
            throw APIError(.invalidValue, "format must be jsonl, trl or kto.", param: "format")
        }
        let since = query["since"].map(String.init)
        let lines = try await services.keeping { folder in
            let number = try since.map { try folder.store.number(of: $0, field: "since") } ?? 0
            return try Self.lines(format, of: folder.store, after: number)
        }
        return Response(
            status: .ok, headers: [.contentType: "application/jsonl"],
            body: ResponseBody { writer in
                for piece in lines where !piece.isEmpty { try await writer.write(ByteBuffer(string: piece)) }
                try await writer.finish(nil)
            })
    }

    /// The lines, in pieces that are written one by one.
    private static func lines(_ format: Format, of store: FeedbackStore, after number: Int) throws -> [String] {
        if format == .kto {
            let thumbs = try store.thumbs(after: number).filter(\.thumb.mayBeExported)
            let lines = FeedbackLines(prompts: thumbs.map(\.thumb.prompt)) { imagePath("\($0)") }
            return try thumbs.map { try lines.unpaired($0.thumb, id: $0.id, by: $0.labeler).text + "\n" }
        }
        let judgements = try store.judgements(by: .human, after: number).filter(\.details.mayBeExported)
        let lines = FeedbackLines(prompts: judgements.map(\.prompt)) {
            format == .jsonl ? "\($0)" : imagePath("\($0)")
        }
        return try judgements.map { judgement in
            try lines.pairs(of: judgement, as: format == .jsonl ? .plain : .trl).map { $0.text + "\n" }.joined()
        }
    }

    private static func imagePath(_ name: String) -> String { "/v1/images/\(name)" }
}

extension RankingDetails {
    fileprivate init(_ request: FeedbackRequest, _ ranking: FeedbackRequest.Ranking) {
        self.init()
        allBad = ranking.isAllBad
        better = request.better
        seconds = ranking.seconds
        comment = request.comment
        consent = request.consent
    }
}

extension Thumb {
    fileprivate init(
        _ request: FeedbackRequest, _ thumb: FeedbackRequest.Thumb,
        keep: (ImageReference) throws -> PreferenceImage
    ) throws {
        let prompt = try thumb.messages.map { try FeedbackMessage($0, keep: keep) }
        self.init(prompt: prompt, answer: thumb.answer, isUp: thumb.isUp)
        model = thumb.model
        generation = thumb.generation
        seed = thumb.seed
        better = request.better
        comment = request.comment
        consent = request.consent
    }
}

extension BlindTest {
    fileprivate func json(first: String, second: String) -> JSON {
        let preferred: JSON =
            switch verdict {
            case .first: .string(first)
            case .second: .string(second)
            case .undecided: .null
            }
        return [
            "object": "blind_test", "first": .string(first), "second": .string(second), "wins": JSON(wins),
            "ties": JSON(ties), "losses": JSON(losses), "win_rate": .number(rate),
            "interval": [.number(interval.lowerBound), .number(interval.upperBound)], "error": .number(error),
            "preferred": preferred,
        ]
    }
}

extension FeedbackSummary {
    /// - Parameter isKept: whether the server keeps feedback.
    fileprivate func json(isKept: Bool) -> JSON {
        [
            "object": "feedback_summary", "kept": .bool(isKept), "rankings": JSON(all.rankings),
            "thumbs": JSON(all.thumbs),
            "skipped": JSON(all.skipped), "demonstrations": JSON(demonstrations), "labelers": JSON(labelers),
            "yours": [
                "rankings": JSON(own.rankings), "thumbs": JSON(own.thumbs), "skipped": JSON(own.skipped),
            ],
            "queue": ["waiting": JSON(waiting), "ready": JSON(ready)],
            "agreement": [
                "value": agreement.share.map { .number($0) } ?? .null, "comparisons": JSON(agreement.comparisons),
                "pairs": JSON(agreement.pairs),
            ],
        ]
    }
}
