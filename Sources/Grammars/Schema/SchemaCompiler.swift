import Support

/// Turns a JSON Schema (Draft 2020-12) into a grammar whose texts are instances, without exception.
///
/// The grammar may leave out instances: the members of an object come in the order of `properties`, members that no
/// keyword lists come only where `additionalProperties` asks for them or nothing is listed, and there is at most one
/// blank behind a comma or colon.
struct SchemaCompiler {
    private let reader: SchemaReader
    /// The rules of schemas that references name, by the paths of the schemas.
    private var rules: [String: Int32] = [:]
    private var anything: Int32?
    private var numbers: [ValueKind: Int32] = [:]
    private var depth = 0
    /// The rules that have no nodes yet, with the schemas that must hold in them.
    private var pending: [(rule: Int32, parts: [SchemaPart])] = []

    /// A compiler of schemas within `root`.
    init(root: JSON, work: WorkBudget) {
        reader = SchemaReader(root: root, work: work)
    }

    /// The first node of the values that fit the root.
    mutating func root(in builder: inout GrammarBuilder, next: Int32) throws(GrammarError) -> Int32 {
        try start([SchemaPart(json: reader.root, path: "")], in: &builder, next: next)
    }

    /// The first node of the objects that fit the root.
    ///
    /// - Throws: if the root allows no object.
    mutating func object(in builder: inout GrammarBuilder, next: Int32) throws(GrammarError) -> Int32 {
        let root = SchemaPart(json: reader.root, path: "")
        let schema = try reader.read([root])
        if schema.kinds == [.object] { return try self.root(in: &builder, next: next) }
        let values = schema.values?.contains { if case .object = $0 { true } else { false } }
        guard !schema.isNever, schema.kinds?.contains(.object) ?? true, values ?? true else {
            throw GrammarError("arguments are an object, and the schema allows none", path: "")
        }
        return try start(
            [root, SchemaPart(json: ["type": "object"], path: " object")], in: &builder, next: next)
    }

    private mutating func start(
        _ parts: [SchemaPart], in builder: inout GrammarBuilder, next: Int32
    ) throws(GrammarError) -> Int32 {
        let start = try node(parts, in: &builder, next: next)
        // One after the other: inside each other, long chains of references would need a deep stack.
        while let (rule, parts) = pending.popLast() {
            builder.define(rule, start: try written(parts, in: &builder, next: GrammarBuilder.end))
        }
        return start
    }

    /// The first node of the values that fit all of `parts`.
    private mutating func node(
        _ parts: [SchemaPart], in builder: inout GrammarBuilder, next: Int32
    ) throws(GrammarError) -> Int32 {
        if parts.count == 1, let target = try reader.alias(parts[0]) {
            return try rule(target.path + " ", [target], in: &builder, next: next)
        }
        guard parts.count > 1 else { return try written(parts, in: &builder, next: next) }
        return try rule(parts.map(\.path).joined(separator: " & "), parts, in: &builder, next: next)
    }

    /// A call of the rule for `parts`, which is declared if there is none yet.
    private mutating func rule(
        _ key: String, _ parts: [SchemaPart], in builder: inout GrammarBuilder, next: Int32
    ) throws(GrammarError) -> Int32 {
        if let rule = rules[key] { return try builder.add(.call(rule: rule, next: next)) }
        let rule = builder.declareRule()
        rules[key] = rule
        pending.append((rule, parts))
        return try builder.add(.call(rule: rule, next: next))
    }

    /// The nodes of `parts` themselves.
    private mutating func written(
        _ parts: [SchemaPart], in builder: inout GrammarBuilder, next: Int32
    ) throws(GrammarError) -> Int32 {
        depth += 1
        defer { depth -= 1 }
        guard depth <= SchemaReader.maximumDepth else {
            throw GrammarError(
                "more than \(SchemaReader.maximumDepth) schemas inside each other", path: parts.first?.path ?? "")
        }
        let schema = try reader.read(parts)
        if schema.isNever { return try builder.never() }
        if schema.values != nil { return try builder.values(try reader.values(of: schema), next: next) }
        if let union = schema.unions.first {
            let branches = try reader.branches(of: union, in: parts)
            if union.isExclusive { try reader.checkDisjoint(branches, path: union.path) }
            var choices: [Int32] = []
            for branch in branches { choices.append(try node(branch, in: &builder, next: next)) }
            return try builder.choice(choices)
        }
        if schema.isAnything { return try any(in: &builder, next: next) }
        return try kinds(schema, path: parts.first?.path ?? "", in: &builder, next: next)
    }

    private mutating func kinds(
        _ schema: Schema, path: String, in builder: inout GrammarBuilder, next: Int32
    ) throws(GrammarError) -> Int32 {
        let kinds = schema.impliedKinds
        var choices: [Int32] = []
        for kind in ValueKind.allCases where kinds.contains(kind) {
            switch kind {
            case .null: choices.append(try builder.literal("null", next: next))
            case .boolean:
                choices.append(try builder.literal("true", next: next))
                choices.append(try builder.literal("false", next: next))
            case .integer where kinds.contains(.number): break
            case .integer, .number: choices.append(try number(schema, kind, path: path, in: &builder, next: next))
            case .string: choices.append(try string(schema, in: &builder, next: next))
            case .array: choices.append(try array(schema, in: &builder, next: next))
            case .object: choices.append(try object(schema, in: &builder, next: next))
            }
        }
        return try builder.choice(choices)
    }

