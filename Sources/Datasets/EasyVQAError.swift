public import Images

/// Why easy-VQA's files were refused.
public enum EasyVQAError: Error, Equatable, CustomStringConvertible {
    /// A file cannot be read at all.
    case unreadable(file: String, reason: String)
    /// A file, or one numbered entry of it, is not what easy-VQA 1.0 has there.
    case malformed(file: String, entry: Int?, reason: String)
    /// A picture is broken or has another size.
    case picture(file: String, ImageError)
    /// A picture that was asked for as training data is, pixel for pixel, a test picture.
    case heldOut(file: String, testPicture: String)

    /// The reason in words.
    public var description: String {
        switch self {
        case .unreadable(let file, let reason): "\(file): \(reason) (`make data` fetches easy-VQA)"
        case .malformed(let file, nil, let reason): "\(file): \(reason)"
        case .malformed(let file, let entry?, let reason): "\(file), entry \(entry): \(reason)"
        case .picture(let file, let error): "\(file): \(error)"
        case .heldOut(let file, let testPicture): "\(file) has the pixels of the test picture \(testPicture)"
        }
    }
}
