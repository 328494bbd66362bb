import Support

extension SchemaReader {
    /// The most branches of one union, and the most pairs that are compared.
    private static let maximumBranches = 256

    /// For each schema of a union, the schemas that must hold together: that one, and `parts` without the union.
    func branches(of union: Schema.Union, in parts: [SchemaPart]) throws(GrammarError) -> [[SchemaPart]] {
        guard union.parts.count <= Self.maximumBranches else {
            throw GrammarError("a union of more than \(Self.maximumBranches) schemas", path: union.path)
        }
        let rest = try flattened(parts).compactMap { part -> SchemaPart? in
            guard case .object(let members) = part.json else { return part }
            let keeps = members.filter { member in
                member.name != "$ref" && member.name != "allOf" && "\(part.path).\(member.name)" != union.path
                    && !SchemaKeywords.annotations.contains(member.name)
            }
            let path = keeps.count == members.count ? part.path : part.path + "-" + union.path
            return keeps.isEmpty ? nil : SchemaPart(json: .object(keeps), path: path)
        }
        try work.spend(union.parts.count * (1 + rest.count))
        return union.parts.map { rest + [$0] }
    }

    /// The schemas with all that they refer to, each by itself.
    private func flattened(_ parts: [SchemaPart]) throws(GrammarError) -> [SchemaPart] {
        var flat: [SchemaPart] = []
        var seen: Set<String> = []
        var open = Array(parts.reversed())
        while let part = open.popLast() {
            try work.spend(Self.units(part.path))
            guard seen.insert(part.path).inserted else { continue }
            flat.append(part)
            guard case .object(let members) = part.json else { continue }
            try work.spend(members.count * Self.units(part.path))
            for member in members {
                let path = "\(part.path).\(member.name)"
                if member.name == "$ref" { open.append(try target(member.value, path: path)) }
                if member.name == "allOf" { open += try SchemaKeywords.list(member.value, path: path).reversed() }
            }
        }
        return flat
    }

    // MARK: Values

    /// Whether a value fits all of `parts`.
    func accepts(_ value: JSON, _ parts: [SchemaPart], depth: Int = 0) throws(GrammarError) -> Bool {
        guard depth <= 64 else {
            throw GrammarError("a value is too deep to be compared", path: parts.first?.path ?? "")
        }
        let schema = try read(parts)
        if let values = schema.values, try !values.holds(value, work) { return false }
        return try accepts(value, schema, depth: depth)
    }

    /// The values that a schema lists, as far as they fit the rest of it.
    func values(of schema: Schema) throws(GrammarError) -> [JSON] {
        var fitting: [JSON] = []
        for value in schema.values ?? [] where try accepts(value, schema) { fitting.append(value) }
        return fitting
    }

    /// Whether a value fits a schema, apart from its `values`.
    private func accepts(_ value: JSON, _ schema: Schema, depth: Int = 0) throws(GrammarError) -> Bool {
        try work.spend()
        if schema.isNever { return false }
        if let kinds = schema.kinds, !kinds.contains(where: { $0.includes(value) }) { return false }
        for union in schema.unions {
            var matches = 0
            for part in union.parts where try accepts(value, [part], depth: depth + 1) { matches += 1 }
            guard union.isExclusive ? matches == 1 : matches > 0 else { return false }
        }
        switch value {
        case .integer, .number: return try acceptsNumber(value, schema)
        case .string(let text):
            let count = text.unicodeScalars.count
            guard count >= schema.minimumLength, count <= schema.maximumLength ?? .max else { return false }
            for (pattern, _) in schema.patterns where try !pattern.matches(text, work) { return false }
            return true
        case .array(let elements):
            guard elements.count >= schema.minimumItems, elements.count <= schema.maximumItems ?? .max else {
                return false
            }
            for (index, element) in elements.enumerated() {
                let parts = index < schema.prefixItems.count ? schema.prefixItems[index] : schema.items
                guard try accepts(element, parts, depth: depth + 1) else { return false }
            }
            return true
        case .object(let members):
            try work.spend((schema.required.count + schema.properties.count) * members.count / 32)
            guard schema.required.allSatisfy({ name in members.contains { $0.name == name } }) else { return false }
            for member in members {
                let listed = schema.properties.first { $0.name == member.name }?.parts
                guard try accepts(member.value, listed ?? schema.additional ?? [], depth: depth + 1) else {
                    return false
                }
            }
            return true
        case .null, .bool: return true
        }
    }

    private func acceptsNumber(_ value: JSON, _ schema: Schema) throws(GrammarError) -> Bool {
        let number = value.doubleValue ?? 0
        if let lower = schema.lower, let bound = lower.value.doubleValue {
            guard lower.isExclusive ? number > bound : number >= bound else { return false }
        }
        if let upper = schema.upper, let bound = upper.value.doubleValue {
            guard upper.isExclusive ? number < bound : number <= bound else { return false }
        }
        guard schema.divisor > 1 else { return true }
        return value.integerValue.map { $0 % schema.divisor == 0 } ?? false
    }

