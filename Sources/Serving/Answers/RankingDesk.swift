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

    /// Prompts whose answers are being sampled, by their number in the queue.
    private var running: [Int: Task<Void, any Error>] = [:]

    /// The open comparison whose answers differ most.
    ///
    /// - Throws: `APIError` `queue_empty` if there is none and no prompt is left.
    func next(_ wanted: NextComparisonRequest, services: Services) async throws -> FeedbackStore.View {
        while true {
            let open = try await ready(wanted, services: services)
            if let best = open.first {
                if open.count < Self.ahead { await workAhead(services) }
                return best
            }
            if try await begin(wanted, services: services) == nil, running.isEmpty { throw Self.empty }
            // Whichever is first done may be the one to show.
            for task in running.values { try await task.value }
        }
    }

    private static var empty: APIError {
        APIError(
            .queueEmpty, "Nothing is left to rank: no comparison is open, and the queue has no prompt.", status: 404)
    }

    /// The first open comparisons that fit the request.
    private func ready(
        _ wanted: NextComparisonRequest, services: Services
    ) async throws -> [FeedbackStore.View] {
        let isNarrow = wanted.samples != nil || !wanted.models.isEmpty
        return try await services.keeping { folder in
            let page = try folder.store.comparisons(
                .open, for: wanted.labeler.text, order: .informative, limit: isNarrow ? 200 : Self.ahead, after: nil
            ).page
            return page.filter { view in
                let candidates = view.comparison.candidates
                let models = Set(candidates.compactMap { $0.completion.policy?.split(separator: "@").first })
                return (wanted.samples ?? candidates.count) == candidates.count
                    && (wanted.models.isEmpty || Set(wanted.models.map { $0[...] }) == models)
            }
        }
    }

    /// Begins to sample the first waiting prompt; nil if none waits.
    @discardableResult
    private func begin(_ wanted: NextComparisonRequest?, services: Services) async throws -> Int? {
        let busy = Set(running.keys)
        let waiting = try await services.keeping { folder in
            try folder.store.waitingPrompts(limit: 1, excluding: busy).first
        }
        // Another call may have begun the same prompt meanwhile.
        guard let prompt = waiting, running[prompt.number] == nil else { return nil }
        running[prompt.number] = Task {
            defer { running[prompt.number] = nil }
            try await Self.sample(prompt, wanted, services: services)
        }
        return prompt.number
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

    private static func sample(
        _ prompt: QueuedPrompt, _ wanted: NextComparisonRequest?, services: Services
    ) async throws {
        do {
            let models =
                try wanted.flatMap { $0.models.isEmpty ? nil : $0.models }
                ?? (prompt.content.models ?? []).map { try served($0, services) }
            var options = GenerationOptions()
            options.count =
                wanted?.samples ?? prompt.content.samples
                ?? max(ComparisonRequest.defaultSamples, models.count)
            let messages = try await services.keeping { folder in
                try prompt.content.prompt.map { try DialogueMessage($0, images: folder.images) }
            }
            let sample = try await CandidateSampler(services: services)
                .sample(.init(messages: messages, param: "prompt", models: models, options: options), context: nil)
            guard Set(sample.answers.map(\.completion.text)).count > 1 else {
                try await services.keeping { folder in
                    try folder.store.fail(prompt, reason: Self.uniform, at: Date())
                }
                return
            }
            let comparison = NewComparison(
                prompt: prompt.content.prompt, answers: sample.answers, seed: sample.seed, spread: sample.spread,
                labeler: nil, queued: prompt)
            _ = try await services.keeping { folder in
                try folder.store.add(comparison, images: folder.images, at: Date())
            }
        } catch let error as APIError where [400, 404].contains(error.status) {
            // The prompt itself cannot be answered. A caller's own wishes are not the prompt's fault.
            if let wanted, !wanted.models.isEmpty, error.code == .modelNotFound { throw error }
            services.logger.warning(
                "queue.failed", metadata: ["prompt": "\(prompt.number)", "error": "\(error.message)"])
            try await services.keeping { folder in
                try folder.store.fail(prompt, reason: error.message, at: Date())
            }
        }
    }
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
