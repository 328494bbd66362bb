import CGIFDecoder

/// Reads the first image of a GIF (GIF89a specification, 1990) over giflib, on the file's screen.
///
/// Transparent pixels, and the screen around the image, are white. The screen grows to an image that exceeds it, as
/// browsers and Pillow do it. The background colour is ignored, as by browsers.
enum GIF {
    static func header(of bytes: [UInt8], limits: ImageLimits) throws(ImageError) -> ImageHeader {
        let (header, size) = try read(bytes, limits: limits)
        return ImageHeader(
            .gif, width: size.width, height: size.height, orientation: .upright,
            decodingBytes: 3 * size.width * size.height + Int(header.width) * Int(header.height))
    }

    static func decode(_ bytes: [UInt8], limits: ImageLimits, watch: DecodeWatch) throws(ImageError) -> DecodedImage {
        let (header, size) = try read(bytes, limits: limits)
        let frame = PixelSink.Frame(
            left: Int(header.left), top: Int(header.top), width: Int(header.width), height: Int(header.height))
        return try PixelSink.image(
            of: .rgba, width: size.width, height: size.height, frame: frame, orientation: .upright, watch: watch
        ) { sink throws(ImageError) in
            var indexes = [UInt8](repeating: 0, count: frame.width * frame.height)
            var row = [UInt8](repeating: 0, count: 4 * frame.width)
            var message = [CChar](repeating: 0, count: 160)
            var header = header
            let status = sink.status { context in
                apus_gif_decode(
                    bytes, bytes.count, Int32(limits.maximumChunks), &header, &indexes, &row, PixelSink.mayContinue,
                    PixelSink.takeRow, context, &message, message.count)
            }
            if status == APUS_GIF_STOPPED, let failure = sink.failure { throw failure }
            try check(status, message, limits: limits)
        }
    }

    /// The first image's place, and the size of the screen with it.
    private static func read(
        _ bytes: [UInt8], limits: ImageLimits
    ) throws(ImageError) -> (header: apus_gif_header, size: (width: Int, height: Int)) {
        var header = apus_gif_header()
        var message = [CChar](repeating: 0, count: 160)
        let status = apus_gif_read_header(
            bytes, bytes.count, Int32(limits.maximumChunks), &header, &message, message.count)
        try check(Int(status), message, limits: limits)
        guard header.width > 0, header.height > 0 else {
            throw .corrupt(.gif, "the first image has a size of \(header.width)x\(header.height)")
        }
        let width = max(Int(header.screen_width), Int(header.left) + Int(header.width))
        let height = max(Int(header.screen_height), Int(header.top) + Int(header.height))
        try limits.check(width: width, height: height)
        return (header, (width, height))
    }

    private static func check(_ status: Int, _ message: [CChar], limits: ImageLimits) throws(ImageError) {
        switch status {
        case APUS_GIF_DECODED: return
        case APUS_GIF_TOO_MANY_BLOCKS: throw .tooManyChunks(limit: limits.maximumChunks)
        default: throw .corrupt(.gif, String(libraryMessage: message))
        }
    }
}
