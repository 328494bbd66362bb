import CPNG
import CPNGDecoder

/// Reads and writes PNG (PNG specification, third edition) over libpng.
///
/// Samples below 8 bits are scaled so that the largest becomes 255. 16-bit samples are rounded to the nearest of v /
/// 257. Alpha is then composited over white, rounded to nearest. For an animated PNG, the result is its default image.
enum PNG {
    /// Reads the IHDR chunk, and the orientation if there is one.
    static func header(of bytes: [UInt8], limits: ImageLimits) throws(ImageError) -> ImageHeader {
        let first = try Chunk(in: bytes, at: PNGChunks.signature.count)
        let header = try PNGChunks.header(of: first, limits: limits)
        return header.summary(orientation: PNGChunks.orientation(in: bytes, limits: limits))
    }

    /// Decodes an image. Before memory for pixels is allocated, the whole file is checked: its limits, its chunks with
    /// their CRCs and order, and whether the pixel data inflates to exactly the size that the header implies.
    static func decode(
        _ bytes: [UInt8], limits: ImageLimits, watch: DecodeWatch
    ) throws(ImageError) -> DecodedImage {
        let chunks = try PNGChunks(bytes, limits: limits, watch: watch)
        return try PixelSink.image(
            of: chunks.samples, width: chunks.header.width, height: chunks.header.height,
            orientation: PNGChunks.orientation(in: bytes, limits: limits), watch: watch
        ) { sink throws(ImageError) in
            try decode(chunks, into: &sink)
        }
    }

    /// Encodes an image as 8-bit RGB.
    static func encode(_ image: RGBImage) -> [UInt8] {
        var description = png_image()
        description.version = UInt32(PNG_IMAGE_VERSION)
        description.width = UInt32(image.width)
        description.height = UInt32(image.height)
        description.format = UInt32(PNG_FORMAT_RGB)
        // This exceeds zlib's worst case for incompressible rows, including the chunk frames.
        let raw = image.height * (1 + 3 * image.width)
        let room = raw + raw / 8 + raw / 64 + 1_024
        return [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            count = room
            let written = png_image_write_to_memory(
                &description, buffer.baseAddress, &count, 0, image.pixels, 0, nil)
            precondition(written != 0, "libpng cannot write \(image.width)x\(image.height) into \(room) bytes")
        }
    }

    private static func decode(_ chunks: PNGChunks, into sink: inout PixelSink) throws(ImageError) {
        var message = [CChar](repeating: 0, count: 160)
        let rows = chunks.header.isInterlaced ? chunks.header.height : 1
        var samples = [UInt8](repeating: 0, count: rows * chunks.header.width * chunks.channels)
        let status = sink.status { context in
            apus_png_decode(
                chunks.essentials, chunks.essentials.count, &samples, samples.count, PixelSink.mayContinue,
                PixelSink.takeRow, context, &message, message.count)
        }
        switch status {
        case APUS_PNG_DECODED: return
        case APUS_PNG_STOPPED where sink.failure != nil: throw sink.failure ?? .cancelled
        default: throw .corrupt(.png, String(libraryMessage: message))
        }
    }
}

extension PNGHeader {
    /// The header for callers.
    func summary(orientation: Orientation) -> ImageHeader {
        let channels = colourType == .grey || colourType == .greyAlpha ? 1 : 3
        // An interlaced image is completely in memory before its first row is read; tRNS may add an alpha channel to
        // it.
        let held = isInterlaced ? colourType.samples + 1 : 0
        return ImageHeader(
            .png, width: width, height: height, orientation: orientation,
            decodingBytes: width * height * (channels + held))
    }
}

extension PNGChunks {
    /// Samples per pixel in the output of `apus_png_decode`: a tRNS colour adds alpha to grey and RGB.
    fileprivate var channels: Int {
        header.colourType.samples + (addsAlpha ? 1 : 0)
    }

    private var addsAlpha: Bool { header.colourType != .palette && !transparency.isEmpty }

    fileprivate var samples: PixelSink.Samples {
        switch header.colourType {
        case .grey: addsAlpha ? .greyAlpha : .grey
        case .greyAlpha: .greyAlpha
        case .rgb: addsAlpha ? .rgba : .rgb
        case .rgba: .rgba
        case .palette: .palette(paletteOverWhite)
        }
    }

    /// The palette's colours, composited over white by their alpha.
    private var paletteOverWhite: [UInt8] {
        let alphas = Array(transparency)
        return palette.enumerated().map { place, value in
            PixelSink.overWhite(value, alpha: place / 3 < alphas.count ? alphas[place / 3] : 255)
        }
    }
}
