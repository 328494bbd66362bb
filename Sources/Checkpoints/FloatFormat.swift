import Tensors

/// How floats are stored in a safetensors file.
public enum FloatFormat: String, Sendable, CaseIterable {
    /// 32-bit floats.
    case float32 = "F32"
    /// IEEE half floats.
    case float16 = "F16"
    /// The upper halves of 32-bit floats.
    case bfloat16 = "BF16"

    /// The corresponding element format of tensors.
    var element: ElementFormat {
        switch self {
        case .float32: .f32
        case .float16: .f16
        case .bfloat16: .bf16
        }
    }
}

extension Float {
    /// The nearest bfloat16, ties to even; NaN stays NaN.
    var bfloat16: UInt16 {
        if isNaN { return UInt16(bitPattern >> 16) | 0x40 }
        return UInt16((bitPattern + 0x7FFF + (bitPattern >> 16 & 1)) >> 16)
    }
}
