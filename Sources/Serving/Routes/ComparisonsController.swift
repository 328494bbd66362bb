import Datasets
import Engine
import Feedback
import Foundation
import HTTPTypes
import Hummingbird
import Images
import NIOCore
import Support
import WireFormats

/// `/v1/comparisons`: several answers to one dialogue, for people to rank. `/v1/images`: the images that they are
/// about.
struct ComparisonsController: Controller {
    let services: Services

    func addRoutes(to routes: Routes) {
        routes.add("/v1/comparisons", for: .scope(.feedback), get: list, post: create)
        routes.add("/v1/comparisons/next", for: .scope(.feedback), post: next)
        routes.add("/v1/comparisons/{id}", for: .scope(.feedback), get: one)
        routes.add("/v1/images/{sha256}", for: .scope(.feedback), get: image)
    }

    @Sendable private func create(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireFeedback()
        try services.requireAnswering()
        context.record.update { $0.hidesPolicy = true }
        let (wanted, memory) = try await request.read(["application/json"], services: services, context: context) {
            try ComparisonRequest(body: $0.bytes)
        }
        let sample = try await CandidateSampler(services: services).sample(
            .init(messages: wanted.messages, param: wanted.param, models: wanted.models, options: wanted.options),
            context: context)
        let limits = services.configuration.imageLimits
        let owner = context.record.current.keyID
        let comparison = try await services.keeping { folder in
            try folder.keepingImages { keep in
                let prompt = try wanted.messages.map { message in
                    try FeedbackMessage(message) { try $0.kept(by: keep, in: folder, owner: owner, limits: limits) }
                }
                return try folder.store.add(
                    NewComparison(
                        prompt: prompt, answers: sample.answers, seed: sample.seed, spread: sample.spread,
                        labeler: wanted.labeler?.text), images: folder.images, at: Date())
            }
        }
        memory.giveBack()
        return Response(FeedbackStore.View(open: comparison).json, status: .created)
    }

    @Sendable private func list(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireFeedback()
        let query = request.uri.queryParameters
        let labeler = try LabelerName(query: query)
        let status: FeedbackStore.Status? = try choice(query, "status")
        let order: FeedbackStore.Order = try choice(query, "order") ?? .created
        let limit = try query["limit"].map { text throws(APIError) in
            guard let limit = Int(text), (1...100).contains(limit) else {
                throw APIError(.invalidValue, "limit must be 1 to 100.", param: "limit")
            }
            return limit
        }
        let after = query["after"].map(String.init)
        let (page, hasMore) = try await services.keeping { folder in
            try folder.store.comparisons(status, for: labeler.text, order: order, limit: limit ?? 20, after: after)
        }
        return Response(["object": "list", "data": .array(page.map(\.json)), "has_more": .bool(hasMore)])
    }

    private func choice<Value: RawRepresentable & CaseIterable>(
        _ query: Parameters, _ name: String
    ) throws(APIError) -> Value? where Value.RawValue == String {
        guard let text = query[name[...]] else { return nil }
        guard let value = Value(rawValue: String(text)) else {
            let names = Value.allCases.map(\.rawValue).joined(separator: " or ")
            throw APIError(.invalidValue, "\(name) must be \(names).", param: name)
        }
        return value
    }

    @Sendable private func one(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireFeedback()
        let labeler = try LabelerName(query: request.uri.queryParameters)
        let id = try context.parameters.require("id")
        return Response(try await services.keeping { try $0.store.comparison(id, for: labeler.text) }.json)
    }

    @Sendable private func next(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireFeedback()
        let wanted = try await request.read(["application/json"], services: services, context: context) {
            try NextComparisonRequest(body: $0.bytes)
        }.value
        return Response(try await services.desk.next(wanted, services: services).json)
    }

