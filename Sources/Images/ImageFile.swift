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

/// Reads image files, PNG over libpng, JPEG over libjpeg, WebP over libwebp and GIF over giflib, and writes PNG. The
/// first bytes determine the format.
///
/// Every format becomes 8-bit grey or RGB, upright: EXIF's orientation is applied. Alpha is composited over white. Of
/// an animation the first frame is read, on its canvas. Gamma and colour profiles are ignored.
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
        case .webp: try WebPContainer(bytes, limits: limits).summary
        case .gif: try GIF.header(of: bytes, limits: limits)
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
        case .webp: try WebP.decode(bytes, limits: limits, watch: watch)
        case .gif: try GIF.decode(bytes, limits: limits, watch: watch)
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

/// The supported formats.
public enum ImageFormat: String, Sendable, CaseIterable {
    /// Portable Network Graphics.
    case png
    /// JPEG, in a JFIF or EXIF file.
    case jpeg
    /// WebP, lossy or lossless; the first frame of an animation.
    case webp
    /// Graphics Interchange Format, the first frame.
    case gif

    /// The name in messages.
    public var name: String { self == .webp ? "WebP" : rawValue.uppercased() }

    /// The names of all formats.
    static let names = "PNG, JPEG, WebP and GIF"

    /// The file name extension, without the dot.
    public var fileExtension: String {
        switch self {
        case .jpeg: "jpg"
        case .png, .webp, .gif: rawValue
        }
    }

    /// The format that a file's first bytes announce. The declared media type does not matter.
    public init(of bytes: [UInt8]) throws(ImageError) {
        if bytes.starts(with: PNGChunks.signature) {
            self = .png
        } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if WebPContainer.isAnnounced(by: bytes) {
            self = .webp
        } else if bytes.starts(with: Array("GIF87a".utf8)) || bytes.starts(with: Array("GIF89a".utf8)) {
            self = .gif
        } else {
            throw .unsupported(ForeignFormat.name(of: bytes))
        }
    }
}

/// Formats that are recognized but not supported.
private enum ForeignFormat {
    private static let signatures: [(start: [UInt8], name: String)] = [
        (Array("BM".utf8), "BMP"), (Array("%PDF-".utf8), "PDF"),
        ([0x49, 0x49, 0x2A, 0], "TIFF"), ([0x4D, 0x4D, 0, 0x2A], "TIFF"), ([0, 0, 1, 0], "ICO"),
        (Array("8BPS".utf8), "Photoshop"), ([0xFF, 0x0A], "JPEG XL"),
        ([0, 0, 0, 0x0C] + Array("JXL ".utf8), "JPEG XL"), ([0, 0, 0, 0x0C] + Array("jP  ".utf8), "JPEG 2000"),
    ]

    /// Brands of ISO base media files (ISO/IEC 14496-12) that contain images.
    private static let brands = [
        "heic": "HEIC", "heix": "HEIC", "heim": "HEIC", "heis": "HEIC", "hevc": "HEIC", "mif1": "HEIC", "msf1": "HEIC",
        "avif": "AVIF", "avis": "AVIF",
    ]

    /// The format's name, if its signature is known.
    static func name(of bytes: [UInt8]) -> String? {
        if let known = signatures.first(where: { bytes.starts(with: $0.start) }) { return known.name }
        if text(bytes, 4..<8) == "ftyp" { return brand(bytes) }
        let beginning = String(decoding: bytes.prefix(1_024), as: UTF8.self)
        let isMarkup = beginning.drop { $0.isWhitespace || $0 == "\u{FEFF}" }.first == "<"
        return isMarkup && beginning.contains("<svg") ? "SVG" : nil
    }

    /// The name by the first known brand: the major brand, then the compatible ones.
    private static func brand(_ bytes: [UInt8]) -> String? {
        let starts = [8] + stride(from: 16, to: min(bytes.count, 64) - 3, by: 4)
        let found = starts.compactMap { brands[text(bytes, $0..<$0 + 4)] }
        return found.contains("AVIF") ? "AVIF" : found.first
    }

    private static func text(_ bytes: [UInt8], _ range: Range<Int>) -> String {
        String(decoding: bytes[range.clamped(to: 0..<bytes.count)], as: UTF8.self)
    }
}

/// The limits for decoding an image. Sizes are checked against the file's header before memory is allocated.
public struct ImageLimits: Sendable, Equatable {
    /// Encoded size, in bytes.
    public let maximumBytes: Int
    /// Longer side, in pixels.
    public let maximumSide: Int
    /// Width times height, in pixels.
    public let maximumPixels: Int
    /// Chunks of a PNG or WebP, marker segments before the first scan of a JPEG, blocks before the first image of a
    /// GIF.
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

/// Why bytes were refused as an image.
public enum ImageError: Error, Equatable, CustomStringConvertible {
    /// The sizes that have limits.
    public enum Measure: String, Sendable {
        /// The encoded file, in bytes.
        case bytes
        /// The longer side, in pixels.
        case side
        /// Width times height, in pixels.
        case pixels
    }

    /// The bytes are of no supported format, or a variant that is not supported. The name is that of the format, if
    /// known.
    case unsupported(String?)
    /// A size exceeds its limit, according to the file's size and header.
    case tooLarge(Measure, found: Int, limit: Int)
    /// The file has more chunks or marker segments than the limit.
    case tooManyChunks(limit: Int)
    /// A progressive file has more scans than the limit.
    case tooManyScans(limit: Int)
    /// Decoding took more processor time than the limit.
    case tooSlow(limit: Duration)
    /// The file is truncated, damaged or violates its format: the problem and its location.
    case corrupt(ImageFormat, String)
    /// The caller cancelled the decoding.
    case cancelled

    /// The reason in words for people.
    public var description: String {
        switch self {
        case .unsupported(let name?): "a \(name) image; only \(ImageFormat.names) are read"
        case .unsupported(nil): "no image that is known; \(ImageFormat.names) are read"
        case .tooLarge(.bytes, let found, let limit): "the image has \(found) bytes, more than \(limit)"
        case .tooLarge(.side, let found, let limit): "the image has a side of \(found) pixels, more than \(limit)"
        case .tooLarge(.pixels, let found, let limit): "the image has \(found) pixels, more than \(limit)"
        case .tooManyChunks(let limit): "the image has more than \(limit) chunks"
        case .tooManyScans(let limit): "the image has more than \(limit) scans"
        case .tooSlow(let limit): "the image takes more than \(limit.components.seconds) s to decode"
        case .corrupt(let format, let what): "corrupt \(format.name): \(what)"
        case .cancelled: "decoding was cancelled"
        }
    }
}
