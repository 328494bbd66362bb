import Tensors

/// Why a GGUF file cannot be used.
public enum GGUFError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The system could not read it.
    case unreadable(FileError)
    /// Its bytes break the format.
    case malformed(path: String, FileFault)
    /// A tensor has a format that Apus cannot read; `type` is ggml's name for it.
    case unsupportedType(path: String, tensor: String, type: String)
    /// The metadata has no such key.
    case missingKey(path: String, key: String, expected: String)
    /// A key's value has the wrong type.
    case wrongType(path: String, key: String, expected: String, found: String)
    /// There is no such tensor.
    case missingTensor(path: String, name: String)

    /// One line for a person.
    public var description: String {
        switch self {
        case .unreadable(let error):
            return "\(error)"
        case .malformed(let path, let fault):
            return "\(path): not a GGUF file that can be read: \(fault)"
        case .unsupportedType(let path, let tensor, let type):
            let known = ElementFormat.allCases.map { ElementFormat.ggmlName(of: $0.ggmlType) }.joined(separator: ", ")
            return "\(path): tensor \(tensor) is of type \(type), expected one of \(known)"
        case .missingKey(let path, let key, let expected):
            return "\(path): metadata key \(key): expected \(expected), found nothing"
        case .wrongType(let path, let key, let expected, let found):
            return "\(path): metadata key \(key): expected \(expected), found \(found)"
        case .missingTensor(let path, let name):
            return "\(path): no tensor \(name)"
        }
    }
}
