/// Why a safetensors file cannot be used.
public enum SafetensorsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The system could not read or write it.
    case file(FileError)
    /// Its bytes break the format.
    case malformed(path: String, FileFault)
    /// The header's JSON does not describe tensors; `reason` names the field if it can.
    case badHeader(path: String, reason: String)
    /// A tensor's numbers have a type that Apus cannot read.
    case unsupportedType(path: String, tensor: String, type: String)
    /// There is no such tensor.
    case missingTensor(path: String, name: String)
    /// A tensor does not have the shape that its reader needs.
    case wrongShape(path: String, tensor: String, expected: [Int], found: [Int])

    /// One line for a person.
    public var description: String {
        switch self {
        case .file(let error):
            return "\(error)"
        case .malformed(let path, let fault):
            return "\(path): not a safetensors file: \(fault)"
        case .badHeader(let path, let reason):
            return "\(path): the safetensors header is not valid: \(reason)"
        case .unsupportedType(let path, let tensor, let type):
            let known = FloatFormat.allCases.map(\.rawValue).joined(separator: ", ")
            return "\(path): tensor \(tensor) is of type \(type), expected one of \(known)"
        case .missingTensor(let path, let name):
            return "\(path): no tensor \(name)"
        case .wrongShape(let path, let tensor, let expected, let found):
            return "\(path): tensor \(tensor): expected shape \(expected), found \(found)"
        }
    }
}
