public import Images

/// Why easy-VQA's files were refused.
public enum EasyVQAError: Error, Equatable, CustomStringConvertible {
    /// A file cannot be read at all.
    case unreadable(file: String, reason: String)
    /// A file, or one numbered entry of it, is not what easy-VQA 1.0 has there.
    case malformed(file: String, entry: Int?, reason: String)
    /// An image is broken or has another size.
    case image(file: String, ImageError)
    /// An image that was asked for as training data is, pixel for pixel, a test image.
    case heldOut(file: String, testImage: String)

    /// The reason in words.
    public var description: String {
        switch self {
        case .unreadable(let file, let reason): "\(file): \(reason) (`make data` fetches easy-VQA)"
        case .malformed(let file, nil, let reason): "\(file): \(reason)"
        case .malformed(let file, let entry?, let reason): "\(file), entry \(entry): \(reason)"
        case .image(let file, let error): "\(file): \(error)"
        case .heldOut(let file, let testImage): "\(file) has the pixels of the test picture \(testImage)"
        }
    }
}
