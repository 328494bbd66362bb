import CJPEGDecoder

/// Reads JPEG over libjpeg: baseline and progressive, grey, YCbCr, RGB, CMYK and YCCK.
enum JPEG {
    static func decode(
        _ bytes: [UInt8], limits: ImageLimits, watch: DecodeWatch
    ) throws(ImageError) -> DecodedImage {
        let header = try JPEGHeader(bytes, limits: limits)
        let samples: PixelSink.Samples =
            switch header.components.count {
            case 1: .grey
            case 3: .rgb
            default: .invertedCMYK
            }
        return try PixelSink.image(
            of: samples, width: header.width, height: header.height, orientation: header.orientation, watch: watch
        ) { sink throws(ImageError) in
            try decode(bytes, header, maximumScans: limits.maximumScans, into: &sink)
        }
    }

    private static func decode(
        _ bytes: [UInt8], _ header: JPEGHeader, maximumScans: Int, into sink: inout PixelSink
    ) throws(ImageError) {
        var message = [CChar](repeating: 0, count: 200)
        let status = sink.status { context in
            apus_jpeg_decode(
                bytes, bytes.count, header.width, header.height, Int32(header.components.count), Int32(maximumScans),
                PixelSink.mayContinue, PixelSink.takeRow, context, &message, message.count)
        }
        switch status {
        case APUS_JPEG_DECODED: return
        case APUS_JPEG_TOO_MANY_SCANS: throw .tooManyScans(limit: maximumScans)
        case APUS_JPEG_STOPPED where sink.failure != nil: throw sink.failure ?? .cancelled
        default: throw .corrupt(.jpeg, String(libraryMessage: message))
        }
    }
}

extension RGBImage {
    /// What a JPEG of `quality` 1 to 100 leaves of the image: encoded and decoded again over libjpeg, with the colour
    /// at half the width and height if `halvesColour`. For training; nil above 65,500 pixels a side.
    package func compressedAsJPEG(quality: Int, halvesColour: Bool) -> RGBImage? {
        precondition((1...100).contains(quality), "a quality of \(quality)")
        var count = 0
        guard let bytes = apus_jpeg_encode(pixels, width, height, Int32(quality), halvesColour ? 1 : 0, &count) else {
            return nil
        }
        let file = Array(UnsafeBufferPointer(start: bytes, count: count))
        apus_jpeg_free(bytes)
        return try? ImageFile.decode(file).rgb
    }
}

/// The marker segments of a JPEG before its first scan (ITU-T T.81, annex B): size, components, orientation.
struct JPEGHeader {
    /// A component's sampling factors in each direction, relative to the image's maximum.
    struct Sampling {
        let across: Int
        let down: Int
    }

    /// Pixels per row, as stored.
    private(set) var width = 0
    /// The number of rows, as stored.
    private(set) var height = 0
    /// 1, 3 or 4.
    private(set) var components: [Sampling] = []
    private(set) var orientation = Orientation.upright
    /// Whether the decoder must keep the whole image's coefficients before its first row.
    private(set) var hasSeveralScans = false

    private let bytes: [UInt8]
    private var offset = 2
    private var hasEXIF = false

    /// Reads the header of `bytes`, which begin like a JPEG, and checks the size against `limits`.
    init(_ bytes: [UInt8], limits: ImageLimits) throws(ImageError) {
        self.bytes = bytes
        for _ in 0..<limits.maximumChunks {
            let marker = try nextMarker()
            if marker == 0xDA {
                try takeScan()
                return
            }
            try take(marker, limits: limits)
        }
        throw .tooManyChunks(limit: limits.maximumChunks)
    }

    /// Any number of fill bytes of 0xFF may precede a marker.
    private mutating func nextMarker() throws(ImageError) -> UInt8 {
        let start = offset
        while offset < bytes.count, bytes[offset] == 0xFF { offset += 1 }
        guard offset < bytes.count else {
            throw .corrupt(.jpeg, "the file ends at byte \(bytes.count), before an image")
        }
        guard offset > start else { throw .corrupt(.jpeg, "expected a marker at byte \(start)") }
        offset += 1
        return bytes[offset - 1]
    }

