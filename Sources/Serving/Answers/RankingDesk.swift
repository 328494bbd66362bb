import Datasets
import Engine
import Feedback
import Foundation
import Logging
import NIOPosix
import WireFormats

/// Gives people the next comparison to rank, and turns prompts of the queue into comparisons: when one is asked for and
/// none is ready, and a few ahead while nobody else waits for the engine.
actor RankingDesk {
    /// The number of comparisons that are made ready before they are asked for.
    private static let ahead = 2
    /// The number of prompts that a call has answered as it alone wishes before it gives up.
    private static let attempts = 8

    /// Prompts whose answers are being sampled, by their number in the queue. The value is the id of the comparison;
    /// nil if the answers made none.
    private var running: [Int: Task<String?, any Error>] = [:]

    /// The open comparison whose answers differ most.
    ///
    /// - Throws: `APIError` `queue_empty` if there is none and no prompt is left that fits.
    func next(_ wanted: NextComparisonRequest, services: Services) async throws -> FeedbackStore.View {
        let wish = Wish(wanted, services)
        var tried: Set<Int> = []
        while true {
            let open = try await ready(wish, services: services)
            if let best = open.first {
                if open.count < Self.ahead { await workAhead(services) }
                return best
            }
            guard tried.count < Self.attempts else { throw Self.empty }
            if let (prompt, task) = try await begin(wish, excluding: tried, services: services) {
                guard wish.decides(prompt.content) else {
                    _ = try await task.value
                    continue
                }
                tried.insert(prompt.number)
                guard let id = try await task.value else { continue }
                return try await services.keeping { try $0.store.comparison(id, for: wanted.labeler.text) }
            }
            guard !running.isEmpty else { throw Self.empty }
            // Whichever is first done may be the one to show. What goes wrong there is told to its own caller.
            for task in running.values { _ = try? await task.value }
        }
    }

    private static var empty: APIError {
        APIError(
            .queueEmpty, "Nothing is left to rank: no comparison is open, and the queue has no prompt that fits.",
            status: 404)
    }

    /// The first open comparisons that fit the wish.
    private func ready(_ wish: Wish, services: Services) async throws -> [FeedbackStore.View] {
        try await services.keeping { folder in
            let page = try folder.store.comparisons(
                .open, for: wish.labeler, order: .informative, limit: wish.isNarrow ? 200 : Self.ahead, after: nil
            ).page
            return page.filter { wish.fits($0.comparison) }
        }
    }

    /// Begins to sample the first waiting prompt that fits; nil if none waits.
    private func begin(
        _ wish: Wish?, excluding tried: Set<Int> = [], services: Services
    ) async throws -> (QueuedPrompt, Task<String?, any Error>)? {
        let busy = tried.union(running.keys)
        let waiting = try await services.keeping { folder in
            try folder.store.waitingPrompts(limit: wish?.isNarrow == true ? 200 : 1, excluding: busy)
                .first { wish?.fits($0.content, services) ?? true }
        }
        // Another call may have begun the same prompt meanwhile.
        guard let prompt = waiting, running[prompt.number] == nil else { return nil }
        let task = Task {
            defer { running[prompt.number] = nil }
            return try await Self.sample(prompt, wish, services: services)
        }
        running[prompt.number] = task
        return (prompt, task)
    }

    /// Makes more comparisons ready, unless callers wait for the engine.
    private func workAhead(_ services: Services) async {
        guard running.isEmpty, services.models.load.waiting == 0 else { return }
        // What goes wrong is told to the caller who asks for this prompt next.
        _ = try? await begin(nil, services: services)
    }

    /// Nobody learns anything from an order of equal answers.
    private static let uniform = "all sampled answers are the same"

    /// The policy that a prompt of the queue names; `sft@7` means `sft` as long as its generation 7 is served.
    private static func served(_ name: String, _ services: Services) throws(APIError) -> String {
        let parts = name.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, let generation = Int(parts[1]), services.models.policy(name) == nil else { return name }
        guard services.models.policy(String(parts[0]))?.generation == generation else {
            throw APIError(.modelNotFound, "This server does not serve \(name).", param: "models", status: 404)
        }
        return String(parts[0])
    }

    /// Samples the answers to a prompt and stores the comparison.
    ///
    /// - Returns: the comparison's id; nil if its answers are all the same or cannot be sampled. The prompt is then
    ///   taken out of the queue, unless the caller's wish decided how it was answered.
    private static func sample(
        _ prompt: QueuedPrompt, _ wish: Wish?, services: Services
    ) async throws -> String? {
        let isWished = wish?.decides(prompt.content) ?? false
        func fail(_ reason: String) async throws {
            try await services.keeping { try $0.store.fail(prompt, reason: reason, at: Date()) }
        }
        do {
            let named = try (prompt.content.models ?? []).map { try served($0, services) }
            let models = named.isEmpty ? wish?.models ?? [] : named
            var options = GenerationOptions()
            options.count =
                wish?.samples ?? max(prompt.content.samples ?? ComparisonRequest.defaultSamples, models.count)
            let messages = try await services.keeping { folder in
                try prompt.content.prompt.map { try DialogueMessage($0, images: folder.images) }
            }
            let sample = try await CandidateSampler(services: services)
                .sample(.init(messages: messages, param: "prompt", models: models, options: options), context: nil)
            guard Set(sample.answers.map(\.completion.text)).count > 1 else {
                if !isWished { try await fail(Self.uniform) }
                return nil
            }
            let comparison = NewComparison(
                prompt: prompt.content.prompt, answers: sample.answers, seed: sample.seed, spread: sample.spread,
                labeler: nil, queued: prompt)
            return try await services.keeping { folder in
                try folder.store.add(comparison, images: folder.images, at: Date()).id
            }
        } catch let error as APIError where [400, 404].contains(error.status) && !isWished {
            // The prompt itself cannot be answered.
            services.logger.warning(
                "queue.failed", metadata: ["prompt": "\(prompt.number)", "error": "\(error.message)"])
            try await fail(error.message)
            return nil
        }
    }
}

