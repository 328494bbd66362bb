import Support

/// The form of `POST /v1/files`: an image to be named by id later.
public struct FileUpload: Sendable, Equatable {
    /// The file's bytes.
    public var content: [UInt8]
    /// Its name on the caller's machine; `image` if the form has none.
    public var name: String

    /// Parses the parts of a form: `file`, and `purpose`, which must be `vision`.
    public init(form: [FormPart]) throws(APIError) {
        var file: FormPart?
        var members: [JSON.Member] = []
        for part in form {
            guard part.name != "file" || file == nil, !members.contains(where: { $0.name == part.name }) else {
                throw APIError(.invalidValue, "The part \(part.name) is there twice.", param: part.name)
            }
            if part.name == "file" {
                file = part
            } else {
                members.append(JSON.Member(part.name, .string(String(decoding: part.bytes, as: UTF8.self))))
            }
        }
        var fields = try FieldReader(.object(members))
        _ = try fields.require(fields.string("purpose"), "purpose")
        try fields.accept("purpose", only: "vision")
        try fields.finish()
        let part = try fields.require(file, "file")
        content = part.bytes
        // The name is shown to its owner only; its length is bounded all the same.
        name = String((part.fileName ?? "image").prefix(255))
    }
}
