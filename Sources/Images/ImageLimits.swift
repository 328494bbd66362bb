/// What a PNG may cost at most. All of it is checked from the file's size and header before memory is taken.
public struct ImageLimits: Sendable, Equatable {
    /// Encoded size, in bytes.
    public let maximumBytes: Int
    /// Longer side, in pixels.
    public let maximumSide: Int
    /// Width times height, in pixels.
    public let maximumPixels: Int
    /// Chunks in the file.
    public let maximumChunks: Int

    /// The limits of a server open to anyone: 10 MiB, 8,192 pixels a side, 16,777,216 pixels, 4,096 chunks.
    public static let standard = ImageLimits()

    /// Limits must be positive, and pixels below 2^31 so that byte counts cannot overflow.
    public init(
        maximumBytes: Int = 10 << 20, maximumSide: Int = 8_192, maximumPixels: Int = 16_777_216,
        maximumChunks: Int = 4_096
    ) {
        precondition(maximumBytes > 0 && maximumSide > 0 && maximumPixels > 0 && maximumChunks > 0)
        precondition(maximumPixels < 1 << 31)
        self.maximumBytes = maximumBytes
        self.maximumSide = maximumSide
        self.maximumPixels = maximumPixels
        self.maximumChunks = maximumChunks
    }
}