    // MARK: Values

    private mutating func any(in builder: inout GrammarBuilder, next: Int32) throws(GrammarError) -> Int32 {
        if let anything { return try builder.add(.call(rule: anything, next: next)) }
        let rule = try builder.anyValue()
        anything = rule
        return try builder.add(.call(rule: rule, next: next))
    }

    private mutating func number(
        _ schema: Schema, _ kind: ValueKind, path: String, in builder: inout GrammarBuilder, next: Int32
    ) throws(GrammarError) -> Int32 {
        if schema.lower != nil || schema.upper != nil || schema.divisor > 1 {
            guard let range = try NumberRange(schema, isInteger: kind == .integer, path: path) else {
                return try builder.never()
            }
            return try range.node(in: &builder, next: next)
        }
        if let rule = numbers[kind] { return try builder.add(.call(rule: rule, next: next)) }
        let rule = try builder.numberRule(isInteger: kind == .integer)
        numbers[kind] = rule
        return try builder.add(.call(rule: rule, next: next))
    }

    private func string(
        _ schema: Schema, in builder: inout GrammarBuilder, next: Int32
    ) throws(GrammarError) -> Int32 {
        let content: Int32
        if let (pattern, path) = schema.patterns.first {
            guard schema.patterns.allSatisfy({ $0.pattern == pattern }) else {
                throw GrammarError("two patterns or formats that must hold together are not supported", path: path)
            }
            guard
                let bounded = try pattern.bounded(
                    schema.minimumLength, schema.maximumLength, path: path, builder.work)
            else { return try builder.never() }
            content = try builder.pattern(
                bounded, .jsonString, next: try builder.literal("\"", next: next))
        } else {
            guard schema.minimumLength <= schema.maximumLength ?? .max else { return try builder.never() }
            content = try builder.add(
                .string(
                    minimum: Int32(schema.minimumLength), maximum: schema.maximumLength.map { Int32($0) }, next: next))
        }
        return try builder.literal("\"", next: content)
    }

    // MARK: Arrays

    private mutating func array(
        _ schema: Schema, in builder: inout GrammarBuilder, next: Int32
    ) throws(GrammarError) -> Int32 {
        let close = try builder.literal("]", next: next)
        let (minimum, maximum) = (schema.minimumItems, schema.maximumItems)
        guard minimum <= maximum ?? .max else { return try builder.never() }
        if maximum == 0 { return try builder.literal("[", next: close) }
        let listed = Array(schema.prefixItems.prefix(maximum ?? .max))
        var start = close
        if listed.count < maximum ?? .max {
            start = try rest(schema, behind: listed.count, close: close, in: &builder)
        }
        for (index, parts) in listed.enumerated().reversed() {
            let element = try node(parts, in: &builder, next: start)
            let separated = index == 0 ? element : try builder.separated(",", next: element)
            start = index >= minimum ? try builder.choice([separated, close]) : separated
        }
        return try builder.literal("[", next: start)
    }

    /// The elements behind the listed ones, and the closing bracket.
    private mutating func rest(
        _ schema: Schema, behind listed: Int, close: Int32, in builder: inout GrammarBuilder
    ) throws(GrammarError) -> Int32 {
        let minimum = max(0, schema.minimumItems - listed)
        let maximum = schema.maximumItems.map { $0 - listed }
        if maximum == nil, minimum <= 1, listed == 0 {
            let fork = try builder.declareFork()
            let element = try node(schema.items, in: &builder, next: fork)
            builder.setFork(fork, [try builder.separated(",", next: element), close])
            return minimum == 0 ? try builder.choice([element, close]) : element
        }
        let rule = builder.declareRule()
        builder.define(rule, start: try node(schema.items, in: &builder, next: GrammarBuilder.end))
        let part = { (builder: inout GrammarBuilder, next: Int32) throws(GrammarError) -> Int32 in
            try builder.separated(",", next: try builder.add(.call(rule: rule, next: next)))
        }
        guard listed == 0 else {
            return try builder.repetition(minimum, maximum, size: 4, matchesEmpty: false, next: close, part)
        }
        let more = try builder.repetition(
            max(0, minimum - 1), maximum.map { $0 - 1 }, size: 4, matchesEmpty: false, next: close, part)
        let element = try builder.add(.call(rule: rule, next: more))
        return minimum == 0 ? try builder.choice([element, close]) : element
    }

    // MARK: Objects

