import CPNG

/// One chunk of a PNG: length, type, data and CRC (section 5.3). The CRC has been checked.
struct Chunk {
    let type: String
    let data: ArraySlice<UInt8>
    /// The complete chunk.
    let bytes: ArraySlice<UInt8>

    /// The bit that distinguishes lower-case letters marks a chunk that a decoder may skip.
    var isAncillary: Bool { bytes[bytes.startIndex + 4] & 0x20 != 0 }

    init(in bytes: [UInt8], at offset: Int) throws(ImageError) {
        guard bytes.count - offset >= 12 else {
            throw .corrupt(.png, "the file ends at byte \(bytes.count), inside a chunk or before IEND")
        }
        let length = Int(bigEndian32(bytes[...], at: offset))
        let name = bytes[(offset + 4)..<(offset + 8)]
        guard name.allSatisfy({ (0x41...0x5A).contains($0 & 0xDF) }) else {
            throw .corrupt(.png, "the chunk at byte \(offset) has a type that is not four letters")
        }
        type = String(decoding: name, as: UTF8.self)
        guard length <= bytes.count - offset - 12 else {
            throw .corrupt(.png, "the \(type) chunk at byte \(offset) has \(length) bytes, more than are left")
        }
        let end = offset + 8 + length
        data = bytes[(offset + 8)..<end]
        self.bytes = bytes[offset..<(end + 4)]
        let checked = bytes[(offset + 4)..<end]
        let crc = checked.withUnsafeBufferPointer { crc32_z(0, $0.baseAddress, $0.count) }
        guard crc == UInt(bigEndian32(bytes[...], at: end)) else {
            throw .corrupt(.png, "the \(type) chunk at byte \(offset) has a wrong CRC")
        }
    }
}

/// The checked chunks of a PNG: signature, lengths, CRCs, the order of chunks, and the inflated size of the pixel data.
/// libpng then gets one clean stream of the chunks that determine the pixels.
///
/// Text, profiles and the frames of an animation are skipped and never inflated. Bytes after IEND are not part of the
/// image (section 5.3 of the specification) and are ignored.
struct PNGChunks {
    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    let header: PNGHeader
    /// Red, green and blue of each entry; empty unless pixels are indexes.
    private(set) var palette: ArraySlice<UInt8> = []
    /// The data of the tRNS chunk.
    private(set) var transparency: ArraySlice<UInt8> = []
    private(set) var pixelData: [ArraySlice<UInt8>] = []
    /// Signature, IHDR, PLTE and tRNS if they are needed, IDATs and IEND.
    private(set) var essentials: [UInt8] = signature

    init(_ bytes: [UInt8], limits: ImageLimits, watch: DecodeWatch) throws(ImageError) {
        let first = try Chunk(in: bytes, at: Self.signature.count)
        header = try Self.header(of: first, limits: limits)
        essentials += first.bytes
        var chunk = first
        var count = 1
        repeat {
            count += 1
            guard count <= limits.maximumChunks else { throw .tooManyChunks(limit: limits.maximumChunks) }
            let next = try Chunk(in: bytes, at: chunk.bytes.endIndex)
            try take(next, after: chunk)
            chunk = next
        } while chunk.type != "IEND"
        guard !pixelData.isEmpty else { throw .corrupt(.png, "there is no IDAT chunk") }
        try checkInflatedSize(watch)
    }

    static func header(of chunk: Chunk, limits: ImageLimits) throws(ImageError) -> PNGHeader {
        guard chunk.type == "IHDR" else { throw .corrupt(.png, "the first chunk is \(chunk.type), not IHDR") }
        return try PNGHeader(chunk.data, limits: limits)
    }

