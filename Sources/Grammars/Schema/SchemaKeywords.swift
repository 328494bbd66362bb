import Support

/// Reads the keywords of one schema into a `Schema`, in which those of several may come together.
struct SchemaKeywords {
    /// The keywords that have no effect on which values fit.
    static let annotations: Set<String> = [
        "title", "description", "default", "examples", "example", "$comment", "$schema", "$id", "$anchor", "$defs",
        "definitions", "deprecated", "readOnly", "writeOnly", "contentEncoding", "contentMediaType", "externalDocs",
        "xml", "discriminator",
    ]

    private let members: [JSON.Member]
    private let path: String

    init(_ members: [JSON.Member], path: String) {
        self.members = members
        self.path = path
    }

    /// Reads a list of schemas.
    static func list(_ value: JSON, path: String) throws(GrammarError) -> [SchemaPart] {
        guard case .array(let elements) = value, !elements.isEmpty else {
            throw GrammarError("must be an array of schemas", path: path)
        }
        return elements.enumerated().map { SchemaPart(json: $1, path: "\(path)[\($0)]") }
    }

    /// Adds what the keywords say.
    mutating func apply(to schema: inout Schema) throws(GrammarError) {
        var prefix: [SchemaPart] = []
        var items: SchemaPart?
        var properties: [(name: String, part: SchemaPart)] = []
        var additional: SchemaPart?
        for member in members {
            let (name, value) = (member.name, member.value)
            let part = SchemaPart(json: value, path: "\(path).\(name)")
            switch name {
            case "$ref", "allOf": break
            case "$id" where !path.isEmpty: throw GrammarError("$id is supported only at the root", path: part.path)
            case "type": try add(kinds: value, part.path, to: &schema)
            case "enum":
                guard case .array(let values) = value else { throw GrammarError("must be an array", path: part.path) }
                add(values, to: &schema)
            case "const": add([value], to: &schema)
            case "anyOf", "oneOf":
                let parts = try Self.list(value, path: part.path)
                schema.unions.append(.init(parts: parts, isExclusive: name == "oneOf", path: part.path))
            case "properties":
                guard case .object(let members) = value else {
                    throw GrammarError("must be an object", path: part.path)
                }
                schema.listsMembers = true
                properties = members.map { ($0.name, SchemaPart(json: $0.value, path: "\(part.path).\($0.name)")) }
            case "required": try add(required: value, part.path, to: &schema)
            case "additionalProperties": additional = part
            case "prefixItems": prefix = try Self.list(value, path: part.path)
            case "items":
                guard value.kind != "an array" else {
                    throw GrammarError("items is an array; write prefixItems", path: part.path)
                }
                items = part
            case "minItems", "maxItems", "minLength", "maxLength": try add(name, value, part.path, to: &schema)
            case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf":
                try add(number: name, value, part.path, to: &schema)
            case "pattern": try add(pattern: value, part.path, to: &schema)
            case "format": try SchemaFormat.apply(value, path: part.path, to: &schema)
            case "uniqueItems", "unevaluatedProperties", "unevaluatedItems":
                // Only values without effect.
                let isNeutral = value == .bool(name != "uniqueItems")
                guard isNeutral else { throw Self.unsupported(name, part.path) }
            default:
                guard Self.annotations.contains(name) || name.hasPrefix("x-") else {
                    throw Self.unsupported(name, part.path)
                }
            }
        }
        mergeItems(prefix, items, into: &schema)
        mergeProperties(properties, additional, into: &schema)
    }

    private static func unsupported(_ name: String, _ path: String) -> GrammarError {
        GrammarError("the keyword \(name.prefix(64)) is not supported", path: path)
    }

    // MARK: Values

    private func add(kinds value: JSON, _ path: String, to schema: inout Schema) throws(GrammarError) {
        let names = if case .array(let names) = value { names } else { [value] }
        var kinds: Set<ValueKind> = []
        for name in names {
            guard case .string(let text) = name, let kind = ValueKind(rawValue: text) else {
                throw GrammarError("type must be object, array, string, number, integer, boolean or null", path: path)
            }
            kinds.insert(kind)
        }
        guard !kinds.isEmpty else { throw GrammarError("type must not be empty", path: path) }
        guard let before = schema.kinds else {
            schema.kinds = kinds
            return
        }
        var both = before.intersection(kinds)
        // Every integer is a number.
        if before.union(kinds).isSuperset(of: [.integer, .number]) {
            if before.contains(.integer) && kinds.contains(.number)
                || before.contains(.number) && kinds.contains(.integer)
            {
                both.insert(.integer)
            }
        }
        schema.kinds = both
        if both.isEmpty { schema.isNever = true }
    }

    private func add(_ values: [JSON], to schema: inout Schema) {
        guard let before = schema.values else {
            schema.values = values.reduce(into: []) { list, value in
                if !list.contains(where: { $0.isEqual(to: value) }) { list.append(value) }
            }
            return
        }
        schema.values = before.filter { value in values.contains { $0.isEqual(to: value) } }
    }