    private mutating func object(
        _ schema: Schema, in builder: inout GrammarBuilder, next: Int32
    ) throws(GrammarError) -> Int32 {
        var members = schema.properties
        let listed = Set(members.map(\.name))
        for name in schema.required where !listed.contains(name) { members.append((name, schema.additional ?? [])) }
        let required = Set(schema.required)
        let isOpen = schema.additional.map { parts in !parts.contains { $0.json == false } }
        let takesOthers = isOpen ?? !schema.listsMembers
        let close = try builder.literal("}", next: next)
        // `first` begins a list of members, `comma` is before a comma, and `name` behind one.
        var (first, comma, name) = (close, close, try builder.never())
        if takesOthers {
            let fork = try builder.declareFork()
            name = try other(
                than: members.map(\.name), schema.additional ?? [], in: &builder, next: fork)
            builder.setFork(fork, [try builder.separated(",", next: name), close])
            (first, comma) = (try builder.choice([name, close]), fork)
        }
        var canClose = true
        for member in members.reversed() {
            let value = try node(member.parts, in: &builder, next: comma)
            let named = try builder.member(member.name, next: value)
            if required.contains(member.name) {
                (first, name, canClose) = (named, named, false)
            } else {
                (first, name) = (try builder.choice([named, first]), try builder.choice([named, name]))
            }
            let separated = try builder.separated(",", next: name)
            comma = canClose ? try builder.choice([separated, close]) : separated
        }
        return try builder.literal("{", next: first)
    }

    /// A member whose name is none of `names`.
    private mutating func other(
        than names: [String], _ parts: [SchemaPart], in builder: inout GrammarBuilder, next: Int32
    ) throws(GrammarError) -> Int32 {
        let value = try node(parts, in: &builder, next: next)
        let colon = try builder.separated(":", next: value)
        let free = try builder.add(.string(minimum: 0, maximum: nil, next: colon))
        return try builder.literal("\"", next: try builder.otherString(than: names, free: free, end: colon))
    }
}

extension Pattern {
    /// The pattern for texts of a bounded length; it may leave some out. Nil if there is none.
    ///
    /// - Throws: if the pattern has texts of other lengths, and no part of it could be repeated less or more often.
    func bounded(
        _ minimum: Int, _ maximum: Int?, path: String, _ work: WorkBudget
    ) throws(GrammarError) -> Pattern? {
        // Lengths are counted anew in each choice.
        _ = try extent(work)
        guard let lengths else { return nil }
        let isLongEnough = lengths.least >= minimum
        let isShortEnough = maximum.map { limit in lengths.greatest.map { $0 <= limit } ?? false } ?? true
        if isLongEnough, isShortEnough { return self }
        if lengths.least > maximum ?? .max || lengths.greatest ?? .max < minimum { return nil }
        switch self {
        case .choice(let parts):
            var bounded: [Pattern] = []
            for part in parts {
                if let part = try part.bounded(minimum, maximum, path: path, work) { bounded.append(part) }
            }
            return bounded.isEmpty ? nil : .choice(bounded)
        case .repetition: return try Pattern.sequence([self]).bounded(minimum, maximum, path: path, work)
        case .sequence(let parts):
            if let bounded = Self.bounded(parts, minimum, maximum) { return bounded }
        case .empty, .set, .rule, .start, .finish: break
        }
        throw GrammarError("the pattern has texts of other lengths than minLength and maxLength allow", path: path)
    }

    /// A row of parts in which one repetition fits the length, and the others have their least number of rounds.
    private static func bounded(_ parts: [Pattern], _ minimum: Int, _ maximum: Int?) -> Pattern? {
        var parts = parts.flatMap { part in if case .sequence(let inner) = part { inner } else { [part] } }
        let variable = parts.indices.filter { parts[$0].lengths.map { $0.least != $0.greatest } ?? true }
        func rounds(_ index: Int) -> (part: Pattern, length: Int, least: Int, greatest: Int?)? {
            guard case .repetition(let part, let least, let greatest) = parts[index], let lengths = part.lengths,
                lengths.least == lengths.greatest, lengths.least > 0
            else { return nil }
            return (part, lengths.least, least, greatest)
        }
        // A part that is anything at all is the last that should give way.
        guard let kept = variable.last(where: { parts[$0] != .anything && rounds($0) != nil }) ?? variable.last,
            let flexible = rounds(kept)
        else { return nil }
        for index in variable where index != kept {
            guard let fixed = rounds(index) else { return nil }
            parts[index] = .repetition(fixed.part, minimum: fixed.least, maximum: fixed.least)
        }
        let others = parts.enumerated().reduce(0) { $0 + ($1.offset == kept ? 0 : $1.element.lengths?.least ?? 0) }
        let least = max(flexible.least, (max(0, minimum - others) + flexible.length - 1) / flexible.length)
        let greatest = [flexible.greatest, maximum.map { ($0 - others) / flexible.length }].compactMap { $0 }.min()
        guard least <= greatest ?? .max, maximum.map({ others + least * flexible.length <= $0 }) ?? true else {
            return nil
        }
        parts[kept] = .repetition(flexible.part, minimum: least, maximum: greatest)
        return .sequence(parts)
    }
}
