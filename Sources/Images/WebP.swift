import CWebPDecoder

/// Reads WebP over libwebp: lossy (RFC 6386) and lossless, with and without alpha. Of an animation the first frame is
/// read, on its canvas.
enum WebP {
    static func decode(_ bytes: [UInt8], limits: ImageLimits, watch: DecodeWatch) throws(ImageError) -> DecodedImage {
        let container = try WebPContainer(bytes, limits: limits)
        let (image, frame) = (Array(bytes[container.image]), container.frame)
        return try PixelSink.image(
            of: .rgba, width: container.width, height: container.height, frame: frame,
            orientation: container.orientation, watch: watch
        ) { sink throws(ImageError) in
            var pixels = [UInt8](repeating: 0, count: 4 * frame.width * frame.height)
            let status = sink.status { context in
                apus_webp_decode(
                    image, image.count, Int32(frame.width), Int32(frame.height), &pixels, PixelSink.mayContinue,
                    PixelSink.takeRow, context)
            }
            if status == APUS_WEBP_STOPPED, let failure = sink.failure { throw failure }
            try check(status)
        }
    }

    /// Throws what a status of the C functions means.
    static func check(_ status: Int) throws(ImageError) {
        switch status {
        case APUS_WEBP_DECODED: return
        case APUS_WEBP_TRUNCATED: throw .corrupt(.webp, "the image's data end early")
        case APUS_WEBP_NO_MEMORY: throw .corrupt(.webp, "there is no memory to decode it")
        default: throw .corrupt(.webp, "the image's data are damaged")
        }
    }
}

/// The chunks of a WebP file (WebP Container Specification, a RIFF file): sizes, the first frame, orientation.
struct WebPContainer {
    /// Pixels per row of the canvas, as stored.
    private(set) var width = 0
    /// The number of rows of the canvas, as stored.
    private(set) var height = 0
    /// Where the first frame lies on the canvas.
    private(set) var frame = PixelSink.Frame(left: 0, top: 0, width: 0, height: 0)
    /// The chunks of the first frame's image: `VP8L`, or `VP8 ` with an `ALPH` before it.
    private(set) var image = 0..<0
    private(set) var orientation = Orientation.upright

    private let bytes: [UInt8]
    private var canvas: (width: Int, height: Int)?
    /// The place of the first frame of an animation.
    private var animated: PixelSink.Frame?
    private var alpha: Range<Int>?

    private struct Chunk {
        let name: String
        let start: Int
        let data: Range<Int>
        /// The end with the byte that fills an odd length.
        let end: Int
    }

    static func isAnnounced(by bytes: [UInt8]) -> Bool {
        bytes.count >= 12 && bytes.starts(with: Array("RIFF".utf8)) && bytes[8..<12].elementsEqual("WEBP".utf8)
    }

    /// Reads the chunks of `bytes`, which begin like a WebP, and checks all sizes against `limits`.
    init(_ bytes: [UInt8], limits: ImageLimits) throws(ImageError) {
        self.bytes = bytes
        let end = 8 + integer(at: 4, bytes: 4)
        guard end >= 12, end <= bytes.count else {
            throw .corrupt(.webp, "the file announces \(end) bytes and has \(bytes.count)")
        }
        var offset = 12
        var count = 0
        while offset < end {
            count += 1
            guard count <= limits.maximumChunks else { throw .tooManyChunks(limit: limits.maximumChunks) }
            let chunk = try chunk(at: offset, end: end)
            try take(chunk)
            offset = chunk.end
        }
        try finish(limits: limits)
    }

