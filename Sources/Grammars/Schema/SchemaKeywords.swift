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
    private let work: WorkBudget

    init(_ members: [JSON.Member], path: String, work: WorkBudget) {
        self.members = members
        self.path = path
        self.work = work
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
            try work.spend(SchemaReader.units(path))
            let (name, value) = (member.name, member.value)
            let part = SchemaPart(json: value, path: "\(path).\(name)")
            switch name {
            case "$ref", "allOf": break
            case "$id" where !path.isEmpty: throw GrammarError("$id is supported only at the root", path: part.path)
            case "type": try add(kinds: value, part.path, to: &schema)
            case "enum":
                guard case .array(let values) = value else { throw GrammarError("must be an array", path: part.path) }
                try add(values, to: &schema)
            case "const": try add([value], to: &schema)
            case "anyOf", "oneOf":
                let parts = try Self.list(value, path: part.path)
                schema.unions.append(.init(parts: parts, isExclusive: name == "oneOf", path: part.path))
            case "properties":
                guard case .object(let members) = value else {
                    throw GrammarError("must be an object", path: part.path)
                }
                schema.listsMembers = true
                try work.spend(members.count * SchemaReader.units(part.path))
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
            case "format": try SchemaFormat.apply(value, path: part.path, to: &schema, work)
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
        try mergeItems(prefix, items, into: &schema)
        try mergeProperties(properties, additional, into: &schema)
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

    private func add(_ values: [JSON], to schema: inout Schema) throws(GrammarError) {
        guard let before = schema.values else {
            schema.values = values
            return
        }
        var both: [JSON] = []
        for value in before where try values.holds(value, work) { both.append(value) }
        schema.values = both
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
        guard name.hasPrefix("max") || integer <= RegexParser.maximumCount else {
            throw GrammarError("\(name) is \(integer); at most \(RegexParser.maximumCount) is supported", path: path)
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
            schema.patterns.append((try RegexParser.anywhere(text, work), path))
        } catch {
            throw GrammarError("the pattern cannot be enforced: \(error.message)", path: path)
        }
    }

    // MARK: Merging

    private func mergeItems(
        _ prefix: [SchemaPart], _ items: SchemaPart?, into schema: inout Schema
    ) throws(GrammarError) {
        guard !prefix.isEmpty || items != nil else { return }
        try work.spend(max(schema.prefixItems.count, prefix.count) * (1 + schema.items.count))
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
    ) throws(GrammarError) {
        try work.spend(schema.properties.count + properties.count)
        let own = additional.map { [$0] } ?? []
        let names = Set(properties.map(\.name))
        let before = Dictionary(
            schema.properties.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        for index in schema.properties.indices where !names.contains(schema.properties[index].name) {
            schema.properties[index].parts += own
        }
        for (name, part) in properties {
            if let index = before[name] {
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
    func isEqual(to other: JSON, _ work: WorkBudget) throws(GrammarError) -> Bool {
        try work.spend()
        switch (self, other) {
        case (.integer, .number), (.number, .integer), (.number, .number): return doubleValue == other.doubleValue
        case (.array(let one), .array(let two)):
            guard one.count == two.count else { return false }
            for (element, twin) in zip(one, two) where try !element.isEqual(to: twin, work) { return false }
            return true
        case (.object(let one), .object(let two)):
            guard one.count == two.count else { return false }
            try work.spend(one.count)
            let values = Dictionary(two.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
            for member in one {
                guard let twin = values[member.name], try member.value.isEqual(to: twin, work) else { return false }
            }
            return true
        default: return self == other
        }
    }
}

extension [JSON] {
    /// Whether one of the values is equal to `value`.
    func holds(_ value: JSON, _ work: WorkBudget) throws(GrammarError) -> Bool {
        for known in self where try known.isEqual(to: value, work) { return true }
        return false
    }
}
