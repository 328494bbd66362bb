import CKernels

/// A format of blocks of consecutive weights that share scales, as GGUF stores them (`ggml-common.h`).
///
/// A weight is scale × (code − zero point), or scale × code + minimum.
public enum BlockFormat: Sendable, CaseIterable {
    /// 32 weights of 4 bits: a scale, zero point 8.
    case q4_0
    /// 32 weights of 4 bits: a scale and a minimum.
    case q4_1
    /// 32 weights of 5 bits: a scale, zero point 16.
    case q5_0
    /// 32 weights of 5 bits: a scale and a minimum.
    case q5_1
    /// 32 weights of 8 signed bits: a scale.
    case q8_0
    /// 32 weights of 4 bits, indices into a table of 16 signed bytes: a scale.
    case iq4_nl
    /// 256 weights of 2 bits: a scale and a minimum for each 16.
    case q2_k
    /// 256 weights of 3 bits: a scale for each 16, zero point 4.
    case q3_k
    /// 256 weights of 4 bits: a scale and a minimum for each 32.
    case q4_k
    /// 256 weights of 5 bits: a scale and a minimum for each 32.
    case q5_k
    /// 256 weights of 6 bits: a scale for each 16, zero point 32.
    case q6_k
    /// 256 weights of 4 bits, indices into a table of 16 signed bytes: a scale for each 32.
    case iq4_xs

    /// Weights in a block: 32 or 256. The length of a row is a multiple of it.
    public var blockSize: Int { apus_block_weights(kernel) }

    /// The bytes of a block in a GGUF file.
    public var blockBytes: Int { apus_block_bytes(kernel) }

    var kernel: apus_block_format {
        switch self {
        case .q4_0: APUS_Q4_0
        case .q4_1: APUS_Q4_1
        case .q5_0: APUS_Q5_0
        case .q5_1: APUS_Q5_1
        case .q8_0: APUS_Q8_0
        case .iq4_nl: APUS_IQ4_NL
        case .q2_k: APUS_Q2_K
        case .q3_k: APUS_Q3_K
        case .q4_k: APUS_Q4_K
        case .q5_k: APUS_Q5_K
        case .q6_k: APUS_Q6_K
        case .iq4_xs: APUS_IQ4_XS
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
    public var blockSize: Int { blockFormat?.blockSize ?? 1 }

    /// The bytes of `blockSize` elements.
    public var blockBytes: Int {
        switch self {
        case .f32: 4
        case .f16, .bf16: 2
        case .blocks(let format): format.blockBytes
        }
    }

    /// Converts `count` stored elements to fp32; `source` needs no alignment.
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
    /// The tensor of `shape` whose stored elements are `bytes`, converted to fp32 as ggml does.
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

extension Tensor {
    /// The elements in `format`, rounded to the nearest number, ties to even; Q8_0 as ggml's reference rounds.
    ///
    /// Of the block formats only Q8_0 can be written; the last extent must be whole blocks.
    public func bytes(as format: ElementFormat) -> [UInt8] {
        withUnsafeElements { elements in
            switch format {
            case .f32: return Array(UnsafeRawBufferPointer(elements))
            case .f16: return elements.map { Float16($0).bitPattern.littleEndian }.withUnsafeBytes(Array.init)
            case .bf16: return elements.map(\.bfloat16.littleEndian).withUnsafeBytes(Array.init)
            case .blocks(let blocks):
                precondition(
                    blocks == .q8_0 && (shape.last ?? 1) % blocks.blockSize == 0, "\(shape) cannot become \(blocks)")
                let count = elements.count / blocks.blockSize
                return [UInt8](unsafeUninitializedCapacity: count * blocks.blockBytes) { bytes, written in
                    guard let source = elements.baseAddress, let target = bytes.baseAddress else { return }
                    apus_quantize_q8_0(source, count, target)
                    written = count * blocks.blockBytes
                }
            }
        }
    }
}

extension Float {
    /// The nearest bfloat16, ties to even; NaN stays NaN.
    fileprivate var bfloat16: UInt16 {
        if isNaN { return UInt16(bitPattern >> 16) | 0x40 }
        return UInt16((bitPattern + 0x7FFF + (bitPattern >> 16 & 1)) >> 16)
    }
}
