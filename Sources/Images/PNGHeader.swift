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
