/// How a stored image must be turned: the values of EXIF's tag 0x0112 (CIPA DC-008, section 4.6.5).
public enum Orientation: Int, Sendable, CaseIterable {
    /// Not at all.
    case upright = 1
    /// Left and right are exchanged.
    case mirrored
    /// Half a turn.
    case halfTurn
    /// Top and bottom are exchanged.
    case flipped
    /// Rows become columns.
    case transposed
    /// A quarter turn clockwise.
    case clockwise
    /// Rows become columns, both in reverse order.
    case transverse
    /// A quarter turn counterclockwise.
    case counterclockwise

    /// Whether width and height are exchanged.
    public var swapsSides: Bool { rawValue > 4 }

    /// The positions of stored row `y` (of `height` rows of `width` pixels) in the upright image: the index of its
    /// first pixel, and the step from one pixel to the next.
    func path(of y: Int, width: Int, height: Int) -> (start: Int, step: Int) {
        let last = (column: width - 1, row: height - 1)
        return switch self {
        case .upright: (y * width, 1)
        case .mirrored: (y * width + last.column, -1)
        case .halfTurn: ((last.row - y) * width + last.column, -1)
        case .flipped: ((last.row - y) * width, 1)
        case .transposed: (y, height)
        case .clockwise: (last.row - y, height)
        case .transverse: (last.column * height + last.row - y, -height)
        case .counterclockwise: (last.column * height + y, -height)
        }
    }

    /// The orientation in EXIF data, which is a TIFF file (TIFF 6.0, section 2): the first directory's entry 0x0112.
    ///
    /// Damaged data, or data without the entry, leaves the image as stored; this is the usual behaviour of decoders.
    init(exif: ArraySlice<UInt8>) {
        self = Self.read(exif) ?? .upright
    }

    private static func read(_ exif: ArraySlice<UInt8>) -> Orientation? {
        let reader = TIFFReader(exif)
        guard let reader, let directory = reader.integer(at: 4, bytes: 4), directory >= 8,
            let count = reader.integer(at: directory, bytes: 2)
        else { return nil }
        for entry in 0..<count {
            let at = directory + 2 + 12 * entry
            guard let tag = reader.integer(at: at, bytes: 2) else { return nil }
            guard tag == 0x0112 else { continue }
            // A single value of type 3 (16 bits) is stored in the entry itself.
            guard reader.integer(at: at + 2, bytes: 2) == 3, reader.integer(at: at + 4, bytes: 4) == 1 else {
                return nil
            }
            return reader.integer(at: at + 8, bytes: 2).flatMap(Orientation.init(rawValue:))
        }
        return nil
    }
}

/// Integers of a TIFF file, in the byte order that it announces.
private struct TIFFReader {
    private let bytes: ArraySlice<UInt8>
    private let isBigEndian: Bool

    /// Nil if the bytes do not begin like a TIFF file.
    init?(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        isBigEndian = bytes.first == UInt8(ascii: "M")
        let mark = isBigEndian ? Array("MM\0*".utf8) : Array("II*\0".utf8)
        guard bytes.starts(with: mark) else { return nil }
    }

    /// The unsigned integer of `count` bytes (1 to 4) at `offset`; nil if the data ends before.
    func integer(at offset: Int, bytes count: Int) -> Int? {
        guard offset >= 0, offset <= bytes.count - count else { return nil }
        let start = bytes.startIndex + offset
        let field = bytes[start..<start + count]
        return isBigEndian ? field.reduce(0) { $0 << 8 | Int($1) } : field.reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}
