import Support

/// The fields of one JSON object. A field that no reader asked for is an error: nothing is ignored.
struct OwnFields {
    private var members: [JSON.Member]
    private let path: String
    private var known: [String] = []

    /// The members of an object; `path` names it in errors and is empty for a whole line.
    init(_ value: JSON, at path: String) throws(OwnFieldFault) {
        guard case .object(let members) = value else {
            throw OwnFieldFault("\(path.isEmpty ? "" : path + ": ")expected an object, not \(value.kind)")
        }
        self.members = members
        self.path = path
    }

    /// The path of a field in errors.
    func field(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    /// Whether the object has the field.
    func has(_ name: String) -> Bool { members.contains { $0.name == name } }

    /// Takes a field; nil if it is absent or null.
    mutating func take(_ name: String) -> JSON? {
        known.append(name)
        guard let index = members.firstIndex(where: { $0.name == name }) else { return nil }
        let value = members.remove(at: index).value
        // `nil` in place of a JSON value would be JSON's null.
        if value == .null { return nil }
        return value
    }

    /// Takes a text; nil if it is absent or null.
    mutating func text(_ name: String) throws(OwnFieldFault) -> String? {
        guard let value = take(name) else { return nil }
        guard case .string(let text) = value else {
            throw OwnFieldFault("\(field(name)): expected a text, not \(value.kind)")
        }
        return text
    }

    /// Takes an array; nil if it is absent or null.
    mutating func array(_ name: String) throws(OwnFieldFault) -> [JSON]? {
        guard let value = take(name) else { return nil }
        guard case .array(let elements) = value else {
            throw OwnFieldFault("\(field(name)): expected an array, not \(value.kind)")
        }
        return elements
    }

    /// Takes the field `split`.
    mutating func split() throws(OwnFieldFault) -> OwnExample.Split? {
        try text("split").map { name throws(OwnFieldFault) in try OwnExample.Split(named: name) }
    }

    /// Throws if a field was not taken.
    func finish() throws(OwnFieldFault) {
        guard let other = members.first else { return }
        throw OwnFieldFault(
            "\(field(other.name)): this field is not known; expected " + known.joined(separator: ", "))
    }
}

extension OwnExample.Split {
    /// The split of that name; an empty name is none.
    init(named name: String) throws(OwnFieldFault) {
        guard let split = Self(rawValue: name) else {
            throw OwnFieldFault("split: expected train, validation or test, found \(name.prefix(40))")
        }
        self = split
    }
}
