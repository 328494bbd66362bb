/// The limits for decoding an image. Sizes are checked against the file's header before memory is allocated.
public struct ImageLimits: Sendable, Equatable {
    /// Encoded size, in bytes.
    public let maximumBytes: Int
    /// Longer side, in pixels.
    public let maximumSide: Int
    /// Width times height, in pixels.
    public let maximumPixels: Int
    /// Chunks of a PNG, or marker segments before the first scan of a JPEG.
    public let maximumChunks: Int
    /// Scans of a progressive JPEG, each of which may touch every pixel. Encoders write 10 to 20.
    public let maximumScans: Int
    /// Processor time of decoding.
    public let maximumTime: Duration

    /// The limits of a public server: 10 MiB, 8,192 pixels per side, 16,777,216 pixels, 4,096 chunks, 100 scans, 5
    /// seconds.
    public static let standard = ImageLimits()

    /// Limits must be positive, and pixels below 2^31 so that byte counts cannot overflow.
    public init(
        maximumBytes: Int = 10 << 20, maximumSide: Int = 8_192, maximumPixels: Int = 16_777_216,
        maximumChunks: Int = 4_096, maximumScans: Int = 100, maximumTime: Duration = .seconds(5)
    ) {
        precondition(maximumBytes > 0 && maximumSide > 0 && maximumPixels > 0 && maximumChunks > 0)
        precondition(maximumPixels < 1 << 31 && maximumScans > 0 && maximumTime > .zero)
        self.maximumBytes = maximumBytes
        self.maximumSide = maximumSide
        self.maximumPixels = maximumPixels
        self.maximumChunks = maximumChunks
        self.maximumScans = maximumScans
        self.maximumTime = maximumTime
    }

    /// Throws if a size exceeds its limit.
    func check(width: Int, height: Int) throws(ImageError) {
        let side = max(width, height)
        guard side <= maximumSide else { throw .tooLarge(.side, found: side, limit: maximumSide) }
        guard width * height <= maximumPixels else {
            throw .tooLarge(.pixels, found: width * height, limit: maximumPixels)
        }
    }
}
