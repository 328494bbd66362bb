import Engine
import Feedback
import HTTPTypes
import Hummingbird
import Images
import NIOCore
import Support
import WireFormats

/// `/v1/files`: images that are sent once and then named by id. Each key sees its own files only.
struct FilesController: Controller {
    let services: Services

    func addRoutes(to routes: Routes) {
        routes.add("/v1/files", for: .scope(.ask), get: list, post: upload)
        routes.add("/v1/files/{id}", for: .scope(.ask), get: one, delete: remove)
        routes.add("/v1/files/{id}/content", for: .scope(.ask), get: content)
    }

    @Sendable private func upload(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireFeedback()
        let (wanted, memory) = try await request.read(["multipart/form-data"], services: services, context: context) {
            body throws(APIError) in
            guard let boundary = FormPart.boundary(contentType: body.contentType) else {
                throw APIError(.invalidValue, "Content-Type has no valid boundary.")
            }
            return try FileUpload(form: FormPart.parse(body.bytes, boundary: boundary))
        }
        defer { memory.giveBack() }
        // A file that no request could use is refused at once, so it is decoded like an image of a request.
        let reference = ImageReference(source: .file(wanted.content), detail: .auto, param: "file")
        let image = try await whileConnected(context.monitor()) { [services] in
            try await services.imageReader.read([reference], for: [], owner: nil) { _ in }[0]
        }
        let owner = context.record.current.keyID
        let quota = services.configuration.uploadQuota
        let upload = try await services.keeping { folder in
            let format = try ImageFormat(of: wanted.content)
            let upload = UploadFolder.Upload(
                id: newID("file-"), content: wanted.content, created: unixTime(), name: wanted.name,
                width: image.width, height: image.height, mediaType: "image/\(format.rawValue)", owner: owner)
            do {
                try folder.uploads.keep(upload, content: wanted.content, quota: quota)
            } catch let refusal as UploadFolder.Refusal {
                throw APIError(refusal)
            }
            return upload
        }
        return Response(upload.json, status: .created)
    }

    @Sendable private func list(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireFeedback()
        let owner = context.record.current.keyID
        let uploads = try await services.keeping { $0.uploads.list(owner: owner) }
        return Response([
            "object": "list", "data": .array(uploads.map(\.json)), "has_more": false,
            "first_id": JSON(uploads.first?.id), "last_id": JSON(uploads.last?.id),
        ])
    }

    @Sendable private func one(_ request: Request, context: ServerContext) async throws -> Response {
        Response(try upload(in: context).json)
    }

    @Sendable private func content(_ request: Request, context: ServerContext) async throws -> Response {
        let upload = try upload(in: context)
        let owner = context.record.current.keyID
        guard let bytes = try await services.keeping({ $0.uploads.content(upload.id, owner: owner) }) else {
            throw APIError.noFile(upload.id)
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: upload.mediaType, .cacheControl: "private, no-store",
                .contentSecurityPolicy: "default-src 'none'",
            ], body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    @Sendable private func remove(_ request: Request, context: ServerContext) async throws -> Response {
        let upload = try upload(in: context)
        let owner = context.record.current.keyID
        guard try await services.keeping({ try $0.uploads.remove(upload.id, owner: owner) }) else {
            throw APIError.noFile(upload.id)
        }
        return Response(["id": .string(upload.id), "object": "file", "deleted": true])
    }

    private func upload(in context: ServerContext) throws -> UploadFolder.Upload {
        try services.requireFeedback()
        let id = try context.parameters.require("id")
        guard let upload = services.feedback?.uploads.upload(id, owner: context.record.current.keyID) else {
            throw APIError.noFile(id)
        }
        return upload
    }
}

extension UploadFolder.Upload {
    fileprivate var json: JSON {
        [
            "id": .string(id), "object": "file", "bytes": JSON(bytes), "created_at": JSON(created),
            "filename": .string(name), "purpose": "vision", "sha256": .string(sha256), "width": JSON(width),
            "height": JSON(height),
        ]
    }
}

extension APIError {
    /// The error for an id that no file of the caller has.
    static func noFile(_ id: String) -> APIError {
        APIError(.notFound, "There is no file \(id.prefix(100)).", param: "id", status: 404)
    }

    /// The error for a file beyond the limits of what is kept.
    fileprivate init(_ refusal: UploadFolder.Refusal) {
        switch refusal {
        case .overQuota(let used, let limit):
            self.init(
                .invalidValue, "Kept files take \(used) of \(limit) bytes, so there is no room: delete some first.",
                param: "file")
        case .tooMany(let limit):
            self.init(.invalidValue, "There are \(limit) files, which is the limit: delete some first.", param: "file")
        }
    }
}
