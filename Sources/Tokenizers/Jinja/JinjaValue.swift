/// A value of a template, equal to Python's of the same kind. Only namespaces change after they are made.
enum JinjaValue: Sendable {
    /// A name or member that is not there; it prints nothing, and `what` names it in errors.
    case undefined(String)
    case null
    case boolean(Bool)
    case integer(Int)
    case float(Double)
    case text(MarkedText)
    case list(JinjaList)
    case mapping(JinjaMapping)
    /// A namespace, by its number in the rendering.
    case namespace(Int)
    /// A macro, by its number in the rendering.
    case macro(Int)
    /// A function of the environment, such as `range`.
    case function(String)
    /// A method of a value.
    indirect case method(JinjaValue, String)
    /// The variable `loop`.
    indirect case loop(JinjaLoopState)
}

/// A list or tuple.
struct JinjaList: Sendable {
    let elements: [JinjaValue]
    let isTuple: Bool
    /// How many lists and dictionaries are inside each other, this one included.
    let depth: Int
    /// What it costs to read all of it.
    let weight: Int

    init(_ elements: [JinjaValue], isTuple: Bool = false) {
        self.elements = elements
        self.isTuple = isTuple
        depth = 1 + (elements.lazy.map(\.depth).max() ?? 0)
        weight = elements.reduce(1) { $0.addingCapped($1.weight) }
    }
}

/// A dictionary whose members keep their order.
struct JinjaMapping: Sendable {
    private(set) var keys: [JinjaValue] = []
    private(set) var values: [JinjaValue] = []
    private var indices: [JinjaValue: Int] = [:]
    private(set) var depth = 1
    private(set) var weight = 1

    /// An empty dictionary.
    init() {}

    /// The value of a key; a new key goes to the end.
    subscript(key: JinjaValue) -> JinjaValue? { indices[key].map { values[$0] } }

    /// The value of a key that is text.
    subscript(name: String) -> JinjaValue? { self[.text(MarkedText(name, isTrusted: false))] }

    /// Gives a key its value.
    mutating func set(_ key: JinjaValue, _ value: JinjaValue) {
        depth = max(depth, 1 + value.depth, 1 + key.depth)
        weight = weight.addingCapped(key.weight).addingCapped(value.weight)
        if let index = indices[key] {
            values[index] = value
        } else {
            indices[key] = keys.count
            keys.append(key)
            values.append(value)
        }
    }

    /// Keys with their values.
    var items: [(key: JinjaValue, value: JinjaValue)] { Array(zip(keys, values).lazy.map { (key: $0, value: $1) }) }
}

/// The state of a loop.
struct JinjaLoopState: Sendable {
    let index: Int
    let count: Int
    let previous: JinjaValue?
    let next: JinjaValue?
    /// The number of the loop in the rendering, by which `changed` remembers values.
    let number: Int
}

extension JinjaValue {
    /// How many lists and dictionaries are inside each other.
    var depth: Int {
        switch self {
        case .list(let list): list.depth
        case .mapping(let mapping): mapping.depth
        case .method(let subject, _): 1 + subject.depth
        case .loop(let state): 1 + max(state.previous?.depth ?? 0, state.next?.depth ?? 0)
        default: 0
        }
    }

    /// What it costs to read all of it: scalars and elements, each counted wherever it stands.
    var weight: Int {
        switch self {
        case .text(let text): 1 + text.count
        case .list(let list): list.weight
        case .mapping(let mapping): mapping.weight
        case .method(let subject, _): subject.weight
        default: 1
        }
    }

    /// A trusted text.
    static func trusted(_ text: String) -> JinjaValue { .text(MarkedText(text, isTrusted: true)) }

    /// A list.
    static func list(_ elements: [JinjaValue]) -> JinjaValue { .list(JinjaList(elements)) }

    /// Python's truth of the value.
    var isTrue: Bool {
        switch self {
        case .undefined, .null: false
        case .boolean(let flag): flag
        case .integer(let integer): integer != 0
        case .float(let number): number != 0
        case .text(let text): !text.isEmpty
        case .list(let list): !list.elements.isEmpty
        case .mapping(let mapping): !mapping.keys.isEmpty
        case .namespace, .macro, .function, .method, .loop: true
        }
    }

    /// Whether it is undefined.
    var isUndefined: Bool { if case .undefined = self { true } else { false } }

    /// The whole number of an integer or boolean.
    var integer: Int? {
        switch self {
        case .integer(let integer): integer
        case .boolean(let flag): flag ? 1 : 0
        default: nil
        }
    }

    /// The number of an integer, boolean or float.
    var number: Double? {
        if case .float(let number) = self { number } else { integer.map { Double($0) } }
    }

    /// Python's name of the value's type.
    var typeName: String {
        switch self {
        case .undefined: "Undefined"
        case .null: "NoneType"
        case .boolean: "bool"
        case .integer: "int"
        case .float: "float"
        case .text: "str"
        case .list(let list): list.isTuple ? "tuple" : "list"
        case .mapping: "dict"
        case .namespace: "Namespace"
        case .macro: "Macro"
        case .function, .method: "function"
        case .loop: "LoopContext"
        }
    }
}

extension JinjaValue: Hashable {
    /// Python's equality: 1, 1.0 and true are equal.
    static func == (one: JinjaValue, other: JinjaValue) -> Bool {
        switch (one, other) {
        case (.undefined, .undefined), (.null, .null): true
        case (.text(let a), .text(let b)): a == b
        case (.list(let a), .list(let b)): a.isTuple == b.isTuple && a.elements == b.elements
        case (.mapping(let a), .mapping(let b)):
            a.keys.count == b.keys.count && a.items.allSatisfy { b[$0.key] == $0.value }
        case (.namespace(let a), .namespace(let b)), (.macro(let a), .macro(let b)): a == b
        case (.function(let a), .function(let b)): a == b
        case (.method(let a, let m), .method(let b, let n)): m == n && a == b
        case (.loop(let a), .loop(let b)): a.number == b.number
        default:
            if let a = one.integer, let b = other.integer {
                a == b
            } else if let a = one.number, let b = other.number {
                a == b
            } else {
                false
            }
        }
    }

    func hash(into hasher: inout Hasher) {
        switch self {
        case .text(let text): hasher.combine(text)
        case .list(let list): hasher.combine(list.elements)
        case .mapping(let mapping): hasher.combine(mapping.keys.count)
        default: hasher.combine(number ?? 0)
        }
    }

    /// Whether a dictionary may have it as a key: everything but lists and dictionaries.
    var isHashable: Bool {
        switch self {
        case .list(let list): list.isTuple && list.elements.allSatisfy(\.isHashable)
        case .mapping, .undefined: false
        default: true
        }
    }
}

extension Int {
    /// The sum, at most `JinjaLimits.work`.
    fileprivate func addingCapped(_ other: Int) -> Int { Swift.min(self + other, JinjaLimits.work + 1) }
}