    private func integer(at offset: Int, bytes count: Int) -> Int {
        bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    private func chunk(at offset: Int, end: Int) throws(ImageError) -> Chunk {
        guard offset + 8 <= end else { throw .corrupt(.webp, "the file ends at byte \(end), in a chunk's header") }
        let length = integer(at: offset + 4, bytes: 4)
        guard length <= end - offset - 8 else {
            throw .corrupt(
                .webp, "the chunk at byte \(offset) has \(length) bytes, \(end - offset - 8) are left")
        }
        let data = offset + 8..<offset + 8 + length
        return Chunk(
            name: String(decoding: bytes[offset..<offset + 4], as: UTF8.self), start: offset, data: data,
            end: min(end, data.upperBound + length % 2))
    }

    private mutating func take(_ chunk: Chunk) throws(ImageError) {
        switch chunk.name {
        case "VP8X" where canvas == nil:
            guard chunk.data.count >= 10 else { throw .corrupt(.webp, "chunk VP8X is too short") }
            let sizes = chunk.data.lowerBound + 4
            canvas = (1 + integer(at: sizes, bytes: 3), 1 + integer(at: sizes + 3, bytes: 3))
        case "ANMF" where image.isEmpty: try takeFrame(chunk.data)
        case "ALPH", "VP8 ", "VP8L": takeImage(chunk)
        // Some writers begin EXIF data as in a JPEG.
        case "EXIF" where orientation == .upright:
            let data = bytes[chunk.data]
            let mark = Array("Exif\0\0".utf8)
            orientation = Orientation(exif: data.starts(with: mark) ? data.dropFirst(mark.count) : data)
        default: break
        }
    }

    /// The first image counts, with the alpha before it.
    private mutating func takeImage(_ chunk: Chunk) {
        guard image.isEmpty else { return }
        if chunk.name == "ALPH" {
            alpha = chunk.start..<chunk.end
        } else {
            let start =
                chunk.name == "VP8 " ? alpha.flatMap { $0.upperBound == chunk.start ? $0.lowerBound : nil } : nil
            image = (start ?? chunk.start)..<chunk.data.upperBound
        }
    }

    private mutating func takeFrame(_ data: Range<Int>) throws(ImageError) {
        guard data.count >= 16 else { throw .corrupt(.webp, "chunk ANMF is too short") }
        let start = data.lowerBound
        animated = PixelSink.Frame(
            left: 2 * integer(at: start, bytes: 3), top: 2 * integer(at: start + 3, bytes: 3),
            width: 1 + integer(at: start + 6, bytes: 3), height: 1 + integer(at: start + 9, bytes: 3))
        var offset = start + 16
        while offset < data.upperBound, image.isEmpty {
            let chunk = try chunk(at: offset, end: data.upperBound)
            takeImage(chunk)
            offset = chunk.end
        }
    }

    /// The sizes must agree, so that nobody decodes more than was checked.
    private mutating func finish(limits: ImageLimits) throws(ImageError) {
        guard !image.isEmpty else { throw .corrupt(.webp, "there is no image in it") }
        if let canvas { try limits.check(width: canvas.width, height: canvas.height) }
        var (wide, high): (Int32, Int32) = (0, 0)
        let data = Array(bytes[image])
        try WebP.check(Int(apus_webp_header(data, data.count, &wide, &high)))
        try limits.check(width: Int(wide), height: Int(high))
        frame = animated ?? PixelSink.Frame(left: 0, top: 0, width: Int(wide), height: Int(high))
        (width, height) = canvas ?? (Int(wide), Int(high))
        let fits =
            animated == nil
            ? (width, height) == (Int(wide), Int(high))
            : frame.left + frame.width <= width && frame.top + frame.height <= height
        guard frame.width == Int(wide), frame.height == Int(high), fits else {
            throw .corrupt(.webp, "the image of \(wide)x\(high) pixels does not fit its header")
        }
    }

    /// The header for callers. libwebp keeps the decoded pixels, and for a lossless image as many once more.
    var summary: ImageHeader {
        ImageHeader(
            .webp, width: width, height: height, orientation: orientation,
            decodingBytes: 3 * width * height + 8 * frame.width * frame.height)
    }
}
