/// Puts JPEG files together from marker segments, right or wrong ones, without libjpeg.
enum JPEGBuilder {
    static func segment(_ marker: UInt8, _ data: [UInt8]) -> [UInt8] {
        [0xFF, marker, UInt8((data.count + 2) >> 8), UInt8((data.count + 2) & 255)] + data
    }

    static func frame(
        _ width: Int, _ height: Int, marker: UInt8 = 0xC0, precision: UInt8 = 8, components: UInt8 = 1
    ) -> [UInt8] {
        let size = [height, width].flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        return segment(marker, [precision] + size + [components] + (1...components).flatMap { [$0, 0x11, 0] })
    }

    /// A quantisation table of ones, and Huffman tables whose only code, one zero bit, means "nothing".
    static let tables: [UInt8] =
        segment(0xDB, [0] + [UInt8](repeating: 1, count: 64))
        + [0x00, 0x10].flatMap { segment(0xC4, [$0, 1] + [UInt8](repeating: 0, count: 15) + [0]) }

    /// A scan of one block of nothing: spectral selection and successive approximation as they are given.
    static func scan(_ first: UInt8, _ last: UInt8, _ approximation: UInt8) -> [UInt8] {
        // One code, or two where the scan has both kinds of coefficients, and ones to fill the byte.
        segment(0xDA, [1, 1, 0, first, last, approximation]) + [first == 0 && last > 0 ? 0x3F : 0x7F]
    }

    /// A whole file.
    static func file(_ segments: [UInt8]...) -> [UInt8] {
        [0xFF, 0xD8] + segments.flatMap { $0 } + [0xFF, 0xD9]
    }

    /// A progressive grey image of 8x8 pixels with 1 + 63 `rounds` scans, all of them legal.
    static func progressive(rounds: UInt8) -> [UInt8] {
        var scans: [UInt8] = []
        for place: UInt8 in 1...63 {
            for low in (0..<rounds).reversed() {
                let approximation = low == rounds - 1 ? low : (low + 1) << 4 | low
                scans += scan(place, place, approximation)
            }
        }
        return file(frame(8, 8, marker: 0xC2), tables, scan(0, 0, 0), scans)
    }

    /// An EXIF segment with the entries of one directory.
    static func exif(_ entries: [[UInt8]], count: Int? = nil) -> [UInt8] {
        let head = Array("Exif\0\0MM\0*".utf8) + [0, 0, 0, 8, 0, UInt8(count ?? entries.count)]
        return segment(0xE1, head + entries.flatMap { $0 } + [0, 0, 0, 0])
    }

    /// The entry of a directory that tells the orientation.
    static func orientation(_ value: UInt8, tag: UInt8 = 0x12, type: UInt8 = 3, count: UInt8 = 1) -> [UInt8] {
        [0x01, tag, 0, type, 0, 0, 0, count, 0, value, 0, 0]
    }
}
