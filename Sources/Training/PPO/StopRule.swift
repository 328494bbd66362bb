/// The conditions that stop a failing run.
public struct StopRule: Codable, Sendable, Equatable {
    /// Upper bound on the divergence, in multiples of the target.
    public var divergence = 2.0
    /// The number of consecutive iterations above that bound that stops the run.
    public var patience = 3
    /// Upper bound on the share of answers without an end token.
    public var missingEnds = 0.1
    /// Lower bound on the entropy per token, as a share of the reference's.
    public var entropy = 0.25

    /// The rule of the shipped run.
    public init() {}

    /// Why to stop; nil to continue.
    ///
    /// - Parameter overTarget: the number of consecutive iterations above the bound, this one included.
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
