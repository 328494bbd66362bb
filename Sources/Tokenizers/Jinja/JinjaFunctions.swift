import Foundation

/// The functions that every template has.
enum JinjaFunctions {
    /// Those that are here.
    static let names: Set<String> = ["dict", "namespace", "raise_exception", "range", "strftime_now"]
    /// Those that Jinja has besides.
    static let unsupported: Set<String> = ["caller", "cycler", "gettext", "joiner", "lipsum", "ngettext", "super"]
}

extension JinjaRenderer {
    /// The result of a function.
    mutating func call(function name: String, _ arguments: JinjaCallArguments) throws(JinjaError) -> JinjaValue {
        switch name {
        case "dict": return try checked(.mapping(try mapping(arguments)))
        case "namespace":
            let members = try mapping(arguments)
            namespaces.append([:])
            for (key, value) in members.items {
                guard case .text(let key) = key else { throw failure("a namespace's members have names") }
                try setMember(key.string, of: namespaces.count - 1, to: value)
            }
            return .namespace(namespaces.count - 1)
        case "range": return try range(arguments)
        case "strftime_now":
            let format = try arguments.values(of: ["format"], of: "function strftime_now", line: line)[0]
            return .trusted(try time(try text(format, "")))
        default:
            let message = try arguments.values(of: ["message"], of: "function raise_exception", line: line)[0]
            throw .raised(String(try text(of: message ?? .null).string.prefix(1_000)))
        }
    }

    /// The dictionary of `dict(…)`: the members or pairs of the first argument, and a member for each named one.
    private mutating func mapping(_ arguments: JinjaCallArguments) throws(JinjaError) -> JinjaMapping {
        var mapping = JinjaMapping()
        guard arguments.positional.count < 2 else { throw failure("expected one dictionary at most") }
        switch arguments.positional.first {
        case .mapping(let given): mapping = given
        case .list(let list):
            for pair in list.elements {
                let parts = try elements(of: pair)
                guard parts.count == 2 else { throw failure("expected pairs of keys and values") }
                mapping.set(try key(parts[0]), parts[1])
            }
        case nil: break
        case let other?: throw failure("expected a dictionary, found a \(other.typeName)")
        }
        for (name, value) in arguments.named { mapping.set(.trusted(name), value) }
        return mapping
    }

    private mutating func range(_ arguments: JinjaCallArguments) throws(JinjaError) -> JinjaValue {
        guard arguments.named.isEmpty, (1...3).contains(arguments.positional.count) else {
            throw failure("range takes 1 to 3 integers")
        }
        var bounds: [Int] = []
        for value in arguments.positional { bounds.append(try integer(value, 0)) }
        let (start, stop) = bounds.count == 1 ? (0, bounds[0]) : (bounds[0], bounds[1])
        let step = bounds.count == 3 ? bounds[2] : 1
        guard step != 0 else { throw failure("range has the step 0") }
        // Computed as numbers, so that no bound overflows.
        let count = ((Double(stop) - Double(start)) / Double(step)).rounded(.up)
        guard count <= Double(JinjaLimits.range) else {
            throw .tooMuch(line: line, "range has over \(JinjaLimits.range) elements")
        }
        return try checked(.list(stride(from: start, to: stop, by: step).map { .integer($0) }))
    }

    /// The local time in C's format, in English.
    private func time(_ format: MarkedText) throws(JinjaError) -> String {
        let format = format.string
        guard format.utf8.count <= 256, !format.utf8.contains(0) else { throw failure("the time's format is too long") }
        guard !format.isEmpty else { return "" }
        var seconds = time_t(now)
        var parts = tm()
        guard localtime_r(&seconds, &parts) != nil else { throw failure("the time \(now) has no date") }
        var buffer = [CChar](repeating: 0, count: 4_096)
        let count = strftime(&buffer, buffer.count, format, &parts)
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
