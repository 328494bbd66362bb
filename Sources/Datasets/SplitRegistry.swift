import Crypto
public import Images

/// Remembers the test images by the SHA-256 of their pixels, so that none of them is ever trained on, under
/// whatever name it comes.
public struct SplitRegistry: Sendable {
    private var names: [SHA256.Digest: String] = [:]

    /// Knows no image.
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
        // The size tells a 2x8 image from a 4x4 one.
        hash.update(data: Array("\(image.width)x\(image.height):".utf8))
        hash.update(data: image.pixels)
        return hash.finalize()
    }
}
