public import Support

/// The members of a JSON object in a checkpoint's file, read field by field. `null` counts as absent.
///
/// Every error names the file, the field and, of a `config.json`, the model type:
/// `…/config.json: text_config.head_dim: expected …, found … (model_type smolvlm)`.
public struct CheckpointFields: Sendable {
    /// The file.
    public let path: String
    /// The members in the file's order.
    public let members: [JSON.Member]
    private let prefix: String
    /// The file's `model_type`, for errors.
    private let modelType: String?

    /// Reads the file at `path`, which must contain one JSON object of at most `limit` bytes.
    public init(path: String, limit: Int = 4 << 20) throws {
        let bytes = try readSmallFile(path, limit: limit)
        let value: JSON
        do { value = try JSON.parse(bytes, roundsLargeIntegers: true) } catch {
            throw CheckpointError(path, "not JSON that can be read: \(error)")
        }
        guard case .object(let members) = value else {
            throw CheckpointError(path, "expected a JSON object, found \(value.kind)")
        }
        self.init(path: path, members: members)
    }

    /// The members of one value in a file; `name` is the value's name in errors.
    public init(path: String, members: [JSON.Member], name: String = "") {
        var modelType: String?
        if case .string(let type)? = members.first(where: { $0.name == "model_type" })?.value { modelType = type }
        self.init(path: path, members: members, prefix: name.isEmpty ? "" : name + ".", modelType: modelType)
    }

    private init(path: String, members: [JSON.Member], prefix: String, modelType: String?) {
        self.path = path
        self.members = members
        self.prefix = prefix
        self.modelType = modelType
    }

    /// The value of `field`; nil if it is absent or `null`.
    public subscript(field: String) -> JSON? {
        guard let member = members.first(where: { $0.name == field }), member.value != .null else { return nil }
        return member.value
    }

    /// The object under `field`, which must be there.
    public func object(_ field: String) throws -> CheckpointFields {
        guard let object = try optionalObject(field) else { throw fault(field, "an object", "nothing") }
        return object
    }

    /// The object under `field`; nil if it is absent.
    public func optionalObject(_ field: String) throws -> CheckpointFields? {
        guard let value = self[field] else { return nil }
        guard case .object(let members) = value else { throw fault(field, "an object", value.kind) }
        return CheckpointFields(
            path: path, members: members, prefix: "\(prefix)\(field).", modelType: modelType)
    }

    /// The integer under `field`, within `range`; `standard` if it is absent. Without a standard it must be there.
    public func integer(_ field: String, in range: ClosedRange<Int>, or standard: Int? = nil) throws -> Int {
        guard let value = self[field] else {
            guard let standard else { throw fault(field, "an integer", "nothing") }
            return standard
        }
        guard let found = value.integerValue.flatMap({ Int(exactly: $0) }), range.contains(found) else {
            throw fault(field, "an integer from \(range.lowerBound) to \(range.upperBound)", value.text)
        }
        return found
    }

    /// The number under `field`, finite in single precision and, on request, above 0; `standard` if it is absent.
    public func number(_ field: String, positive: Bool = true, or standard: Float? = nil) throws -> Float {
        guard let value = self[field] else {
            guard let standard else { throw fault(field, "a number", "nothing") }
            return standard
        }
        guard let found = value.doubleValue.map({ Float($0) }), found.isFinite, found > 0 || !positive else {
            throw fault(field, positive ? "a number above 0" : "a number", value.text)
        }
        return found
    }

    /// The boolean under `field`; `standard` if it is absent.
    public func flag(_ field: String, or standard: Bool) throws -> Bool {
        guard let value = self[field] else { return standard }
        guard case .bool(let flag) = value else { throw fault(field, "true or false", value.text) }
        return flag
    }

    /// The text under `field`; nil if it is absent.
    public func string(_ field: String) throws -> String? {
        guard let value = self[field] else { return nil }
        guard case .string(let text) = value else { throw fault(field, "a string", value.text) }
        return text
    }

    /// The elements of the array under `field`; nil if it is absent.
    public func array(_ field: String) throws -> [JSON]? {
        guard let value = self[field] else { return nil }
        guard case .array(let elements) = value else { throw fault(field, "an array", value.kind) }
        return elements
    }

    /// Throws unless the text under `field` is one of `expected`; absent fields count as `standard`.
    public func require(_ field: String, oneOf expected: [String], or standard: String? = nil) throws {
        let found = try string(field) ?? standard
        guard let found, expected.contains(found) else {
            throw fault(field, expected.joined(separator: " or "), found ?? "nothing")
        }
    }

    /// An error of `field`, under its full name in the file.
    public func fault(_ field: String, _ expected: String, _ found: String) -> CheckpointError {
        let shown = found.utf8.count > 200 ? found.prefix(200) + "…" : found[...]
        let model = field == "model_type" ? "" : modelType.map { " (model_type \($0.prefix(80)))" } ?? ""
        return CheckpointError(path, "\(prefix)\(field): expected \(expected), found \(shown)\(model)")
    }
}
