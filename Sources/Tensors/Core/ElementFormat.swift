import CKernels

/// A format of 32 consecutive weights that share a scale, as GGUF stores it.
public enum BlockFormat: Sendable, CaseIterable {
    /// 4-bit weights around zero: scale × (nibble − 8).
    case q4_0
    /// 4-bit weights above a minimum: scale × nibble + minimum.
    case q4_1
    /// 8-bit weights: scale × byte.
    case q8_0

    /// Weights in a block.
    public static let blockSize = Int(APUS_BLOCK)

    /// The bytes of a block in a GGUF file.
    public var blockBytes: Int { apus_block_bytes(kernel) }

    var kernel: apus_block_format {
        switch self {
        case .q4_0: APUS_Q4_0
        case .q4_1: APUS_Q4_1
        case .q8_0: APUS_Q8_0
        }
    }
}

/// The storage format of a tensor's elements; little-endian.
public enum ElementFormat: Sendable, Hashable {
    /// IEEE single precision.
    case f32
    /// IEEE half precision.
    case f16
    /// The upper half of an IEEE single.
    case bf16
    /// Blocks of elements along the last extent.
    case blocks(BlockFormat)

    /// The block format; nil if every element is stored by itself.
    public var blockFormat: BlockFormat? {
        if case .blocks(let format) = self { format } else { nil }
    }

    /// The number of elements stored together; the last extent of a tensor is a multiple of it.
    public var blockSize: Int { blockFormat == nil ? 1 : BlockFormat.blockSize }

    /// The bytes of `blockSize` elements.
    public var blockBytes: Int {
        switch self {
        case .f32: 4
        case .f16, .bf16: 2
        case .blocks(let format): format.blockBytes
        }
    }

    /// Converts `count` stored elements to fp32 without loss; `source` needs no alignment.
    func convert(_ source: UnsafePointer<UInt8>, count: Int, to target: UnsafeMutablePointer<Float>) {
        switch self {
        case .f32: UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: count * 4)
        case .f16: apus_convert_f16(source, count, target)
        case .bf16: apus_convert_bf16(source, count, target)
        case .blocks(let format): apus_convert_blocks(format.kernel, source, count / blockSize, target)
        }
    }
}

extension Tensor {
    /// The tensor of `shape` whose stored elements are `bytes`, converted to fp32 without loss.
    ///
    /// `bytes` needs no alignment. The caller must have checked that its size and the last extent fit `format`.
    public init(converting format: ElementFormat, bytes: UnsafeRawBufferPointer, shape: [Int]) {
        self.init(uninitialized: shape)
        precondition((shape.last ?? 1) % format.blockSize == 0, "\(shape) is not whole blocks")
        precondition(
            bytes.count == count / format.blockSize * format.blockBytes, "\(bytes.count) bytes do not fill \(shape)")
        guard let source = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        withUnsafeMutableElements { elements in
            guard let target = elements.baseAddress else { return }
            format.convert(source, count: elements.count, to: target)
        }
    }
}
