import Engine
import Feedback
import Images
import Models
import Policies
import WireFormats

/// Turns the images of requests into encoder inputs, within one memory budget for all requests.
///
/// A request's images are decoded one after the other. Each image is resized, and its text is read by the policies that
/// read, before the next one is decoded. So a request holds only one decoded image at a time, and other requests can
/// decode between its images. Decoding has threads of its own, so text never waits behind images.
struct ImageReader: Sendable {
    let limits: ImageLimits
    let metrics: ServerMetrics
    /// Bytes of decoded pixels.
    let memory: ByteBudget
    /// The files that callers name by id; nil if none are kept.
    let uploads: UploadFolder?
    private let workers = Workers()

    /// Maximum number of requests that wait for memory, each with its encoded images.
    private static let maximumWaiting = 64

    init(configuration: ServerConfiguration, metrics: ServerMetrics, uploads: UploadFolder?) {
        self.uploads = uploads
        limits = configuration.imageLimits
        memory = ByteBudget(configuration.imageMemory, maximumWaiting: Self.maximumWaiting)
        self.metrics = metrics
    }

    /// The size of an image as its header has it.
    struct Size: Sendable {
        /// The image's field in the request.
        let param: String
        let width: Int
        let height: Int
        let detail: ImageProcessor.Detail
    }

    /// The images in order, as `visions` see them. All headers are read first, so that an image over a limit costs
    /// nothing.
    ///
    /// - Parameters:
    ///   - owner: the id of the caller's key, whose files the request may name.
    ///   - check: throws for sizes that the request cannot have.
    /// - Throws: `APIError`, or `CancellationError` once the task is cancelled.
    func read(
        _ references: [ImageReference], for visions: [Policy.Vision], owner: String?,
        check: ([Size]) throws -> Void
    ) async throws -> [InputProcessor.Image] {
        guard !references.isEmpty else { return [] }
        let files = try await workers.run { _ in try references.map { try file($0, owner: owner) } }
        try check(
            files.map {
                Size(
                    param: $0.reference.param, width: $0.header.width, height: $0.header.height,
                    detail: $0.reference.detail.tileDetail)
            })
        var images: [InputProcessor.Image] = []
        for file in files {
            images.append(try await read(file, for: visions))
        }
        metrics.observe(.imageDecode, [], images.reduce(.zero) { $0 + $1.preparation }.seconds)
        return images
    }

    /// An image of a request after its header was read.
    private struct File: Sendable {
        let reference: ImageReference
        let owner: String?
        /// Nil for a file that is kept on disk: it is read again when it is decoded.
        let bytes: [UInt8]?
        let header: ImageHeader
    }

    private func bytes(of reference: ImageReference, owner: String?) throws(APIError) -> [UInt8] {
        try reference.bytes(limit: limits.maximumBytes) { uploads?.content($0, owner: owner) }
    }

    private func file(_ reference: ImageReference, owner: String?) throws -> File {
        let bytes = try bytes(of: reference, owner: owner)
        do throws(ImageError) {
            let header = try ImageFile.header(of: bytes, limits: limits)
            metrics.observe(.imagePixels, [], Double(header.width * header.height))
            let isKept = if case .upload = reference.source { true } else { false }
            return File(reference: reference, owner: owner, bytes: isKept ? nil : bytes, header: header)
        } catch {
            throw APIError(error, of: reference)
        }
    }

    private func read(_ file: File, for visions: [Policy.Vision]) async throws -> InputProcessor.Image {
        let share = try await memory(for: file)
        defer { share.giveBack() }
        return try await workers.run { [limits] isCancelled in
            let started = ContinuousClock.now
            let bytes = try file.bytes ?? bytes(of: file.reference, owner: file.owner)
            do {
                let decoded = try ImageFile.decode(bytes, limits: limits, isCancelled: isCancelled)
                var image = try InputProcessor.Image(
                    image: decoded, detail: file.reference.detail.tileDetail, header: file.header
                ).prepared(for: visions, isCancelled: isCancelled)
                image.preparation = ContinuousClock.now - started
                return image
            } catch let error as ImageError {
                guard error != .cancelled else { throw CancellationError() }
                throw APIError(error, of: file.reference)
            }
        }
    }

    private func memory(for file: File) async throws -> ByteShare {
        do {
            return try await memory.take(file.header.decodingBytes)
        } catch ByteBudget.Refusal.neverFits(let limit) {
            throw APIError(
                .imageTooLarge,
                "\(file.reference.param): decoding takes \(file.header.decodingBytes) bytes, more than \(limit).",
                param: file.reference.param)
        } catch ByteBudget.Refusal.full(let limit) {
            throw APIError(
                .queueFull, "\(limit) requests wait for memory to decode images, which is the limit.", status: 429,
                kind: .rateLimit)
        }
    }
}

extension ImageReference.Detail {
    fileprivate var tileDetail: ImageProcessor.Detail {
        switch self {
        case .low: .low
        case .high: .high
        case .auto: .auto
        }
    }
}