    /// The orientation in the first eXIf chunk, at any position. It follows the chunks' lengths alone, as far as they
    /// are valid.
    static func orientation(in bytes: [UInt8], limits: ImageLimits) -> Orientation {
        var offset = signature.count
        for _ in 0..<limits.maximumChunks where bytes.count - offset >= 12 {
            let length = Int(bigEndian32(bytes[...], at: offset))
            guard length <= bytes.count - offset - 12 else { break }
            let (type, data) = (bytes[offset + 4..<offset + 8], bytes[offset + 8..<offset + 8 + length])
            if type.elementsEqual("eXIf".utf8) { return Orientation(exif: data) }
            if type.elementsEqual("IEND".utf8) { break }
            offset += 12 + length
        }
        return .upright
    }

    private mutating func take(_ chunk: Chunk, after previous: Chunk) throws(ImageError) {
        switch chunk.type {
        case "IHDR": throw .corrupt(.png, "there is a second IHDR chunk")
        case "PLTE": try takePalette(chunk)
        case "tRNS": try takeTransparency(chunk)
        case "IDAT":
            guard pixelData.isEmpty || previous.type == "IDAT" else {
                throw .corrupt(.png, "the IDAT chunks are interrupted by \(previous.type)")
            }
            guard header.colourType != .palette || !palette.isEmpty else {
                throw .corrupt(.png, "the PLTE chunk is missing")
            }
            pixelData.append(chunk.data)
            essentials += chunk.bytes
        case "IEND":
            guard chunk.data.isEmpty else { throw .corrupt(.png, "IEND has \(chunk.data.count) bytes, not 0") }
            essentials += chunk.bytes
        default:
            guard chunk.isAncillary else { throw .corrupt(.png, "the critical chunk \(chunk.type) is unknown") }
        }
    }

    private mutating func takePalette(_ chunk: Chunk) throws(ImageError) {
        guard pixelData.isEmpty, palette.isEmpty, transparency.isEmpty else {
            throw .corrupt(.png, "PLTE is doubled or out of place")
        }
        guard header.colourType != .grey, header.colourType != .greyAlpha else {
            throw .corrupt(.png, "a grey picture has a PLTE chunk")
        }
        let entries = chunk.data.count / 3
        let maximum = header.colourType == .palette ? 1 << header.bitDepth : 256
        guard chunk.data.count % 3 == 0, (1...maximum).contains(entries) else {
            throw .corrupt(.png, "PLTE has \(chunk.data.count) bytes, not 3 for each of 1 to \(maximum) entries")
        }
        palette = chunk.data
        // In true colour, the palette is only a suggestion for displays.
        if header.colourType == .palette { essentials += chunk.bytes }
    }

    private mutating func takeTransparency(_ chunk: Chunk) throws(ImageError) {
        guard pixelData.isEmpty, transparency.isEmpty else { throw .corrupt(.png, "tRNS is doubled or out of place") }
        let allowed: ClosedRange<Int>
        switch header.colourType {
        case .grey: allowed = 2...2
        case .rgb: allowed = 6...6
        case .palette:
            guard !palette.isEmpty else { throw .corrupt(.png, "tRNS comes before PLTE") }
            allowed = 1...(palette.count / 3)
        case .greyAlpha, .rgba: throw .corrupt(.png, "a picture with alpha has a tRNS chunk")
        }
        guard allowed.contains(chunk.data.count) else {
            throw .corrupt(
                .png, "tRNS has \(chunk.data.count) bytes, not \(allowed.lowerBound) to \(allowed.upperBound)")
        }
        transparency = chunk.data
        essentials += chunk.bytes
    }

    /// Inflates the pixel data once and discards it. This stops a decompression bomb one buffer after the size that
    /// IHDR implies; libpng would inflate it to its end.
    private func checkInflatedSize(_ watch: DecodeWatch) throws(ImageError) {
        let expected = header.inflatedByteCount
        var inflater = Inflater()
        var inflated = 0
        for data in pixelData {
            inflated = try inflater.count(data, from: inflated, limit: expected, watch: watch)
        }
        guard inflater.isAtEnd else { throw .corrupt(.png, "the pixel data ends early") }
        guard inflated == expected else {
            throw .corrupt(.png, "the pixel data inflates to \(inflated) bytes, not \(expected)")
        }
    }
}
