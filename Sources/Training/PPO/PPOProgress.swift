import Foundation

/// The state that an iteration hands to the next, besides tensors.
struct PPOProgress: Codable, Sendable, Equatable {
    /// The number of finished iterations.
    var iterations = 0
    /// β, the weight of the divergence from the reference.
    var klWeight: Double
    /// The target of an answer's divergence, in nats; nil before the first iteration.
    var klTarget: Double?
    /// The number of consecutive iterations whose divergence exceeds the stop rule's bound.
    var overTarget = 0
    /// The reference's entropy in nats per token; nil before the first iteration.
    var referenceEntropy: Double?
    /// The weight of the divergence from the old policy.
    var penaltyWeight: Double
    /// The weight of the replayed text; nil before the first update of the policy.
    var replayWeight: Double?
    /// The number of updates of the value model so far.
    var valueUpdates = 0
    /// Scores of the reference's answers to the held-out prompts; nil before the first validation.
    var referenceScores: [Double]?
    /// Why the run was stopped; nil if it was not.
    var stopReason: String?

    private static let field = "progress"

    init(_ settings: PPOSettings) {
        klWeight = settings.klWeight
        penaltyWeight = settings.penaltyWeight
    }

    /// The progress in `state`; initial progress if `state` is empty.
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