    @Sendable private func image(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireFeedback()
        let digest = try context.parameters.require("sha256")
        guard case .stored(let digest)? = PreferenceImage(digest: digest) else { throw Self.noImage }
        let bytes = try await services.keeping { folder in
            do { return [UInt8](try folder.images.file(sha256: digest)) } catch { throw Self.noImage }
        }
        let format = try ImageFormat(of: bytes)
        return Response(
            status: .ok,
            headers: [
                .contentType: "image/\(format.rawValue)",
                // The name is the content's digest. Other people than the asker must not get it from a shared cache.
                .cacheControl: "private, max-age=31536000, immutable",
                .contentSecurityPolicy: "default-src 'none'",
            ], body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    private static var noImage: APIError {
        APIError(.notFound, "There is no such image.", param: "sha256", status: 404)
    }
}

extension Services {
    /// Throws for servers that keep nothing, before any work is done.
    func requireFeedback() throws(APIError) {
        guard feedback == nil else { return }
        throw APIError(
            .notFound, "This server keeps nothing: it runs without a data folder.", status: 404)
    }
}

extension LabelerName {
    /// The name in a query; anonymous if it has none.
    init(query: Parameters) throws(APIError) {
        guard let text = query["labeler"] else {
            self = .anonymous
            return
        }
        // Forms and browsers write a space as a plus sign, which no name has.
        try self.init(String(text).replacing("+", with: " "))
    }
}

extension FeedbackMessage {
    /// A message of a request, whose images `keep` stores.
    init(_ message: DialogueMessage, keep: (ImageReference) throws -> PreferenceImage) throws {
        let role: Role =
            switch message.role {
            case .system: .system
            // These requests have no results of functions.
            case .user, .tool: .user
            case .assistant: .assistant
            }
        self.init(
            role: role,
            parts: try message.parts.map { part in
                switch part {
                case .text(let text): return .text(text)
                case .image(let reference): return .image(try keep(reference))
                }
            })
    }
}

extension ImageReference {
    /// The image in the data folder.
    ///
    /// - Parameter owner: the id of the caller's key, whose files the reference may name.
    func kept(
        by keep: FeedbackFolder.KeepImage, in folder: FeedbackFolder, owner: String?, limits: ImageLimits
    ) throws -> PreferenceImage {
        let bytes = try bytes(limit: limits.maximumBytes) { folder.uploads.content($0, owner: owner) }
        do throws(ImageFolderError) { return try keep(Data(bytes), limits) } catch {
            guard case .broken(let reason) = error else { throw error }
            throw APIError(reason, of: self)
        }
    }
}

extension FeedbackStore.View {
    /// A comparison that nobody has ranked yet.
    init(open comparison: Comparison) { self.init(comparison: comparison, ranking: nil) }

    /// The comparison for the page; the policies are shown once the labeler has ranked.
    var json: JSON {
        var members: [JSON.Member] = [
            .init("id", .string(comparison.id)), .init("object", "comparison"),
            .init("created", JSON(comparison.created)), .init("status", ranking == nil ? "open" : "ranked"),
            .init("prompt", .array(comparison.prompt.map(\.json))),
            .init("images", .array(comparison.prompt.images.map { .string("\($0)") })),
            .init("candidates", .array(comparison.candidates.map { $0.json(isBlind: ranking == nil) })),
        ]
        if let ranking {
            members.append(.init("ranking", .array(ranking.map { .array($0.map { .string($0) }) })))
        }
        return .object(members)
    }
}

extension Comparison.Candidate {
    fileprivate func json(isBlind: Bool) -> JSON {
        var members: [JSON.Member] = [
            .init("id", .string(id)), .init("answer", .string(completion.text)),
            .init("finish_reason", .string(completion.finishReason.rawValue)),
        ]
        if !isBlind {
            let parts = completion.policy?.split(separator: "@", maxSplits: 1).map(String.init) ?? []
            members += [
                .init("model", JSON(parts.first)), .init("generation", JSON(parts.last.flatMap { Int($0) })),
                .init("seed", seed.map { .integer(Int64(bitPattern: $0)) } ?? .null),
            ]
        }
        return .object(members)
    }
}
