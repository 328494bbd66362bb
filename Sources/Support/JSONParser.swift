/// The offset and reason of a syntax error, or of a limit that the JSON exceeds.
public struct JSONSyntaxError: Error, Equatable, CustomStringConvertible {
    /// The byte offset of the error.
    public var offset: Int
    /// What was expected or found.
    public var reason: String

    /// The error as text.
    public var description: String { "\(reason) at byte \(offset)" }
}

extension JSON {
    /// Reads one value, which must take up all of `bytes` except for surrounding white space.
    ///
    /// Stricter than RFC 8259 where the RFC leaves a choice: UTF-8 without byte order mark, unique names, no lone
    /// surrogates, integers within 64 bits, finite numbers, at most 64 levels, 1,048,576 values and 65,536 names in one
    /// object. The limits exist because a value of two bytes takes many times more memory once parsed.
    ///
    /// - Parameter roundsLargeIntegers: whether an integer beyond 64 signed bits becomes a rounded `number` instead of
    ///   an error.
    public static func parse(
        _ bytes: [UInt8], roundsLargeIntegers: Bool = false
    ) throws(JSONSyntaxError) -> JSON {
        var reader = JSONReader(bytes, roundsLargeIntegers: roundsLargeIntegers)
        return try reader.document { reader throws(JSONSyntaxError) in try reader.value() }
    }
}

