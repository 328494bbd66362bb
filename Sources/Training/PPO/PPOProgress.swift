import Foundation

/// What an iteration leaves to the next beside tensors.
struct PPOProgress: Codable, Sendable, Equatable {
    /// Iterations done.
    var iterations = 0
    /// β, the weight of the divergence from the reference.
    var klWeight: Double
    /// The divergence of an answer that β is steered to, in nats; nil before the first iteration.
    var klTarget: Double?
    /// Iterations running with more divergence than the stop rule allows.
    var overTarget = 0
    /// The reference's entropy in nats a token; nil before the first iteration.
    var referenceEntropy: Double?
    /// Weight of the divergence from the old policy.
    var penaltyWeight: Double
    /// Weight of the replayed text; nil before the first update of the policy.
    var replayWeight: Double?
    /// Updates of the value model so far.
    var valueUpdates = 0
    /// Scores of the reference's answers to the held-out prompts; nil before the first validation.
    var referenceScores: [Double]?
    /// Why the run was stopped, if it was.
    var stopReason: String?

    private static let field = "progress"

    init(_ settings: PPOSettings) {
        klWeight = settings.klWeight
        penaltyWeight = settings.penaltyWeight
    }

    /// The progress that `state` holds; that of the start if it is empty.
    init(state: [String: String], settings: PPOSettings) throws {
        guard let text = state[Self.field] else {
            self.init(settings)
            return
        }
        self = try JSONDecoder().decode(PPOProgress.self, from: Data(text.utf8))
    }

    func state() throws -> [String: String] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return [Self.field: String(decoding: try encoder.encode(self), as: UTF8.self)]
    }
}
