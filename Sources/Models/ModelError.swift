/// Why a readable checkpoint cannot be run.
public enum ModelError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A metadata value that is not supported, or that contradicts another.
    case unsupported(key: String, expected: String, found: String)
    /// A tensor whose shape does not match the configuration.
    case shape(tensor: String, expected: [Int], found: [Int])
    /// A tensor that the architecture does not have.
    case unknownTensor(String)
    /// A tensor that the architecture needs is missing.
    case missingTensor(String)

    /// The problem with the names involved.
    public var description: String {
        switch self {
        case .unsupported(let key, let expected, let found): "\(key): expected \(expected), found \(found)"
        case .shape(let tensor, let expected, let found): "tensor \(tensor): expected shape \(expected), found \(found)"
        case .unknownTensor(let name): "tensor \(name) is not part of this architecture"
        case .missingTensor(let name): "tensor \(name) is missing"
        }
    }
}