    private mutating func take(_ marker: UInt8, limits: ImageLimits) throws(ImageError) {
        switch marker {
        case 0x01, 0xD0...0xD7: return  // have no segment
        case 0x00, 0xD8, 0xD9: throw .corrupt(.jpeg, "marker \(marker) at byte \(offset - 1) is out of place")
        case 0xC0...0xC2:
            try takeFrame(Array(try segment()), limits: limits)
            hasSeveralScans = marker == 0xC2
        case 0xC3, 0xC5...0xC7, 0xCD...0xCF: throw .unsupported("lossless or hierarchical JPEG")
        case 0xC9...0xCB: throw .unsupported("arithmetic-coded JPEG")
        case 0xE1: takeApplication(try segment())
        default: _ = try segment()
        }
    }

    /// The data of the segment that begins here.
    private mutating func segment() throws(ImageError) -> ArraySlice<UInt8> {
        guard offset + 2 <= bytes.count else {
            throw .corrupt(.jpeg, "the file ends at byte \(bytes.count), in a segment")
        }
        let length = Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
        guard length >= 2, length <= bytes.count - offset else {
            throw .corrupt(.jpeg, "the segment at byte \(offset) has \(length) bytes, \(bytes.count - offset) are left")
        }
        defer { offset += length }
        return bytes[offset + 2..<offset + length]
    }

    private mutating func takeFrame(_ data: [UInt8], limits: ImageLimits) throws(ImageError) {
        guard components.isEmpty else { throw .corrupt(.jpeg, "there are two frames") }
        guard data.count >= 6, data.count == 6 + 3 * Int(data[5]) else {
            throw .corrupt(.jpeg, "the frame header has \(data.count) bytes")
        }
        guard data[0] == 8 else { throw .unsupported("\(data[0])-bit JPEG") }
        guard [1, 3, 4].contains(data[5]) else { throw .unsupported("JPEG of \(data[5]) components") }
        height = Int(data[1]) << 8 | Int(data[2])
        width = Int(data[3]) << 8 | Int(data[4])
        guard width > 0, height > 0 else {
            throw .corrupt(.jpeg, "the frame header names a size of \(width)x\(height)")
        }
        try limits.check(width: width, height: height)
        components = stride(from: 7, to: data.count, by: 3).map {
            Sampling(across: Int(data[$0] >> 4), down: Int(data[$0] & 15))
        }
        guard components.allSatisfy({ (1...4).contains($0.across) && (1...4).contains($0.down) }) else {
            throw .corrupt(.jpeg, "the frame header names impossible sampling factors")
        }
    }

    /// Only the first EXIF segment counts.
    private mutating func takeApplication(_ data: ArraySlice<UInt8>) {
        guard !hasEXIF, data.starts(with: Array("Exif\0\0".utf8)) else { return }
        hasEXIF = true
        orientation = Orientation(exif: data.dropFirst(6))
    }

    private mutating func takeScan() throws(ImageError) {
        guard !components.isEmpty else { throw .corrupt(.jpeg, "a scan comes before the frame header") }
        guard let count = try segment().first else { throw .corrupt(.jpeg, "the scan header is empty") }
        if count < components.count { hasSeveralScans = true }
    }

    /// The header for callers.
    var summary: ImageHeader {
        let channels = components.count == 1 ? 1 : 3
        return ImageHeader(
            .jpeg, width: width, height: height, orientation: orientation,
            decodingBytes: width * height * channels + (hasSeveralScans ? coefficientBytes : 0))
    }

    /// The bytes of all coefficients: 16 bits each, in blocks of 8 by 8.
    private var coefficientBytes: Int {
        let across = components.map(\.across).max() ?? 1
        let down = components.map(\.down).max() ?? 1
        return components.reduce(0) { sum, component in
            let columns = (width * component.across + 8 * across - 1) / (8 * across) + component.across
            let rows = (height * component.down + 8 * down - 1) / (8 * down) + component.down
            return sum + columns * rows * 128
        }
    }
}
