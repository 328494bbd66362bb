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

    /// The bytes are neither PNG nor JPEG, or a variant that is not supported. The name is that of the format, if
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
        case .unsupported(let name?): "a \(name) image; only PNG and JPEG are read"
        case .unsupported(nil): "neither a PNG nor a JPEG"
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
