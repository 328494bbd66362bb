/// The tests that templates may write after `is`.
enum JinjaTests {
    private static let comparisons: [String: JinjaComparison] = [
        "==": .equal, "eq": .equal, "equalto": .equal, "ne": .unequal, "lt": .less, "lessthan": .less,
        "le": .lessOrEqual, "gt": .greater, "greaterthan": .greater, "ge": .greaterOrEqual, "in": .isIn,
    ]

    /// All names.
    static let names: Set<String> = Set(comparisons.keys).union([
        "boolean", "callable", "defined", "divisibleby", "even", "false", "float", "integer", "iterable", "lower",
        "mapping", "none", "number", "odd", "sameas", "sequence", "string", "true", "undefined", "upper",
    ])

    /// The comparison that a test stands for.
    static func comparison(_ name: String) -> JinjaComparison? { comparisons[name] }
}

extension JinjaRenderer {
    /// Whether `value is name(arguments)`.
    mutating func test(
        _ value: JinjaValue, _ name: String, _ arguments: JinjaCallArguments
    ) throws(JinjaError) -> Bool {
        let takesOther = JinjaTests.comparison(name) != nil || name == "divisibleby" || name == "sameas"
        guard arguments.named.isEmpty, arguments.positional.count == (takesOther ? 1 : 0) else {
            throw failure("the test \"\(name)\" takes \(takesOther ? "one argument" : "no argument")")
        }
        if takesOther { return try test(value, name, with: arguments.positional[0]) }
        switch (name, value) {
        case ("defined", _): return !value.isUndefined
        case ("undefined", _): return value.isUndefined
        case ("none", .null), ("string", .text), ("mapping", .mapping), ("boolean", .boolean), ("float", .float),
            ("integer", .integer), ("number", .integer), ("number", .float), ("number", .boolean),
            ("true", .boolean(true)), ("false", .boolean(false)), ("callable", .macro), ("callable", .function),
            ("callable", .method):
            return true
        case ("iterable", .text), ("iterable", .list), ("iterable", .mapping), ("iterable", .undefined),
            ("sequence", .text), ("sequence", .list), ("sequence", .mapping), ("sequence", .undefined):
            return true
        case ("odd", _), ("even", _):
            guard let remainder = try arithmetic(.remainder, value, .integer(2)).number else { return false }
            return remainder == (name == "odd" ? 1 : 0)
        case ("lower", _): return try text(of: value).isClass("islower")
        case ("upper", _): return try text(of: value).isClass("isupper")
        default: return false
        }
    }

    private mutating func test(_ value: JinjaValue, _ name: String, with other: JinjaValue) throws(JinjaError) -> Bool {
        if let comparison = JinjaTests.comparison(name) { return try holds(comparison, value, other) }
        if name == "divisibleby" { return try arithmetic(.remainder, value, other).number == 0 }
        switch (value, other) {
        case (.null, .null): return true
        case (.boolean(let a), .boolean(let b)): return a == b
        case (.integer(let a), .integer(let b)): return a == b
        case (.text, .text): return try areEqual(value, other)
        default: throw failure("the test \"sameas\" of a \(value.typeName) and a \(other.typeName) is not supported")
        }
    }
}
