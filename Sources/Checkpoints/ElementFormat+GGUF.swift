import Tensors

extension ElementFormat {
    /// The format with ggml's type code `code` (`ggml.h`, `enum ggml_type`); nil for a format that Apus cannot read.
    init?(ggmlType code: UInt32) {
        guard let format = Self.allCases.first(where: { $0.ggmlType == code }) else { return nil }
        self = format
    }

    var ggmlType: UInt32 {
        switch self {
        case .f32: 0
        case .f16: 1
        case .q4_0: 2
        case .q4_1: 3
        case .q8_0: 8
        case .bf16: 30
        }
    }

    /// ggml's name for a type, also for types that Apus cannot read.
    static func ggmlName(of code: UInt32) -> String {
        let names: [UInt32: String] = [
            0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K",
            11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS",
            19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32",
            27: "I64", 28: "F64", 29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
        ]
        return names[code] ?? "type \(code)"
    }

    /// Bytes of a tensor of `shape`; nil if an extent is negative, a row is not a whole number of blocks, or the size
    /// does not fit an `Int`.
    func byteCount(shape: [Int]) -> Int? {
        let row = shape.last ?? 1
        guard row % blockSize == 0 else { return nil }
        var size = blockBytes
        for extent in shape.dropLast() + [row / blockSize] {
            let product = size.multipliedReportingOverflow(by: extent)
            if extent < 0 || product.overflow { return nil }
            size = product.partialValue
        }
        return size
    }
}
