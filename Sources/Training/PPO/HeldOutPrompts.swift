public import Models

/// Prompts that no iteration asks. Policies answer them before the first iteration, at intervals, and at the end.
/// Prompts and seeds are always the same, so that answers differ only by the policies.
public struct HeldOutPrompts {
    let images: [ImagePrompts]
    let record: (PolicySnapshot) throws -> Void

    /// - Parameters:
    ///   - images: at least two; each question is answered once.
    ///   - record: receives each validated policy.
    public init(images: [ImagePrompts], record: @escaping (PolicySnapshot) throws -> Void = { _ in }) {
        precondition(images.count > 1, "\(images.count) held-out pictures")
        self.images = images
        self.record = record
    }
}

/// A policy at one iteration of its run, with what it answers to held-out prompts.
public struct PolicySnapshot: Sendable {
    /// Iterations done: 0 for the reference that training starts from.
    public let iteration: Int
    /// The policy.
    public let adapter: LowRankAdapter
    /// The answers to the first question of each image.
    public let answers: RolloutRecord

    package init(iteration: Int, adapter: LowRankAdapter, answers: RolloutRecord) {
        self.iteration = iteration
        self.adapter = adapter
        self.answers = answers
    }
}
