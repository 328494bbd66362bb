import Foundation
import Support

/// A schema, or a part of one, with the path to it from the root.
struct SchemaPart: Sendable {
    var json: JSON
    /// Such as `.properties.name`.
    var path: String
}

/// The kinds of values that JSON Schema knows.
enum ValueKind: String, CaseIterable, Sendable {
    case object, array, string, number, integer, boolean, null

    /// Whether a value is of this kind. A whole number is an integer.
    func includes(_ value: JSON) -> Bool {
        switch (self, value) {
        case (.object, .object), (.array, .array), (.string, .string), (.boolean, .bool), (.null, .null),
            (.number, .integer), (.number, .number), (.integer, .integer):
            true
        case (.integer, .number(let number)): number == number.rounded()
        default: false
        }
    }
}

/// The keywords of one schema, or of several schemas that all must hold.
struct Schema {
    /// The kinds of values; nil if no schema names them.
    var kinds: Set<ValueKind>?
    /// The only values that are allowed; nil if no schema lists them.
    var values: [JSON]?
    /// Sets of schemas of which one must hold.
    var unions: [Union] = []
    var properties: [(name: String, parts: [SchemaPart])] = []
    var required: [String] = []
    /// What other members must fit; nil if no schema says.
    var additional: [SchemaPart]?
    var prefixItems: [[SchemaPart]] = []
    var items: [SchemaPart] = []
    var minimumItems = 0
    var maximumItems: Int?
    var minimumLength = 0
    var maximumLength: Int?
    /// Patterns and formats, with their paths.
    var patterns: [(pattern: Pattern, path: String)] = []
    var lower: Bound?
    var upper: Bound?
    var divisor: Int64 = 1
    var hasArrayKeywords = false
    /// Whether a schema lists members.
    var listsMembers = false
    /// Whether nothing fits: a schema is `false`.
    var isNever = false

    struct Union {
        var parts: [SchemaPart]
        /// Whether exactly one must hold.
        var isExclusive: Bool
        var path: String
    }

    /// A bound of a number.
    struct Bound {
        var value: JSON
        var isExclusive: Bool
    }

    /// The kinds of values that are asked for: those that are named, or those that the keywords are about.
    var impliedKinds: Set<ValueKind> {
        if let kinds { return kinds }
        var implied: Set<ValueKind> = []
        if listsMembers || additional != nil { implied.insert(.object) }
        if hasArrayKeywords { implied.insert(.array) }
        if minimumLength > 0 || maximumLength != nil || !patterns.isEmpty { implied.insert(.string) }
        if lower != nil || upper != nil || divisor != 1 { implied.insert(.number) }
        return implied.isEmpty ? Set(ValueKind.allCases) : implied
    }

    /// Whether any value fits.
    var isAnything: Bool {
        kinds == nil && values == nil && unions.isEmpty && impliedKinds.count == ValueKind.allCases.count && !isNever
    }
}

/// Reads schemas: their keywords, and those of the schemas that they refer to.
///
/// Every keyword is enforced, or is an annotation, which has no effect by definition. All others are errors.
struct SchemaReader {
    /// The limit of schemas inside each other, without references.
    static let maximumDepth = 16
    private static let maximumReferences = 64

    let root: JSON
    let work: WorkBudget

    /// The units of work for a keyword at a path, which is written for each.
    static func units(_ path: String) -> Int { 1 + path.utf8.count / 256 }

    /// The keywords of schemas that all must hold.
    func read(_ parts: [SchemaPart]) throws(GrammarError) -> Schema {
        var schema = Schema()
        var seen: Set<String> = []
        for part in parts { try read(part, into: &schema, seen: &seen) }
        return schema
    }

