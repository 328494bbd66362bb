/// A header's value with parameters: `form-data; name="x"`, `text/plain;q=0.5` (RFC 9110, section 5.6.6).
///
/// It is parsed as bytes: a `Character` would combine a quotation mark with a combining mark after it.
struct HeaderValue {
    /// The meaning of a backslash within quotation marks.
    enum Backslash {
        /// It quotes a quotation mark or another backslash.
        case quotes
        /// It is an ordinary character; browsers write file names this way.
        case isLiteral
    }

    /// The value before the parameters, in lower case.
    var value: String
    /// The parameters in order, their names in lower case.
    var parameters: [(name: String, value: [UInt8])] = []

    /// Parses a complete value; nil if it is malformed. Empty parameters are skipped.
    init?(_ bytes: ArraySlice<UInt8>, backslash: Backslash = .quotes) {
        var rest = bytes.trimmed
        value = Self.lowercased(rest.prefix { $0 != UInt8(ascii: ";") }.trimmed)
        rest = rest.drop { $0 != UInt8(ascii: ";") }
        while !rest.isEmpty {
            guard rest.removeFirst() == UInt8(ascii: ";") else { return nil }
            rest = rest.trimmed
            guard let first = rest.first, first != UInt8(ascii: ";") else { continue }
            guard let equals = rest.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            let name = rest[..<equals].trimmed
            guard !name.isEmpty, name.allSatisfy(\.isTokenByte) else { return nil }
            rest = rest[(equals + 1)...].trimmed
            guard let value = Self.parameter(&rest, backslash) else { return nil }
            parameters.append((Self.lowercased(name), value))
            rest = rest.trimmed
        }
    }

    /// The parameter's value; nil if it is absent or occurs twice.
    func parameter(_ name: String) -> [UInt8]? {
        let found = parameters.filter { $0.name == name }
        return found.count == 1 ? found[0].value : nil
    }

    /// Reads a token or a quoted string.
    private static func parameter(_ rest: inout ArraySlice<UInt8>, _ backslash: Backslash) -> [UInt8]? {
        guard rest.first == UInt8(ascii: "\"") else {
            let token = rest.prefix { $0 != UInt8(ascii: ";") }.trimmed
            rest = rest[token.endIndex...]
            return Array(token)
        }
        rest.removeFirst()
        var value: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\"") { return value }
            if byte == UInt8(ascii: "\\"), backslash == .quotes, let next = rest.first,
                next == UInt8(ascii: "\"") || next == UInt8(ascii: "\\")
            {
                value.append(next)
                rest.removeFirst()
            } else {
                value.append(byte)
            }
        }
        return nil
    }

    private static func lowercased(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes, as: UTF8.self).lowercased()
    }
}

extension ArraySlice<UInt8> {
    /// The bytes without spaces and tabs at both ends.
    var trimmed: ArraySlice<UInt8> {
        let start = drop(while: \.isBlank)
        return start[..<(start.lastIndex { !$0.isBlank }.map { $0 + 1 } ?? start.startIndex)]
    }
}

extension UInt8 {
    /// A space or a tab.
    var isBlank: Bool { self == 0x20 || self == 0x09 }

    /// Whether it is allowed in a token: visible, and no separator.
    var isTokenByte: Bool {
        (0x21...0x7E).contains(self) && !"\"(),/:;<=>?@[\\]{}".utf8.contains(self)
    }
}

/// The media types that a client prefers (RFC 9110, section 12.5.1).
public struct AcceptHeader: Sendable {
    private struct Range {
        var type: String
        var quality: Double
        var order: Int
    }

    private let ranges: [Range]

    /// Parses the header's value; nil and malformed ranges accept every type.
    public init(_ value: String?) {
        let texts = (value ?? "").utf8.split(separator: UInt8(ascii: ","))
        var ranges: [Range] = []
        for (order, text) in texts.enumerated() {
            guard let header = HeaderValue(Array(text)[...]), !header.value.isEmpty else { continue }
            let quality = header.parameter("q").flatMap { Double(String(decoding: $0, as: UTF8.self)) } ?? 1
            ranges.append(Range(type: header.value, quality: quality, order: order))
        }
        self.ranges = ranges
    }

    /// The type that the client prefers among `types`: by quality, then named types before types that match a wildcard,
    /// then in the client's order, then in the order of `types`. If the client accepts none, the first one.
    ///
    /// - Parameter types: at least one media type, in lower case.
    public func preferred(of types: [String]) -> String {
        let rated = types.enumerated().compactMap { index, type -> (rank: [Double], type: String)? in
            guard let (range, precision) = match(type), range.quality > 0 else { return nil }
            let order = precision == 2 ? range.order : 0
            return ([range.quality, Double(precision), Double(-order), Double(-index)], type)
        }
        guard let best = rated.max(by: { $0.rank.lexicographicallyPrecedes($1.rank) }) else {
            return types.first { match($0) == nil } ?? types[0]
        }
        return best.type
    }

    /// The most precise range that covers `type`, with precision 2 for the type itself, 1 for its family, and 0 for all
    /// types.
    private func match(_ type: String) -> (Range, precision: Int)? {
        let family = type.prefix { $0 != "/" } + "/*"
        for (precision, text) in [(2, type), (1, String(family)), (0, "*/*")] {
            if let range = ranges.first(where: { $0.type == text }) { return (range, precision) }
        }
        return nil
    }
}