    // MARK: Unions of which one schema must hold

    /// A schema that is compared with others, with the parts that it was read from.
    private struct Branch {
        var parts: [SchemaPart]
        var schema: Schema
    }

    private func branch(_ parts: [SchemaPart]) throws(GrammarError) -> Branch {
        Branch(parts: parts, schema: try read(parts))
    }

    /// Throws unless it is certain that no value fits two of the branches.
    func checkDisjoint(_ parts: [[SchemaPart]], path: String) throws(GrammarError) {
        var branches: [Branch] = []
        for part in parts { branches.append(try branch(part)) }
        for (index, one) in branches.enumerated() {
            for other in branches[..<index] where try !areDisjoint(one, other, depth: 0) {
                throw GrammarError(
                    "oneOf is supported only where no value can fit two of its schemas; write anyOf", path: path)
            }
        }
    }

    private func areDisjoint(_ one: Branch, _ other: Branch, depth: Int) throws(GrammarError) -> Bool {
        try work.spend()
        guard depth < 8 else { return false }
        let (a, b) = (one.schema, other.schema)
        if a.isNever || b.isNever { return true }
        for (first, second) in [(one, other), (other, one)] where first.schema.values != nil {
            for value in try values(of: first.schema) where try accepts(value, second.parts) { return false }
            return true
        }
        for (first, second) in [(one, other), (other, one)] {
            guard let union = first.schema.unions.first else { continue }
            for parts in try branches(of: union, in: first.parts)
            where try !areDisjoint(try branch(parts), second, depth: depth + 1) { return false }
            return true
        }
        let shared = Self.sharedKinds(a, b)
        for kind in shared {
            switch kind {
            case .number, .integer: guard Self.areApart(a, b) || Self.areApart(b, a) else { return false }
            case .object: guard try haveDisjointMembers(a, b, depth: depth) else { return false }
            case .string:
                guard a.maximumLength ?? .max < b.minimumLength || b.maximumLength ?? .max < a.minimumLength else {
                    return false
                }
            case .array:
                guard a.maximumItems ?? .max < b.minimumItems || b.maximumItems ?? .max < a.minimumItems else {
                    return false
                }
            case .boolean, .null: return false
            }
        }
        return true
    }

    private static func sharedKinds(_ a: Schema, _ b: Schema) -> Set<ValueKind> {
        func kinds(_ schema: Schema) -> Set<ValueKind> {
            let kinds = schema.kinds ?? Set(ValueKind.allCases)
            return kinds.contains(.number) ? kinds.union([.integer]) : kinds
        }
        return kinds(a).intersection(kinds(b))
    }

    /// Whether the numbers of `low` are below those of `high`.
    private static func areApart(_ low: Schema, _ high: Schema) -> Bool {
        guard let upper = low.upper, let lower = high.lower, let top = upper.value.doubleValue,
            let bottom = lower.value.doubleValue
        else { return false }
        return top < bottom || (top == bottom && (upper.isExclusive || lower.isExclusive))
    }

    /// Whether a member that one of them requires cannot be in the other.
    private func haveDisjointMembers(_ a: Schema, _ b: Schema, depth: Int) throws(GrammarError) -> Bool {
        for (schema, rest) in [(a, b), (b, a)] {
            for name in schema.required {
                try work.spend(1 + (schema.properties.count + rest.properties.count) / 32)
                let own = schema.properties.first { $0.name == name }?.parts ?? schema.additional ?? []
                let foreign = rest.properties.first { $0.name == name }?.parts
                guard let parts = foreign ?? rest.additional else { continue }
                // A member that the other schema does not require may be missing there; if it is there, it must fit.
                if try areDisjoint(try branch(own), try branch(parts), depth: depth + 1) { return true }
            }
        }
        return false
    }
}

extension Pattern {
    /// Whether the whole of a text matches.
    func matches(_ text: String, _ work: WorkBudget) throws(GrammarError) -> Bool {
        var builder = GrammarBuilder(work: work)
        let rule = builder.declareRule()
        builder.define(rule, start: try builder.pattern(self, .plain, next: GrammarBuilder.end))
        guard let grammar = try? Grammar(builder, root: rule, spelled: ByteSet(0...255)) else { return false }
        var machine = Machine(grammar)
        var threads = machine.start()
        for byte in text.utf8 {
            let before = machine.cost
            threads = machine.step(threads, byte)
            try work.spend(1 + (machine.cost - before) / 16)
        }
        return threads.contains { machine.hasEnded($0) }
    }
}
