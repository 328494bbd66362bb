/// Why an adapter in PEFT's format cannot be used.
public enum PEFTError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The system could not read or write one of its files.
    case file(FileError)
    /// `adapter_config.json` is not valid; `reason` names the field.
    case badConfiguration(path: String, reason: String)
    /// The configuration asks for a computation that Apus lacks.
    case unsupported(path: String, field: String, expected: String, found: String)
    /// `adapter_model.safetensors` is not valid, or a tensor's shape does not match the configuration.
    case weights(SafetensorsError)
    /// A tensor that belongs to none of the target modules.
    case unknownTensor(path: String, name: String)
    /// A factor that the configuration or the other factor requires is missing.
    case missingTensor(path: String, name: String)

    /// One line for a person.
    public var description: String {
        switch self {
        case .file(let error): "\(error)"
        case .badConfiguration(let path, let reason): "\(path): not a LoRA configuration: \(reason)"
        case .unsupported(let path, let field, let expected, let found):
            "\(path): \(field) is not supported: expected \(expected), found \(found)"
        case .weights(let error): "\(error)"
        case .unknownTensor(let path, let name): "\(path): tensor \(name) belongs to no target module"
        case .missingTensor(let path, let name): "\(path): no tensor \(name)"
        }
    }
}