    private func read(
        _ part: SchemaPart, into schema: inout Schema, seen: inout Set<String>
    ) throws(GrammarError) {
        try work.spend(Self.units(part.path))
        guard seen.insert(part.path).inserted else { return }
        guard seen.count <= Self.maximumReferences else {
            throw GrammarError("more than \(Self.maximumReferences) schemas must hold together", path: part.path)
        }
        switch part.json {
        case .bool(true): return
        case .bool(false): schema.isNever = true
        case .object(let members):
            for member in members {
                let path = part.path + "." + member.name
                switch member.name {
                case "$ref": try read(try target(member.value, path: path), into: &schema, seen: &seen)
                case "allOf":
                    for inner in try list(member.value, path: path) { try read(inner, into: &schema, seen: &seen) }
                default: break
                }
            }
            var keywords = SchemaKeywords(members, path: part.path, work: work)
            try keywords.apply(to: &schema)
        default: throw GrammarError("a schema must be an object or a boolean, not \(part.json.kind)", path: part.path)
        }
    }

    /// The schema that a schema refers to without saying anything else that matters, perhaps through others that only
    /// refer to the next one; nil if it says more.
    func alias(_ part: SchemaPart) throws(GrammarError) -> SchemaPart? {
        guard var target = try reference(of: part) else { return nil }
        var seen: Set<String> = [part.path, target.path]
        while let next = try reference(of: target) {
            guard seen.insert(next.path).inserted else {
                throw GrammarError("$ref leads back to itself", path: target.path + ".$ref")
            }
            target = next
        }
        return target
    }

    private func reference(of part: SchemaPart) throws(GrammarError) -> SchemaPart? {
        guard case .object(let members) = part.json else { return nil }
        let relevant = members.filter { !SchemaKeywords.annotations.contains($0.name) }
        guard relevant.count == 1, relevant[0].name == "$ref" else { return nil }
        return try target(relevant[0].value, path: part.path + ".$ref")
    }

    private func list(_ value: JSON, path: String) throws(GrammarError) -> [SchemaPart] {
        try SchemaKeywords.list(value, path: path)
    }

    /// The schema that a reference names.
    func target(_ value: JSON, path: String) throws(GrammarError) -> SchemaPart {
        guard case .string(let text) = value else { throw GrammarError("$ref must be a string", path: path) }
        guard text.hasPrefix("#") else {
            throw GrammarError("$ref must begin with #: other documents are never fetched", path: path)
        }
        let pointer = String(text.dropFirst())
        if !pointer.isEmpty, !pointer.hasPrefix("/") {
            guard let found = try anchored(pointer, in: SchemaPart(json: root, path: "")) else {
                throw GrammarError("$ref names \(text.prefix(64)), which is not there", path: path)
            }
            return found
        }
        var part = SchemaPart(json: root, path: "")
        for step in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            guard let next = try child(Self.unescaped(step), of: part) else {
                throw GrammarError("$ref names \(text.prefix(64)), which is not there", path: path)
            }
            part = next
        }
        return part
    }

    /// A step of a JSON pointer in a fragment (RFC 6901, sections 4 and 6).
    private static func unescaped(_ step: Substring) -> String {
        let text = step.removingPercentEncoding ?? String(step)
        return text.replacing("~1", with: "/").replacing("~0", with: "~")
    }

    private func child(_ name: String, of part: SchemaPart) throws(GrammarError) -> SchemaPart? {
        try work.spend(Self.units(part.path))
        switch part.json {
        case .object(let members):
            try work.spend(members.count / 32)
            return members.first { $0.name == name }.map { SchemaPart(json: $0.value, path: "\(part.path).\(name)") }
        case .array(let elements):
            guard let index = Int(name), elements.indices.contains(index) else { return nil }
            return SchemaPart(json: elements[index], path: "\(part.path)[\(index)]")
        default: return nil
        }
    }

    private func anchored(_ name: String, in part: SchemaPart) throws(GrammarError) -> SchemaPart? {
        try work.spend(Self.units(part.path))
        switch part.json {
        case .object(let members):
            if members.contains(JSON.Member("$anchor", .string(name))) { return part }
            // Values are no schemas.
            for member in members where !["enum", "const", "default", "examples"].contains(member.name) {
                let part = SchemaPart(json: member.value, path: "\(part.path).\(member.name)")
                if let found = try anchored(name, in: part) { return found }
            }
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                let part = SchemaPart(json: element, path: "\(part.path)[\(index)]")
                if let found = try anchored(name, in: part) { return found }
            }
        default: break
        }
        return nil
    }
}
