import Crypto
public import Images

/// Remembers the test pictures by the SHA-256 of their pixels, so that none of them is ever trained on, under
/// whatever name it comes.
public struct SplitRegistry: Sendable {
    private var names: [SHA256.Digest: String] = [:]

    /// Knows no picture.
    public init() {}

    /// Marks a picture as test data; `name` is for messages.
    public mutating func hold(_ picture: RGBImage, name: String) {
        names[Self.digest(picture)] = name
    }

    /// The name of the test picture with the same pixels, if there is one.
    public func testPicture(equalTo picture: RGBImage) -> String? {
        names[Self.digest(picture)]
    }

    private static func digest(_ picture: RGBImage) -> SHA256.Digest {
        var hash = SHA256()
        // The size tells a 2x8 picture from a 4x4 one.
        hash.update(data: Array("\(picture.width)x\(picture.height):".utf8))
        hash.update(data: picture.pixels)
        return hash.finalize()
    }
}
