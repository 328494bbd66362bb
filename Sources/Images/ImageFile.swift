/// The properties of an image before its pixels are decoded.
public struct ImageHeader: Sendable, Equatable {
    /// The format of the bytes.
    public let format: ImageFormat
    /// Pixels per row in the upright image.
    public let width: Int
    /// The number of rows in the upright image.
    public let height: Int
    /// How the stored image must be turned.
    public let orientation: Orientation
    /// The peak memory of decoding in bytes: the decoded image plus the format's working memory.
    public let decodingBytes: Int

    init(_ format: ImageFormat, width: Int, height: Int, orientation: Orientation, decodingBytes: Int) {
        self.format = format
        self.width = orientation.swapsSides ? height : width
        self.height = orientation.swapsSides ? width : height
        self.orientation = orientation
        self.decodingBytes = decodingBytes
    }
}

/// Reads and writes image files: PNG over libpng, JPEG over libjpeg. The first bytes determine the format.
///
/// Every format becomes 8-bit grey or RGB, upright: EXIF's orientation is applied. Alpha is composited over white.
/// Gamma and colour profiles are ignored.
public enum ImageFile {
    /// Reads format and size from a file's header.
    ///
    /// Throws the errors of `decode` for a file that is no image, too large according to its header, or damaged in its
    /// header.
    public static func header(
        of bytes: [UInt8], limits: ImageLimits = .standard
    ) throws(ImageError) -> ImageHeader {
        switch try format(of: bytes, limits: limits) {
        case .png: try PNG.header(of: bytes, limits: limits)
        case .jpeg: try JPEGHeader(bytes, limits: limits).summary
        }
    }

    /// Decodes an image. Limits are checked before memory for pixels is allocated. A truncated or damaged file is an
    /// error.
    ///
    /// - Parameter isCancelled: called between rows; decoding ends with `cancelled` once it returns true.
    public static func decode(
        _ bytes: [UInt8], limits: ImageLimits = .standard, isCancelled: @escaping () -> Bool = { false }
    ) throws(ImageError) -> DecodedImage {
        try decode(bytes, limits: limits, watch: DecodeWatch(limit: limits.maximumTime, isCancelled: isCancelled))
    }

    package static func decode(
        _ bytes: [UInt8], limits: ImageLimits, watch: DecodeWatch
    ) throws(ImageError) -> DecodedImage {
        switch try format(of: bytes, limits: limits) {
        case .png: try PNG.decode(bytes, limits: limits, watch: watch)
        case .jpeg: try JPEG.decode(bytes, limits: limits, watch: watch)
        }
    }

    /// Encodes an image as a PNG of 8-bit RGB.
    public static func encode(_ image: RGBImage) -> [UInt8] { PNG.encode(image) }

    private static func format(of bytes: [UInt8], limits: ImageLimits) throws(ImageError) -> ImageFormat {
        let format = try ImageFormat(of: bytes)
        guard bytes.count <= limits.maximumBytes else {
            throw .tooLarge(.bytes, found: bytes.count, limit: limits.maximumBytes)
        }
        return format
    }
}
