/// URLs that carry a picture: `data:image/png;base64,...`. The server fetches nothing, so there are no others.
enum DataURL {
    /// The base64 text of a PNG's data URL.
    static func payload(of url: String, param: String) throws(APIError) -> Substring {
        guard let comma = url.firstIndex(of: ","), url.prefix(5).lowercased() == "data:" else {
            if url.prefix(5).lowercased() == "data:" { throw malformed(param) }
            throw APIError(
                .remoteImage, "\(param) must be a data URL: pictures are never fetched.", param: param)
        }
        let head = url[..<comma].lowercased()
        guard head != "data:image/png;base64" else { return url[url.index(after: comma)...] }
        if head.hasPrefix("data:image/"), !head.hasPrefix("data:image/png") {
            throw APIError(.unsupportedImageFormat, "\(param) must be a PNG.", param: param)
        }
        throw malformed(param)
    }

    private static func malformed(_ param: String) -> APIError {
        APIError(.invalidValue, "\(param) must have the form data:image/png;base64,DATA.", param: param)
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
