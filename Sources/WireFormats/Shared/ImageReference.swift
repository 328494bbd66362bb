import Support

/// An image of a request, not decoded yet.
public struct ImageReference: Sendable, Equatable {
    /// The detail level at which the encoder sees the image.
    public enum Detail: String, Sendable, CaseIterable {
        /// One tile.
        case low
        /// Up to the policy's maximum number of tiles.
        case high
        /// `low` if the image fits in one tile, otherwise `high`.
        case auto
    }

    /// The source of its bytes.
    public enum Source: Sendable, Equatable {
        /// A data URL.
        case url(String)
        /// Base64 text without the rest of a data URL.
        case base64(String)
        /// The id of a file that the caller has sent before.
        case upload(String)
        /// A form's file part.
        case file([UInt8])
    }

    /// The source of its bytes.
    public var source: Source
    /// The detail level at which the encoder sees it.
    public var detail: Detail
    /// The JSON path or form field, for error messages.
    public var param: String

    /// An image of a request.
    public init(source: Source, detail: Detail, param: String) {
        self.source = source
        self.detail = detail
        self.param = param
    }

    /// The status of errors about the format: a form part has a media type of its own, a JSON string has none.
    public var formatErrorStatus: Int {
        if case .file = source { 415 } else { 400 }
    }

    /// The encoded image. Throws if it exceeds `limit` bytes.
    ///
    /// - Parameter upload: the bytes of a file that the caller has sent before, by its id; nil if there is none.
    public func bytes(
        limit: Int, upload: (String) -> [UInt8]? = { _ in nil }
    ) throws(APIError) -> [UInt8] {
        switch source {
        case .upload(let id):
            guard let bytes = upload(id) else {
                throw APIError(
                    .notFound, "\(param): there is no file \(id.prefix(100)).", param: param, status: 404)
            }
            return bytes
        case .file(let bytes):
            guard bytes.count <= limit else { throw tooLarge(bytes.count, limit) }
            return bytes
        case .url(let url):
            return try decoded(try DataURL.payload(of: url, param: param), limit: limit)
        case .base64(let text): return try decoded(text[...], limit: limit)
        }
    }

    private func decoded(_ text: Substring, limit: Int) throws(APIError) -> [UInt8] {
        guard text.utf8.count / 4 * 3 - 2 <= limit else { throw tooLarge(text.utf8.count / 4 * 3, limit) }
        guard let bytes = Base64.decode(text) else {
            throw APIError(.invalidBase64, "\(param) is not valid base64.", param: param)
        }
        guard bytes.count <= limit else { throw tooLarge(bytes.count, limit) }
        return bytes
    }

    private func tooLarge(_ found: Int, _ limit: Int) -> APIError {
        APIError(.imageTooLarge, "\(param) has \(found) bytes, more than \(limit).", param: param)
    }
}

extension ImageReference.Source {
    /// A data URL, or the id of a file.
    fileprivate static func named(_ text: String) -> Self {
        text.hasPrefix("file-") ? .upload(text) : .url(text)
    }
}

extension FieldReader {
    /// Reads the field `detail`; `auto` if it is absent.
    mutating func detail() throws(APIError) -> ImageReference.Detail {
        let name = try string("detail")
        describe("detail", as: ImageReference.Detail.allCases.map(\.rawValue))
        guard let name else { return .auto }
        guard let detail = ImageReference.Detail(rawValue: name) else {
            throw APIError(.invalidValue, "detail must be low, high or auto.", param: path(of: "detail"))
        }
        return detail
    }

    /// The image of an object that has either a data URL in the field `name` or a file's id in `file_id`.
    mutating func image(url name: String) throws(APIError) -> ImageReference {
        let (url, file) = (try string(name), try string("file_id"))
        guard url == nil || file == nil else {
            throw APIError(
                .invalidValue, "\(path(of: "file_id")) is allowed only without \(name).", param: path(of: "file_id"))
        }
        let detail = try detail()
        if let file { return ImageReference(source: .upload(file), detail: detail, param: path(of: "file_id")) }
        return ImageReference(source: .url(try require(url, name)), detail: detail, param: path(of: name))
    }

