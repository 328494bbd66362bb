/// Why bytes were refused as a PNG picture.
public enum PNGError: Error, Equatable, CustomStringConvertible {
    /// What can be too large.
    public enum Measure: String, Sendable {
        /// The encoded file, in bytes.
        case bytes
        /// The longer side, in pixels.
        case side
        /// Width times height, in pixels.
        case pixels
    }

    /// The bytes do not begin with PNG's signature.
    case notPNG
    /// A limit is exceeded; found out from the file's size and its header alone.
    case tooLarge(Measure, found: Int, limit: Int)
    /// The file has more chunks than the limit.
    case tooManyChunks(limit: Int)
    /// The file begins as a PNG but is cut off, damaged or against the format: what, and where.
    case corrupt(String)

    /// The reason in words for a user.
    public var description: String {
        switch self {
        case .notPNG: "not a PNG: the signature is missing"
        case .tooLarge(.bytes, let found, let limit): "the PNG has \(found) bytes, more than \(limit)"
        case .tooLarge(.side, let found, let limit): "the PNG has a side of \(found) pixels, more than \(limit)"
        case .tooLarge(.pixels, let found, let limit): "the PNG has \(found) pixels, more than \(limit)"
        case .tooManyChunks(let limit): "the PNG has more than \(limit) chunks"
        case .corrupt(let what): "corrupt PNG: \(what)"
        }
    }
}
