import Crypto
public import Tensors

/// A key for a tensor's contents: the SHA-256 of its shape and elements.
public struct TensorDigest: Hashable, Sendable {
    private let words: [UInt64]

    /// The digest of `tensor`.
    public init(_ tensor: Tensor) {
        var hasher = SHA256()
        tensor.shape.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        tensor.withUnsafeElements { hasher.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        words = hasher.finalize().withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 8).map { bytes.loadUnaligned(fromByteOffset: $0, as: UInt64.self) }
        }
    }

    /// The digest with this text form, as from `hexadecimal`; nil for other text.
    public init?(hexadecimal: String) {
        guard FileDigest.isSHA256(hexadecimal) else { return nil }
        let digits = Array(hexadecimal)
        words = stride(from: 0, to: digits.count, by: 16).compactMap { UInt64(String(digits[$0..<$0 + 16]), radix: 16) }
    }

    /// The digest in 64 lower-case hexadecimal digits.
    public var hexadecimal: String {
        words.map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
