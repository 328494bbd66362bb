/// How a tensor's numbers are stored in a GGUF file.
public enum GGUFTensorType: UInt32, Sendable, CaseIterable {
    /// 32-bit floats.
    case f32 = 0
    /// IEEE half floats.
    case f16 = 1
    /// Blocks of 32: a half scale, then 16 bytes of two 4-bit numbers that stand for value + 8.
    case q4_0 = 2
    /// Blocks of 32: a half scale and a half minimum, then 16 bytes of two 4-bit numbers.
    case q4_1 = 3
    /// Blocks of 32: a half scale, then 32 signed bytes.
    case q8_0 = 8
    /// The upper halves of 32-bit floats.
    case bf16 = 30

    /// Elements in a block, which lie side by side in a row.
    public var blockCount: Int {
        switch self {
        case .f32, .f16, .bf16: 1
        case .q4_0, .q4_1, .q8_0: 32
        }
    }

    /// Bytes of a block.
    public var blockBytes: Int {
        switch self {
        case .f32: 4
        case .f16, .bf16: 2
        case .q4_0: 18
        case .q4_1: 20
        case .q8_0: 34
        }
    }

    /// Bytes of a tensor of `shape`; nil if a row is not a whole number of blocks or the size does not fit an `Int`.
    func byteCount(shape: [Int]) -> Int? {
        guard let row = shape.last, row % blockCount == 0 else { return nil }
        var size = row / blockCount
        for factor in shape.dropLast() + [blockBytes] {
            let product = size.multipliedReportingOverflow(by: factor)
            if product.overflow { return nil }
            size = product.partialValue
        }
        return size
    }

    /// ggml's name for a type, whether we read it or not (`ggml.h`, `enum ggml_type`).
    public static func name(of code: UInt32) -> String {
        let names: [UInt32: String] = [
            0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K",
            11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS",
            19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32",
            27: "I64", 28: "F64", 29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
        ]
        return names[code] ?? "type \(code)"
    }
}