/// Reads JSON value by value. A caller that takes a large document apart itself needs memory for what it keeps only.
package struct JSONReader {
    private static let maximumDepth = 64
    private static let maximumValues = 1 << 20
    private static let maximumMembers = 1 << 16

    private let bytes: [UInt8]
    private let roundsLargeIntegers: Bool
    private var index = 0
    private var depth = 0
    private var values = 0

    /// A reader at the start of `bytes`.
    package init(_ bytes: [UInt8], roundsLargeIntegers: Bool = false) {
        self.bytes = bytes
        self.roundsLargeIntegers = roundsLargeIntegers
    }

    /// Reads the only value of the document with `read`.
    package mutating func document<T>(
        _ read: (inout JSONReader) throws(JSONSyntaxError) -> T
    ) throws(JSONSyntaxError) -> T {
        skipSpaces()
        let value = try read(&self)
        skipSpaces()
        guard index == bytes.count else { throw fault("expected the end") }
        return value
    }

    /// The first byte of the value that follows, and so its kind.
    package var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    /// An error at the present offset.
    package func fault(_ reason: String) -> JSONSyntaxError {
        JSONSyntaxError(offset: index, reason: reason)
    }

    private mutating func skipSpaces() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
    }

    private mutating func take(_ byte: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: byte) else { return false }
        index += 1
        return true
    }

    /// The whole value that follows. The limits of `JSON.parse` hold for all values together.
    package mutating func value() throws(JSONSyntaxError) -> JSON {
        values += 1
        guard values <= Self.maximumValues else { throw fault("more than \(Self.maximumValues) values") }
        switch next {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func enter() throws(JSONSyntaxError) {
        guard depth < Self.maximumDepth else { throw fault("more than \(Self.maximumDepth) levels") }
        depth += 1
        index += 1
        skipSpaces()
    }

    /// Reads an object: `member` gets each name and must read its value. Names may repeat.
    package mutating func object(
        _ member: (inout JSONReader, String) throws(JSONSyntaxError) -> Void
    ) throws(JSONSyntaxError) {
        guard next == UInt8(ascii: "{") else { throw fault("expected an object") }
        try enter()
        defer { depth -= 1 }
        if take("}") { return }
        while true {
            guard next == UInt8(ascii: "\"") else { throw fault("expected a name") }
            let name = try string()
            skipSpaces()
            guard take(":") else { throw fault("expected a colon") }
            skipSpaces()
            try member(&self, name)
            skipSpaces()
            if take("}") { return }
            guard take(",") else { throw fault("expected a comma or }") }
            skipSpaces()
        }
    }

    /// Reads an array: `element` must read one value.
    package mutating func array(
        _ element: (inout JSONReader) throws(JSONSyntaxError) -> Void
    ) throws(JSONSyntaxError) {
        guard next == UInt8(ascii: "[") else { throw fault("expected an array") }
        try enter()
        defer { depth -= 1 }
        if take("]") { return }
        while true {
            try element(&self)
            skipSpaces()
            if take("]") { return }
            guard take(",") else { throw fault("expected a comma or ]") }
            skipSpaces()
        }
    }

    /// Reads an integer.
    package mutating func integer() throws(JSONSyntaxError) -> Int64 {
        guard case .integer(let integer) = try number() else { throw fault("expected an integer") }
        return integer
    }

    private mutating func object() throws(JSONSyntaxError) -> JSON {
        var members: [JSON.Member] = []
        var names: Set<String> = []
        try object { reader, name throws(JSONSyntaxError) in
            guard names.insert(name).inserted else { throw reader.fault("a name twice in one object") }
            guard names.count <= Self.maximumMembers else {
                throw reader.fault("more than \(Self.maximumMembers) names in one object")
            }
            members.append(JSON.Member(name, try reader.value()))
        }
        return .object(members)
    }

    private mutating func array() throws(JSONSyntaxError) -> JSON {
        var elements: [JSON] = []
        try array { reader throws(JSONSyntaxError) in elements.append(try reader.value()) }
        return .array(elements)
    }

    private mutating func word(_ text: StaticString, _ value: JSON) throws(JSONSyntaxError) -> JSON {
        for expected in text.description.utf8 {
            guard next == expected else { throw fault("expected \(text)") }
            index += 1
        }
        return value
    }

    /// Reads a string from its opening to its closing quote. Runs without escapes are copied as a whole.
    package mutating func string() throws(JSONSyntaxError) -> String {
        guard take("\"") else { throw fault("expected a string") }
        let start = index
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { index += 1 }
        if next == UInt8(ascii: "\"") {
            guard let text = String(validating: bytes[start..<index], as: UTF8.self) else {
                throw fault("a string that is not UTF-8")
            }
            index += 1
            return text
        }
        var content = Array(bytes[start..<index])
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: content, as: UTF8.self) else {
                    throw fault("a string that is not UTF-8")
                }
                index += 1
                return text
            case UInt8(ascii: "\\"):
                index += 1
                content.append(contentsOf: String(try escape()).utf8)
            case 0..<0x20: throw fault("a control character in a string")
            default:
                content.append(byte)
                index += 1
            }
        }
        throw fault("a string without end")
    }

    private mutating func escape() throws(JSONSyntaxError) -> Unicode.Scalar {
        guard let byte = next else { throw fault("a string without end") }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): break
        default: throw fault("an unknown escape")
        }
        let unit = try fourHexDigits()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit < 0xDC00, take("\\"), take("u") else { throw fault("a lone surrogate") }
        let low = try fourHexDigits()
        guard (0xDC00..<0xE000).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (UInt32(unit - 0xD800) << 10) + UInt32(low - 0xDC00))
        else { throw fault("a lone surrogate") }
        return scalar
    }

    private mutating func fourHexDigits() throws(JSONSyntaxError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            switch next {
            case .some(let byte) where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte):
                unit = unit << 4 | UInt16(byte - UInt8(ascii: "0"))
            case .some(let byte) where (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20):
                unit = unit << 4 | UInt16((byte | 0x20) - UInt8(ascii: "a") + 10)
            default: throw fault("expected four hex digits")
            }
            index += 1
        }
        return unit
    }

    private mutating func number() throws(JSONSyntaxError) -> JSON {
        let start = index
        _ = take("-")
        if !take("0") { try digits(or: "expected a value") }
        var isInteger = true
        if take(".") {
            isInteger = false
            try digits(or: "expected digits after the point")
        }
        if take("e") || take("E") {
            isInteger = false
            if !take("+") { _ = take("-") }
            try digits(or: "expected an exponent")
        }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if isInteger {
            if let integer = Int64(text) { return .integer(integer) }
            guard roundsLargeIntegers else { throw fault("an integer beyond 64 bits") }
        }
        guard let number = Double(text), number.isFinite else { throw fault("a number that is not finite") }
        return .number(number)
    }

    private mutating func digits(or reason: String) throws(JSONSyntaxError) {
        let start = index
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { index += 1 }
        guard index > start else { throw fault(reason) }
    }
}
