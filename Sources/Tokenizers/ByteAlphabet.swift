/// GPT-2's spelling of bytes as printable characters. Vocabulary files write their tokens in it.
///
/// Printable Latin-1 characters stand for their own byte; the 68 other bytes, in ascending order, are written U+0100
/// to U+0143 (`bytes_to_unicode` in OpenAI's GPT-2 `encoder.py`).
enum ByteAlphabet {
    /// The bytes that `text` spells; nil if it contains a character outside the alphabet.
    static func bytes(of text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            guard let byte = byte(of: scalar) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func byte(of scalar: Unicode.Scalar) -> UInt8? {
        switch scalar.value {
        case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: UInt8(scalar.value)
        case 0x100...0x120: UInt8(scalar.value - 0x100)  // 0x00...0x20
        case 0x121...0x142: UInt8(scalar.value - 0x121 + 0x7F)  // 0x7F...0xA0
        case 0x143: 0xAD
        default: nil
        }
    }
}