    /// Reads the field `images`: data URLs and ids of files; none if it is absent.
    mutating func images(_ detail: ImageReference.Detail) throws(APIError) -> [ImageReference] {
        var images: [ImageReference] = []
        for (index, value) in (try array("images") ?? []).enumerated() {
            let path = "\(path(of: "images"))[\(index)]"
            guard case .string(let text) = value else {
                throw APIError(.invalidType, "\(path) must be a string, not \(value.kind).", param: path)
            }
            images.append(ImageReference(source: .named(text), detail: detail, param: path))
        }
        return images
    }
}

/// URLs that contain an image: `data:image/TYPE;base64,...`. The server fetches nothing, so it accepts no other URLs.
enum DataURL {
    /// The base64 text of an image's data URL. Its media type does not matter: the bytes decide.
    static func payload(of url: String, param: String) throws(APIError) -> Substring {
        guard let comma = url.utf8.firstIndex(of: UInt8(ascii: ",")), url.prefix(5).lowercased() == "data:" else {
            if url.prefix(5).lowercased() == "data:" { throw malformed(param) }
            throw APIError(
                .remoteImage, "\(param) must be a data URL: pictures are never fetched.", param: param)
        }
        let (start, end) = ("data:image/", ";base64")
        let head = url[..<comma].lowercased()
        guard head.hasPrefix(start), head.hasSuffix(end), head.utf8.count > start.utf8.count + end.utf8.count,
            head.dropFirst(start.count).dropLast(end.count).utf8.allSatisfy(isOfType)
        else { throw malformed(param) }
        return url[url.index(after: comma)...]
    }

    /// Whether a lower-case byte is allowed in a media type's name (RFC 6838, section 4.2).
    private static func isOfType(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "!#$&-^_.+".utf8.contains(byte)
        }
    }

    private static func malformed(_ param: String) -> APIError {
        APIError(.invalidValue, "\(param) must have the form data:image/TYPE;base64,DATA.", param: param)
    }
}

/// RFC 4648's base64 with its standard alphabet: padding required, unused bits zero, nothing skipped.
enum Base64 {
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        for (value, character) in alphabet.utf8.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }()

    /// The base64 of `bytes`, padded.
    static func encode(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var digits: [UInt8] = []
        digits.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for place in 0..<4 {
                let digit = alphabet[Int(bits >> UInt32(18 - 6 * place)) & 63]
                digits.append(place <= group.count ? digit : UInt8(ascii: "="))
            }
        }
        return String(decoding: digits, as: UTF8.self)
    }

    /// The bytes, or nil if `text` is not base64.
    static func decode(_ text: Substring) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count % 4 == 0 else { return nil }
        let padding = digits.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
        let values = Self.values
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 4 * 3)
        var group: UInt32 = 0
        for (index, digit) in digits.dropLast(padding).enumerated() {
            let value = values[Int(digit)]
            guard value != 0xFF else { return nil }
            group = group << 6 | UInt32(value)
            if index % 4 == 3 {
                bytes.append(UInt8(truncatingIfNeeded: group >> 16))
                bytes.append(UInt8(truncatingIfNeeded: group >> 8))
                bytes.append(UInt8(truncatingIfNeeded: group))
                group = 0
            }
        }
        switch padding {
        case 1:
            guard group & 0b11 == 0 else { return nil }
            bytes += [UInt8(truncatingIfNeeded: group >> 10), UInt8(truncatingIfNeeded: group >> 2)]
        case 2:
            guard group & 0b1111 == 0 else { return nil }
            bytes.append(UInt8(truncatingIfNeeded: group >> 4))
        default: break
        }
        return bytes
    }
}