    private func add(required value: JSON, _ path: String, to schema: inout Schema) throws(GrammarError) {
        guard case .array(let names) = value else { throw GrammarError("must be an array", path: path) }
        if !names.isEmpty { schema.listsMembers = true }
        var known = Set(schema.required)
        for name in names {
            guard case .string(let text) = name else { throw GrammarError("must be an array of strings", path: path) }
            if known.insert(text).inserted { schema.required.append(text) }
        }
    }

    // MARK: Bounds

    private func add(_ name: String, _ value: JSON, _ path: String, to schema: inout Schema) throws(GrammarError) {
        guard let integer = value.integerValue, integer >= 0 else {
            throw GrammarError("\(name) must be an integer from 0", path: path)
        }
        let count = Int(min(integer, Int64(Int32.max)))
        switch name {
        case "minItems": schema.minimumItems = max(schema.minimumItems, count)
        case "maxItems": schema.maximumItems = min(schema.maximumItems ?? count, count)
        case "minLength": schema.minimumLength = max(schema.minimumLength, count)
        default: schema.maximumLength = min(schema.maximumLength ?? count, count)
        }
        if name.hasSuffix("Items") { schema.hasArrayKeywords = true }
    }

    private func add(
        number name: String, _ value: JSON, _ path: String, to schema: inout Schema
    ) throws(GrammarError) {
        guard let number = value.doubleValue else { throw GrammarError("\(name) must be a number", path: path) }
        let bound = Schema.Bound(value: value, isExclusive: name.hasPrefix("exclusive"))
        switch name {
        case "minimum", "exclusiveMinimum":
            schema.lower = [schema.lower, bound].compactMap { $0 }.max { $0.isLooser(than: $1, lower: true) }
        case "maximum", "exclusiveMaximum":
            schema.upper = [schema.upper, bound].compactMap { $0 }.max { $0.isLooser(than: $1, lower: false) }
        default:
            guard let divisor = value.integerValue, (1...NumberRange.greatestDivisor).contains(divisor) else {
                throw GrammarError(
                    "multipleOf is \(number); only integers from 1 to \(NumberRange.greatestDivisor) are supported",
                    path: path)
            }
            let common = Self.greatestDivisor(schema.divisor, divisor)
            schema.divisor = schema.divisor / common * divisor
            guard schema.divisor <= NumberRange.greatestDivisor else {
                throw GrammarError("the numbers of multipleOf have too large a common multiple", path: path)
            }
        }
    }

    private static func greatestDivisor(_ one: Int64, _ other: Int64) -> Int64 {
        other == 0 ? one : greatestDivisor(other, one % other)
    }

    private func add(pattern value: JSON, _ path: String, to schema: inout Schema) throws(GrammarError) {
        guard case .string(let text) = value else { throw GrammarError("pattern must be a string", path: path) }
        do throws(GrammarError) {
            schema.patterns.append((try RegexParser.anywhere(text), path))
        } catch {
            throw GrammarError("the pattern cannot be enforced: \(error.message)", path: path)
        }
    }

    // MARK: Merging

    private func mergeItems(_ prefix: [SchemaPart], _ items: SchemaPart?, into schema: inout Schema) {
        guard !prefix.isEmpty || items != nil else { return }
        schema.hasArrayKeywords = true
        let (before, rest) = (schema.prefixItems, schema.items)
        let own = items.map { [$0] } ?? []
        schema.prefixItems = (0..<max(before.count, prefix.count)).map { index in
            (index < before.count ? before[index] : rest) + (index < prefix.count ? [prefix[index]] : own)
        }
        schema.items = rest + own
    }

    /// A member that only one schema lists must also fit what the other says of members that it does not list.
    private func mergeProperties(
        _ properties: [(name: String, part: SchemaPart)], _ additional: SchemaPart?, into schema: inout Schema
    ) {
        let own = additional.map { [$0] } ?? []
        let names = Set(properties.map(\.name))
        let before = Set(schema.properties.map(\.name))
        for index in schema.properties.indices where !names.contains(schema.properties[index].name) {
            schema.properties[index].parts += own
        }
        for (name, part) in properties {
            if before.contains(name), let index = schema.properties.firstIndex(where: { $0.name == name }) {
                schema.properties[index].parts.append(part)
            } else {
                schema.properties.append((name, (schema.additional ?? []) + [part]))
            }
        }
        if additional != nil { schema.additional = (schema.additional ?? []) + own }
    }
}

extension Schema.Bound {
    /// Whether more numbers are within this bound.
    fileprivate func isLooser(than other: Schema.Bound, lower: Bool) -> Bool {
        let (one, two) = (value.doubleValue ?? 0, other.value.doubleValue ?? 0)
        if one != two { return lower ? one < two : one > two }
        return !isExclusive && other.isExclusive
    }
}

extension JSON {
    /// Whether two values are equal for JSON Schema: numbers by their value, members in any order.
    func isEqual(to other: JSON) -> Bool {
        switch (self, other) {
        case (.integer, .number), (.number, .integer), (.number, .number): return doubleValue == other.doubleValue
        case (.array(let one), .array(let two)):
            return one.count == two.count && zip(one, two).allSatisfy { $0.isEqual(to: $1) }
        case (.object(let one), .object(let two)):
            return one.count == two.count
                && one.allSatisfy { member in
                    two.contains { $0.name == member.name && member.value.isEqual(to: $0.value) }
                }
        default: return self == other
        }
    }
}
