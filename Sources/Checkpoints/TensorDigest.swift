import Crypto
public import Tensors

/// What a tensor holds, as a key: the SHA-256 of its shape and elements.
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
}
