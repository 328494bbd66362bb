/// An image as a request holds it, not looked at yet.
public struct ImageReference: Sendable, Equatable {
    /// How closely it is to be looked at.
    public enum Detail: String, Sendable, CaseIterable {
        /// One tile.
        case low
        /// As many tiles as the policy takes.
        case high
        /// Whatever its size asks for.
        case auto
    }

    /// Where its bytes are.
    public enum Source: Sendable, Equatable {
        /// In a data URL.
        case url(String)
        /// In a form's file part.
        case file([UInt8])
    }

    /// Where its bytes are.
    public var source: Source
    /// How closely it is to be looked at.
    public var detail: Detail
    /// The JSON path or form field, for errors.
    public var param: String

    /// An image of a request.
    public init(source: Source, detail: Detail, param: String) {
        self.source = source
        self.detail = detail
        self.param = param
    }

    /// The status of errors about the format: a form's part has a media type of its own, JSON's text none.
    public var formatErrorStatus: Int {
        if case .file = source { 415 } else { 400 }
    }

    /// The encoded image, at most `limit` bytes.
    public func bytes(limit: Int) throws(APIError) -> [UInt8] {
        switch source {
        case .file(let bytes):
            guard bytes.count <= limit else { throw tooLarge(bytes.count, limit) }
            return bytes
        case .url(let url):
            let payload = try DataURL.payload(of: url, param: param)
            guard payload.utf8.count / 4 * 3 - 2 <= limit else { throw tooLarge(payload.utf8.count / 4 * 3, limit) }
            guard let bytes = Base64.decode(payload) else {
                throw APIError(.invalidBase64, "\(param) is not valid base64.", param: param)
            }
            guard bytes.count <= limit else { throw tooLarge(bytes.count, limit) }
            return bytes
        }
    }

    private func tooLarge(_ found: Int, _ limit: Int) -> APIError {
        APIError(.imageTooLarge, "\(param) has \(found) bytes, more than \(limit).", param: param)
    }
}

extension FieldReader {
    /// How closely images are looked at; `auto` if nothing is said.
    mutating func detail() throws(APIError) -> ImageReference.Detail {
        guard let name = try string("detail") else { return .auto }
        guard let detail = ImageReference.Detail(rawValue: name) else {
            throw APIError(.invalidValue, "detail must be low, high or auto.", param: path(of: "detail"))
        }
        return detail
    }

    /// The field `images`: data URLs; none if it is absent.
    mutating func images(_ detail: ImageReference.Detail) throws(APIError) -> [ImageReference] {
        var images: [ImageReference] = []
        for (index, value) in (try array("images") ?? []).enumerated() {
            let path = "\(path(of: "images"))[\(index)]"
            guard case .string(let url) = value else {
                throw APIError(.invalidType, "\(path) must be a string, not \(value.kind).", param: path)
            }
            images.append(ImageReference(source: .url(url), detail: detail, param: path))
        }
        return images
    }
}
