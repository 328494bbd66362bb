/// What a generated image may be used for. Its seed says it, so that no image can move between splits.
public enum SeedSplit: String, Codable, Sendable, CaseIterable {
    /// Seeds below 10^9.
    case training
    /// Seeds from 10^9 and below 2 x 10^9.
    case validation
    /// Seeds from 2 x 10^9.
    case test

    private static let stride: UInt64 = 1_000_000_000

    /// The split that `seed` belongs to.
    public init(of seed: UInt64) {
        switch seed / Self.stride {
        case 0: self = .training
        case 1: self = .validation
        default: self = .test
        }
    }

    /// The seed of this split's image number `index`, which must be below 10^9.
    public func seed(at index: UInt64) -> UInt64 {
        precondition(index < Self.stride, "a split has \(Self.stride) seeds, not one at \(index)")
        switch self {
        case .training: return index
        case .validation: return Self.stride + index
        case .test: return 2 * Self.stride + index
        }
    }
}
