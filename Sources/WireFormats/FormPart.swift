/// One part of a `multipart/form-data` body (RFC 7578).
public struct FormPart: Sendable, Equatable {
    /// The field's name.
    public var name: String
    /// Its content.
    public var bytes: [UInt8]

    /// A part of a form.
    public init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }

    private static let maximumParts = 64
    private static let maximumHeaderBytes = 8 << 10

    /// The boundary that a content type announces; nil if it is no form's.
    public static func boundary(contentType: String) -> String? {
        let pieces = contentType.split(separator: ";", omittingEmptySubsequences: false).map(trimmed)
        guard pieces[0].lowercased() == "multipart/form-data" else { return nil }
        for piece in pieces.dropFirst() where piece.lowercased().hasPrefix("boundary=") {
            var boundary = piece.dropFirst(9)
            if boundary.count >= 2, boundary.hasPrefix("\""), boundary.hasSuffix("\"") {
                boundary = boundary.dropFirst().dropLast()
            }
            let allowed = boundary.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") }
            return (1...70).contains(boundary.utf8.count) && allowed ? String(boundary) : nil
        }
        return nil
    }

    /// The parts of a body, in order: at most 64, each with at most 8 KiB of headers, nothing before or between them.
    public static func parse(_ body: [UInt8], boundary: String) throws(APIError) -> [FormPart] {
        let delimiter = Array("\r\n--\(boundary)".utf8)
        var rest = body[...]
        guard rest.starts(with: delimiter.dropFirst(2)) else { throw malformed("it does not begin with its boundary") }
        rest = rest.dropFirst(delimiter.count - 2)
        var parts: [FormPart] = []
        while rest.starts(with: [0x0D, 0x0A]) {
            guard parts.count < maximumParts else { throw malformed("it has more than \(maximumParts) parts") }
            rest = rest.dropFirst(2)
            let name = try header(&rest)
            guard let end = index(of: delimiter, in: rest) else { throw malformed("a part has no end") }
            parts.append(FormPart(name: name, bytes: Array(rest[..<end])))
            rest = rest[(end + delimiter.count)...]
        }
        guard rest.elementsEqual(Array("--".utf8)) || rest.elementsEqual(Array("--\r\n".utf8)) else {
            throw malformed("it does not end with its boundary")
        }
        return parts
    }

    /// Takes the header lines and the empty line behind them; gives the field's name.
    private static func header(_ rest: inout ArraySlice<UInt8>) throws(APIError) -> String {
        var name: String?
        var size = 0
        while true {
            let window = rest.prefix(maximumHeaderBytes - size)
            guard let end = index(of: [0x0D, 0x0A], in: window) else { throw malformed("a part's header is too long") }
            let line = String(decoding: rest[..<end], as: UTF8.self)
            size += end + 2 - rest.startIndex
            rest = rest[(end + 2)...]
            guard !line.isEmpty else { break }
            guard let colon = line.firstIndex(of: ":") else { throw malformed("a part's header has no colon") }
            guard line[..<colon].lowercased() == "content-disposition" else { continue }
            guard name == nil else { throw malformed("a part has two dispositions") }
            name = try fieldName(line[line.index(after: colon)...])
        }
        guard let name, !name.isEmpty else { throw malformed("a part has no name") }
        return name
    }

    /// The `name` parameter of `form-data; name="x"; filename="y"`.
    private static func fieldName(_ disposition: Substring) throws(APIError) -> String? {
        var rest = trimmed(disposition)
        guard rest.prefix(9).lowercased() == "form-data" else { throw malformed("a part is not form-data") }
        rest = trimmed(rest.dropFirst(9))
        var name: String?
        while rest.first == ";" {
            rest = trimmed(rest.dropFirst())
            guard let equals = rest.firstIndex(of: "=") else { throw malformed("a disposition is malformed") }
            let key = rest[..<equals].lowercased()
            rest = rest[rest.index(after: equals)...]
            let value = try parameter(&rest)
            if key == "name" {
                guard name == nil else { throw malformed("a part has two names") }
                name = value
            }
            rest = trimmed(rest)
        }
        guard rest.isEmpty else { throw malformed("a disposition is malformed") }
        return name
    }

    /// Takes a token or a quoted string, in which a backslash quotes the next character.
    private static func parameter(_ rest: inout Substring) throws(APIError) -> String {
        guard rest.first == "\"" else {
            let token = rest.prefix { $0 != ";" && $0 != " " }
            rest = rest[token.endIndex...]
            return String(token)
        }
        rest = rest.dropFirst()
        var value = ""
        while let character = rest.popFirst() {
            if character == "\"" { return value }
            if character == "\\", let quoted = rest.popFirst() {
                value.append(quoted)
            } else {
                value.append(character)
            }
        }
        throw malformed("a quoted string has no end")
    }

    private static func index(of pattern: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        var start = bytes.startIndex
        while let found = bytes[start...].firstIndex(of: pattern[0]) {
            if bytes[found...].starts(with: pattern) { return found }
            start = found + 1
        }
        return nil
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let start = text.drop { $0 == " " || $0 == "\t" }
        guard let last = start.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return "" }
        return start[...last]
    }

    private static func malformed(_ reason: String) -> APIError {
        APIError(.invalidValue, "The body is not valid multipart/form-data: \(reason).")
    }
}
