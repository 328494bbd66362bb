/// One part of a `multipart/form-data` body (RFC 7578 and 2046).
public struct FormPart: Sendable, Equatable {
    /// The field's name.
    public var name: String
    /// Its content.
    public var bytes: [UInt8]
    /// The name of the file that it is; nil if it is none.
    public var fileName: String?

    /// A part of a form.
    public init(name: String, bytes: [UInt8], fileName: String? = nil) {
        self.name = name
        self.bytes = bytes
        self.fileName = fileName
    }

    /// The boundary that a content type announces; nil if it is not the type of a form.
    public static func boundary(contentType: String) -> String? {
        guard let type = HeaderValue(Array(contentType.utf8)[...]), type.value == "multipart/form-data",
            let boundary = type.parameter("boundary"), (1...70).contains(boundary.count), boundary.last != 0x20,
            boundary.allSatisfy({ (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\"") })
        else { return nil }
        return String(decoding: boundary, as: UTF8.self)
    }

    /// The parts of a body, in order, with limits of 64 parts and 8 KiB of headers per part.
    ///
    /// Bytes before the first boundary and after the last one are ignored. So are empty files without a name, which
    /// browsers send if no file was chosen.
    public static func parse(_ body: [UInt8], boundary: String) throws(APIError) -> [FormPart] {
        var reader = FormReader(body, boundary: boundary)
        return try reader.parts()
    }
}

/// Parses a form in one pass.
private struct FormReader {
    private let body: [UInt8]
    /// The boundary, preceded by the line end and the dashes.
    private let delimiter: [UInt8]
    private var next = 0

    private static let maximumParts = 64
    private static let maximumHeaderBytes = 8 << 10

    /// The kind of boundary after a part.
    private enum Delimiter {
        case part
        case end
    }

    init(_ body: [UInt8], boundary: String) {
        self.body = body
        delimiter = Array("\r\n--\(boundary)".utf8)
    }

    mutating func parts() throws(APIError) -> [FormPart] {
        var parts: [FormPart] = []
        var count = 0
        guard var following = firstDelimiter() else { throw Self.malformed("its boundary is nowhere in it") }
        while following == .part {
            guard count < Self.maximumParts else {
                throw Self.malformed("it has more than \(Self.maximumParts) parts")
            }
            count += 1
            let header = try header()
            guard let (content, delimiter) = content() else {
                throw Self.malformed("the part \(header.name) does not end with the boundary")
            }
            following = delimiter
            if header.fileName?.isEmpty == true, content.isEmpty { continue }
            let fileName = header.fileName.map { String(decoding: $0, as: UTF8.self) }
            parts.append(FormPart(name: header.name, bytes: Array(content), fileName: fileName))
        }
        return parts
    }

    /// Reads the first boundary, which needs no line end before it if the body begins with it.
    private mutating func firstDelimiter() -> Delimiter? {
        if body.starts(with: delimiter.dropFirst(2)), let (following, end) = delimiter(at: delimiter.count - 2) {
            next = end
            return following
        }
        return content()?.delimiter
    }

    /// Reads everything up to the next boundary, and the boundary.
    private mutating func content() -> (bytes: ArraySlice<UInt8>, delimiter: Delimiter)? {
        var search = next
        while let start = body[search...].firstIndex(of: 0x0D) {
            if body[start...].starts(with: delimiter), let (following, end) = delimiter(at: start + delimiter.count) {
                defer { next = end }
                return (body[next..<start], following)
            }
            search = start + 1
        }
        return nil
    }

    /// The kind of boundary that ends before `index`, and the end of its line; nil if the line goes on, because then it
    /// is content.
    private func delimiter(at index: Int) -> (Delimiter, end: Int)? {
        let isLast = body[index...].starts(with: "--".utf8)
        var index = isLast ? index + 2 : index
        // Writers in the style of mail pad the line.
        while index < body.count, body[index].isBlank { index += 1 }
        if body[index...].starts(with: "\r\n".utf8) { return (isLast ? .end : .part, index + 2) }
        return isLast && index == body.count ? (.end, index) : nil
    }

    /// Reads the header lines and the empty line after them.
    private mutating func header() throws(APIError) -> (name: String, fileName: [UInt8]?) {
        var found: (name: String, fileName: [UInt8]?)?
        var budget = Self.maximumHeaderBytes
        while let line = try headerLine(&budget) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
                throw Self.malformed("a part's header has no colon")
            }
            let value = line[(colon + 1)...]
            switch String(decoding: line[..<colon], as: UTF8.self).lowercased() {
            case "content-disposition":
                guard found == nil else { throw Self.malformed("a part has two dispositions") }
                found = try Self.disposition(value)
            case "content-transfer-encoding":
                let encoding = String(decoding: value.trimmed, as: UTF8.self).lowercased()
                guard ["binary", "8bit", "7bit"].contains(encoding) else {
                    throw Self.malformed("the transfer encoding of a part is \(encoding.prefix(40)), not binary")
                }
            default: continue
            }
        }
        guard let found else { throw Self.malformed("a part has no disposition") }
        return found
    }

    /// Reads one header line with its continuation lines; nil at the empty line after the last header.
    private mutating func headerLine(_ budget: inout Int) throws(APIError) -> ArraySlice<UInt8>? {
        var line: [UInt8] = []
        repeat {
            guard let end = lineEnd(within: budget) else { throw Self.malformed("a part's header is too long") }
            budget -= end + 2 - next
            line += body[next..<end]
            next = end + 2
        } while !line.isEmpty && next < body.count && body[next].isBlank
        return line.isEmpty ? nil : line[...]
    }

    private func lineEnd(within budget: Int) -> Int? {
        let window = body[next...].prefix(budget)
        var search = window.startIndex
        while let end = window[search...].firstIndex(of: 0x0D) {
            if window[end...].starts(with: "\r\n".utf8) { return end }
            search = end + 1
        }
        return nil
    }

    /// Parses `form-data; name="x"; filename="y"`.
    private static func disposition(_ bytes: ArraySlice<UInt8>) throws(APIError) -> (String, fileName: [UInt8]?) {
        // A last backslash, as in "C:\", leaves the string open if a backslash quotes.
        guard let value = HeaderValue(bytes) ?? HeaderValue(bytes, backslash: .isLiteral) else {
            throw malformed("a disposition is malformed")
        }
        guard value.value == "form-data" else { throw malformed("a part is not form-data") }
        guard let name = value.parameter("name").flatMap({ String(validating: $0, as: UTF8.self) }), !name.isEmpty
        else { throw malformed("a part has no name, or two") }
        return (name, value.parameter("filename"))
    }

    private static func malformed(_ reason: String) -> APIError {
        APIError(.invalidValue, "The body is not valid multipart/form-data: \(reason).")
    }
}
