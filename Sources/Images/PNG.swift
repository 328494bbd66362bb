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

/// The fields of a PNG's IHDR chunk (PNG specification, third edition, section 11.2.1), checked against each other.
struct PNGHeader {
    /// How samples become colours.
    enum ColourType: UInt8, Sendable {
        /// One grey sample.
        case grey = 0
        /// Red, green, blue.
        case rgb = 2
        /// An index into the palette.
        case palette = 3
        /// Grey and alpha.
        case greyAlpha = 4
        /// Red, green, blue and alpha.
        case rgba = 6

        var samples: Int {
            switch self {
            case .grey, .palette: 1
            case .greyAlpha: 2
            case .rgb: 3
            case .rgba: 4
            }
        }

        var depths: [UInt8] {
            switch self {
            case .grey: [1, 2, 4, 8, 16]
            case .palette: [1, 2, 4, 8]
            case .rgb, .greyAlpha, .rgba: [8, 16]
            }
        }
    }

    /// Pixels per row.
    let width: Int
    /// The number of rows.
    let height: Int
    /// Bits per sample: 1, 2, 4, 8 or 16.
    let bitDepth: Int
    /// How samples become colours.
    let colourType: ColourType
    /// Whether the rows are stored in Adam7's seven passes.
    let isInterlaced: Bool

    static let byteCount = 13

    /// Reads the 13 bytes of an IHDR chunk and checks the size against `limits`.
    init(_ data: ArraySlice<UInt8>, limits: ImageLimits) throws(ImageError) {
        guard data.count == Self.byteCount else { throw .corrupt(.png, "IHDR has \(data.count) bytes, not 13") }
        let bytes = Array(data)
        width = Int(bigEndian32(data, at: data.startIndex))
        height = Int(bigEndian32(data, at: data.startIndex + 4))
        guard let type = ColourType(rawValue: bytes[9]) else {
            throw .corrupt(.png, "IHDR names colour type \(bytes[9])")
        }
        guard type.depths.contains(bytes[8]) else {
            throw .corrupt(.png, "IHDR names bit depth \(bytes[8]) for colour type \(bytes[9])")
        }
        guard bytes[10] == 0, bytes[11] == 0 else {
            throw .corrupt(.png, "IHDR names compression method \(bytes[10]), filter method \(bytes[11])")
        }
        guard bytes[12] <= 1 else { throw .corrupt(.png, "IHDR names interlace method \(bytes[12])") }
        colourType = type
        bitDepth = Int(bytes[8])
        isInterlaced = bytes[12] == 1
        try check(limits)
    }

    private func check(_ limits: ImageLimits) throws(ImageError) {
        guard width > 0, height > 0, width < 1 << 31, height < 1 << 31 else {
            throw .corrupt(.png, "IHDR names a size of \(width)x\(height)")
        }
        try limits.check(width: width, height: height)
    }

    /// The bytes that the IDAT chunks must inflate to: each row of each pass, with its filter byte.
    var inflatedByteCount: Int {
        func bytes(_ columns: Int, _ rows: Int) -> Int {
            columns == 0 ? 0 : rows * (1 + (columns * colourType.samples * bitDepth + 7) / 8)
        }
        guard isInterlaced else { return bytes(width, height) }
        return Self.adam7.reduce(0) { sum, pass in
            sum
                + bytes(
                    (width - pass.x + pass.dx - 1) / pass.dx,
                    (height - pass.y + pass.dy - 1) / pass.dy)
        }
    }

    /// The first column and row of each pass, and the steps between columns and rows (section 8.2).
    private static let adam7: [(x: Int, y: Int, dx: Int, dy: Int)] = [
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
    ]
}

/// The big-endian number in the four bytes at `offset`, which must exist.
func bigEndian32(_ bytes: ArraySlice<UInt8>, at offset: Int) -> UInt32 {
    bytes[offset..<(offset + 4)].reduce(0) { $0 << 8 | UInt32($1) }
}
