import Crypto
public import Images

/// The allowed use of a generated image. The seed decides it, so that no image can move between splits.
public enum SeedSplit: String, Codable, Sendable, CaseIterable {
    /// Seeds below 10^9.
    case training
    /// Seeds from 10^9 and below 2 x 10^9.
    case validation
    /// Seeds from 2 x 10^9.
    case test

    private static let stride: UInt64 = 1_000_000_000

    /// The split of `seed`.
    public init(of seed: UInt64) {
        switch seed / Self.stride {
        case 0: self = .training
        case 1: self = .validation
        default: self = .test
        }
    }

    /// The seed of this split's image with the number `index`, which must be below 10^9.
    public func seed(at index: UInt64) -> UInt64 {
        precondition(index < Self.stride, "a split has \(Self.stride) seeds, not one at \(index)")
        switch self {
        case .training: return index
        case .validation: return Self.stride + index
        case .test: return 2 * Self.stride + index
        }
    }
}

/// Remembers the test images by the SHA-256 of their pixels, so that no test image is used for training under any name.
public struct SplitRegistry: Sendable {
    private var names: [SHA256.Digest: String] = [:]

    /// An empty registry.
    public init() {}

    /// Marks an image as test data; `name` is for messages.
    public mutating func hold(_ image: RGBImage, name: String) {
        names[Self.digest(image)] = name
    }

    /// The name of the test image with the same pixels, if there is one.
    public func testImage(equalTo image: RGBImage) -> String? {
        names[Self.digest(image)]
    }

    private static func digest(_ image: RGBImage) -> SHA256.Digest {
        var hash = SHA256()
        // The size distinguishes a 2x8 image from a 4x4 one.
        hash.update(data: Array("\(image.width)x\(image.height):".utf8))
        hash.update(data: image.pixels)
        return hash.finalize()
    }
}
