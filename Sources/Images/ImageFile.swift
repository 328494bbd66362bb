/// What is known of an image before its pixels are decoded.
public struct ImageHeader: Sendable, Equatable {
    /// The format that the bytes are of.
    public let format: ImageFormat
    /// Pixels a row, once the image is upright.
    public let width: Int
    /// Rows, once the image is upright.
    public let height: Int
    /// How the stored image is turned to be upright.
    public let orientation: Orientation
    /// The most bytes that decoding holds at once: the decoded image, and what the format needs besides.
    public let decodingBytes: Int

    init(_ format: ImageFormat, width: Int, height: Int, orientation: Orientation, decodingBytes: Int) {
        self.format = format
        self.width = orientation.swapsSides ? height : width
        self.height = orientation.swapsSides ? width : height
        self.orientation = orientation
        self.decodingBytes = decodingBytes
    }
}

/// Reads and writes image files: PNG over libpng, JPEG over libjpeg. The first bytes decide which it is.
///
/// Every kind gives 8-bit grey or RGB, upright: EXIF's orientation is applied. Alpha is composited over white. Gamma
/// and colour profiles are ignored.
public enum ImageFile {
    /// Reads format and size from a file's header.
    ///
    /// Throws what `decode` throws for a file that is no image, too large by its header, or damaged so far.
    public static func header(
        of bytes: [UInt8], limits: ImageLimits = .standard
    ) throws(ImageError) -> ImageHeader {
        switch try format(of: bytes, limits: limits) {
        case .png: try PNG.header(of: bytes, limits: limits)
        case .jpeg: try JPEGHeader(bytes, limits: limits).summary
        }
    }

    /// Decodes an image. Limits are checked before memory for pixels is taken; a file that is cut off or damaged is an
    /// error.
    ///
    /// - Parameter isCancelled: asked from row to row; when it is true, decoding ends with `cancelled`.
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
