import CPNG
import CPNGDecoder

/// Reads and writes PNG (PNG specification, third edition) over libpng.
///
/// Every colour type and bit depth gives 8-bit RGB. Samples below 8 bits are scaled so that the largest is 255,
/// 16-bit samples are rounded to the nearest of v / 257, and alpha is then composited over white, rounded to nearest.
/// Gamma and colour profiles are ignored. An animated PNG gives its default image.
public enum PNG {
    /// Reads the size and kind of a picture from its first 33 bytes.
    ///
    /// Throws what `decode` throws for a file that is no PNG, too large by its header, or damaged so far.
    public static func header(of bytes: [UInt8], limits: ImageLimits = .standard) throws(PNGError) -> PNGHeader {
        try PNGChunks.checkSize(bytes, limits: limits)
        return try PNGChunks.header(of: Chunk(in: bytes, at: PNGChunks.signature.count), limits: limits)
    }

    /// Decodes a picture. The file is wholly checked before memory for pixels is taken: its limits, its chunks with
    /// their CRCs and order, and that the pixel data inflates to exactly what the header implies.
    public static func decode(_ bytes: [UInt8], limits: ImageLimits = .standard) throws(PNGError) -> RGBImage {
        let chunks = try PNGChunks(bytes, limits: limits)
        let samples = try samples(of: chunks)
        let pixels =
            switch chunks.header.colourType {
            case .palette: try PixelConversion.rgb(indexes: samples, chunks: chunks)
            case .grey, .greyAlpha, .rgb, .rgba:
                PixelConversion.rgb(samples: samples, channels: chunks.channels)
            }
        return RGBImage(width: chunks.header.width, height: chunks.header.height, pixels: pixels)
    }

    /// Encodes a picture as 8-bit RGB.
    public static func encode(_ image: RGBImage) -> [UInt8] {
        var description = png_image()
        description.version = UInt32(PNG_IMAGE_VERSION)
        description.width = UInt32(image.width)
        description.height = UInt32(image.height)
        description.format = UInt32(PNG_FORMAT_RGB)
        // More than zlib's worst case for incompressible rows, with the chunk frames around them.
        let raw = image.height * (1 + 3 * image.width)
        let room = raw + raw / 8 + raw / 64 + 1_024
        return [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            count = room
            let written = png_image_write_to_memory(
                &description, buffer.baseAddress, &count, 0, image.pixels, 0, nil)
            precondition(written != 0, "libpng cannot write \(image.width)x\(image.height) into \(room) bytes")
        }
    }

    private static func samples(of chunks: PNGChunks) throws(PNGError) -> [UInt8] {
        let count = chunks.header.width * chunks.header.height * chunks.channels
        var message = [CChar](repeating: 0, count: 160)
        var status: Int32 = 0
        let samples = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            buffer.initialize(repeating: 0)
            status = apus_png_decode(
                chunks.essentials, chunks.essentials.count, buffer.baseAddress, count, &message, message.count)
            initialized = count
        }
        guard status == 0 else {
            let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw .corrupt(String(decoding: text, as: UTF8.self))
        }
        return samples
    }
}

extension PNGChunks {
    /// Samples a pixel as `apus_png_decode` gives them: a tRNS colour adds alpha to grey and RGB.
    fileprivate var channels: Int {
        let adds = header.colourType != .palette && !transparency.isEmpty
        return header.colourType.samples + (adds ? 1 : 0)
    }
}
