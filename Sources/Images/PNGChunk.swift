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
