public import Checkpoints

/// Why a policy cannot be served or published.
public enum PolicyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The system could not read or write a file.
    case file(FileError)
    /// A policy's name is not valid.
    case badName(String)
    /// `current` does not hold a generation's number.
    case badCurrent(path: String, found: String)
    /// The manifest is not valid; `reason` names the field.
    case badManifest(path: String, reason: String)
    /// The manifest names another policy or generation than the folder's path.
    case misplaced(path: String, expected: PolicyManifest.Reference, found: PolicyManifest.Reference)
    /// The policy was trained for another base model.
    case otherBackbone(path: String, expected: String, found: String)
    /// The manifest lists a file that is not there.
    case missingFile(path: String)
    /// There is a file that the manifest does not list.
    case unlistedFile(path: String)
    /// A file's bytes differ from its digest in the manifest.
    case altered(path: String, expected: FileDigest, found: FileDigest)
    /// The generation exists already; a number is never reused for other bytes.
    case published(path: String)
    /// Another process is publishing it.
    case beingPublished(path: String)

    /// What is wrong and what to do, on one line.
    public var description: String {
        switch self {
        case .file(let error):
            "\(error)"
        case .badName(let name):
            "\(name) is no policy's name: use up to 64 of a-z, 0-9, '.', '_' and '-', a letter or digit first"
        case .badCurrent(let path, let found):
            "\(path): expected a generation's number, found \(found); write the number of a folder beside it"
        case .badManifest(let path, let reason):
            "\(path): \(reason); publish the policy again"
        case .misplaced(let path, let expected, let found):
            "\(path): the manifest is of \(found.name) generation \(found.generation), expected \(expected.name) "
                + "generation \(expected.generation); move the folder to its place"
        case .otherBackbone(let path, let expected, let found):
            "\(path): trained for the base model with SHA-256 \(found), but the one loaded has \(expected); "
                + "set model.path to the right file"
        case .missingFile(let path):
            "\(path) is missing; copy the policy's folder again"
        case .unlistedFile(let path):
            "\(path) is not in the manifest; remove it"
        case .altered(let path, let expected, let found):
            "\(path): expected \(expected.bytes) bytes with SHA-256 \(expected.sha256), found \(found.bytes) with "
                + "\(found.sha256); copy the policy's folder again"
        case .published(let path):
            "\(path) is there already; publish under the next generation"
        case .beingPublished(let path):
            "\(path): another process is publishing this generation; wait until it is done"
        }
    }
}