/// What a caller wants to rank. A prompt of the queue that names policies or a number of answers is answered by these
/// alone; a wish decides what the prompt leaves open.
private struct Wish: Sendable {
    let labeler: String
    /// The number of answers; nil: any.
    let samples: Int?
    /// The policies by their own names, not by an alias; empty: any.
    let models: [String]

    init(_ request: NextComparisonRequest, _ services: Services) {
        labeler = request.labeler.text
        samples = request.samples
        models = request.models.map { Self.name($0, services) }
    }

    var isNarrow: Bool { samples != nil || !models.isEmpty }

    func fits(_ comparison: Comparison) -> Bool {
        let candidates = comparison.candidates
        let found = candidates.compactMap { $0.completion.policy.map(Self.withoutGeneration) }
        return (samples ?? candidates.count) == candidates.count && (models.isEmpty || Set(models) == Set(found))
    }

    func fits(_ prompt: QueuedPrompt.Content, _ services: Services) -> Bool {
        let named = (prompt.models ?? []).map { Self.name(Self.withoutGeneration($0), services) }
        return (samples == nil || prompt.samples == nil || samples == prompt.samples)
            && (models.isEmpty || named.isEmpty || Set(models) == Set(named))
    }

    /// Whether the wish decides how a prompt that fits is answered.
    func decides(_ prompt: QueuedPrompt.Content) -> Bool {
        (samples != nil && prompt.samples == nil) || (!models.isEmpty && (prompt.models ?? []).isEmpty)
    }

    private static func name(_ name: String, _ services: Services) -> String {
        services.models.policy(name)?.id ?? name
    }

    private static func withoutGeneration(_ name: String) -> String { String(name.prefix { $0 != "@" }) }
}

extension Services {
    /// Runs work on the folder that keeps feedback, on a thread that may wait for the disk.
    ///
    /// - Throws: `APIError` for servers that keep nothing.
    func keeping<Result: Sendable>(
        _ work: @escaping @Sendable (FeedbackFolder) throws -> Result
    ) async throws -> Result {
        guard let feedback else {
            throw APIError(
                .notFound, "This server keeps nothing: it runs without a data folder.", status: 404)
        }
        return try await NIOThreadPool.singleton.runIfActive { try work(feedback) }
    }
}

extension DialogueMessage {
    /// A stored message, with its images read again.
    fileprivate init(_ message: FeedbackMessage, images: ImageFolder) throws {
        let role: Role =
            switch message.role {
            case .system: .system
            case .user: .user
            case .assistant: .assistant
            }
        self.init(
            role: role,
            parts: try message.parts.map { part in
                switch part {
                case .text(let text): return .text(text)
                case .image(.stored(sha256: let digest)):
                    let bytes: [UInt8]
                    do { bytes = [UInt8](try images.file(sha256: digest)) } catch {
                        throw APIError(.notFound, "The image \(digest) is gone.", param: "prompt", status: 404)
                    }
                    return .image(ImageReference(source: .file(bytes), detail: .auto, param: "prompt"))
                case .image(let image):
                    throw APIError(.unsupportedValue, "The queue cannot draw \(image).", param: "prompt")
                }
            })
    }
}
