/// The supported formats.
public enum ImageFormat: String, Sendable, CaseIterable {
    /// Portable Network Graphics.
    case png
    /// JPEG, in a JFIF or EXIF file.
    case jpeg

    /// The name in messages.
    public var name: String { rawValue.uppercased() }

    /// The file name extension, without the dot.
    public var fileExtension: String {
        switch self {
        case .png: "png"
        case .jpeg: "jpg"
        }
    }

    /// The format that a file's first bytes announce. The declared media type does not matter.
    public init(of bytes: [UInt8]) throws(ImageError) {
        if bytes.starts(with: PNGChunks.signature) {
            self = .png
        } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else {
            throw .unsupported(ForeignFormat.name(of: bytes))
        }
    }
}

/// Formats that are recognized but not supported.
private enum ForeignFormat {
    private static let signatures: [(start: [UInt8], name: String)] = [
        (Array("GIF8".utf8), "GIF"), (Array("BM".utf8), "BMP"), (Array("%PDF-".utf8), "PDF"),
        ([0x49, 0x49, 0x2A, 0], "TIFF"), ([0x4D, 0x4D, 0, 0x2A], "TIFF"), ([0, 0, 1, 0], "ICO"),
        (Array("8BPS".utf8), "Photoshop"), ([0xFF, 0x0A], "JPEG XL"),
        ([0, 0, 0, 0x0C] + Array("JXL ".utf8), "JPEG XL"), ([0, 0, 0, 0x0C] + Array("jP  ".utf8), "JPEG 2000"),
    ]

    /// Brands of ISO base media files (ISO/IEC 14496-12) that contain images.
    private static let brands = [
        "heic": "HEIC", "heix": "HEIC", "heim": "HEIC", "heis": "HEIC", "hevc": "HEIC", "mif1": "HEIC", "msf1": "HEIC",
        "avif": "AVIF", "avis": "AVIF",
    ]

    /// The format's name, if its signature is known.
    static func name(of bytes: [UInt8]) -> String? {
        if let known = signatures.first(where: { bytes.starts(with: $0.start) }) { return known.name }
        if text(bytes, 0..<4) == "RIFF", text(bytes, 8..<12) == "WEBP" { return "WebP" }
        if text(bytes, 4..<8) == "ftyp" { return brand(bytes) }
        let beginning = String(decoding: bytes.prefix(1_024), as: UTF8.self)
        let isMarkup = beginning.drop { $0.isWhitespace || $0 == "\u{FEFF}" }.first == "<"
        return isMarkup && beginning.contains("<svg") ? "SVG" : nil
    }

    /// The name by the first known brand: the major brand, then the compatible ones.
    private static func brand(_ bytes: [UInt8]) -> String? {
        let starts = [8] + stride(from: 16, to: min(bytes.count, 64) - 3, by: 4)
        let found = starts.compactMap { brands[text(bytes, $0..<$0 + 4)] }
        return found.contains("AVIF") ? "AVIF" : found.first
    }

    private static func text(_ bytes: [UInt8], _ range: Range<Int>) -> String {
        String(decoding: bytes[range.clamped(to: 0..<bytes.count)], as: UTF8.self)
    }
}
