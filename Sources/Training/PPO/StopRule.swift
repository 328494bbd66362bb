/// When a run that goes wrong is stopped.
public struct StopRule: Codable, Sendable, Equatable {
    /// The divergence that is too much, in multiples of the target.
    public var divergence = 2.0
    /// After so many iterations running with too much of it.
    public var patience = 3
    /// The share of answers without end token that is too much.
    public var missingEnds = 0.1
    /// The entropy a token that is too little, as a share of the reference's.
    public var entropy = 0.25

    /// The rule of the run that ships.
    public init() {}

    /// Why to stop; nil to go on.
    ///
    /// - Parameter overTarget: iterations running, this one included, whose divergence was too much.
    package func reason(
        overTarget: Int, missingEnds share: Double, entropy found: Double, referenceEntropy: Double
    ) -> String? {
        if overTarget >= patience { return "the KL was above \(divergence)x its target \(overTarget) times running" }
        if share > missingEnds { return "\(Int(100 * share)) % of the answers have no end token" }
        if found < entropy * referenceEntropy {
            return "the entropy fell to \(found) nats a token, the reference's was \(referenceEntropy)"
        }
        return nil
    }
}
