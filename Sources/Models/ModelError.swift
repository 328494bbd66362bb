/// Why a checkpoint that reads well cannot be run.
public enum ModelError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A metadata value that we have no code for, or that contradicts another.
    case unsupported(key: String, expected: String, found: String)
    /// A tensor whose extents do not follow from the configuration.
    case shape(tensor: String, expected: [Int], found: [Int])
    /// A tensor that the architecture does not have.
    case unknownTensor(String)
    /// A tensor that the architecture needs.
    case missingTensor(String)

    /// What is wrong, by name.
    public var description: String {
        switch self {
        case .unsupported(let key, let expected, let found): "\(key): expected \(expected), found \(found)"
        case .shape(let tensor, let expected, let found): "tensor \(tensor): expected shape \(expected), found \(found)"
        case .unknownTensor(let name): "tensor \(name) is not part of this architecture"
        case .missingTensor(let name): "tensor \(name) is missing"
        }
    }
}
