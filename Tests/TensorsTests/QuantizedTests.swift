import Support
import Tensors
import Testing

/// A random matrix of weights in GGUF's storage format.
struct RandomBlocks {
    let format: BlockFormat
    let outputs: Int
    let inputs: Int
    var bytes: [UInt8] = []

    init(_ format: BlockFormat, _ outputs: Int, _ inputs: Int, using random: inout SplitMix64) {
        self.format = format
        self.outputs = outputs
        self.inputs = inputs
        for _ in 0..<outputs * inputs / format.blockSize {
            var block = (0..<format.blockBytes).map { _ in UInt8.random(in: 0...255, using: &random) }
            for offset in Self.factors(of: format) {
                let bits = halfBits(Float.random(in: -0.1...0.1, using: &random))
                block[offset] = UInt8(bits & 0xFF)
                block[offset + 1] = UInt8(bits >> 8)
            }
            bytes += block
        }
    }

    /// Where the halves stand in a block of the format.
    static func factors(of format: BlockFormat) -> [Int] {
        switch format {
        case .q4_0, .q5_0, .q8_0, .iq4_nl, .iq4_xs: [0]
        case .q4_1, .q5_1, .q4_k, .q5_k: [0, 2]
        case .q2_k: [80, 82]
        case .q3_k: [108]
        case .q6_k: [208]
        }
    }

    func matrix(_ compute: Compute) -> QuantizedMatrix {
        QuantizedMatrix(format: format, outputs: outputs, inputs: inputs, blocks: bytes, compute: compute)
    }

    var source: QuantizedMatrix.Source { .init(format: .blocks(format), outputs: outputs, bytes: bytes) }

    /// The weights; tests of checkpoints compare the conversion with ggml's.
    func weights() -> [Float] {
        bytes.withUnsafeBytes { Tensor(converting: .blocks(format), bytes: $0, shape: [outputs, inputs]) }.elements
    }

    /// The weights of a format with 32 in a block, by GGUF's definition of it.
    func smallBlockWeights() -> [Float] {
        stride(from: 0, to: bytes.count, by: format.blockBytes).flatMap { start in
            let block = Array(bytes[start..<start + format.blockBytes])
            let scale = halfValue(block[0], block[1])
            if format == .q8_0 { return block[2...].map { scale * Float(Int8(bitPattern: $0)) } }
            let nibbles = block.suffix(16).map { $0 & 15 } + block.suffix(16).map { $0 >> 4 }
            let fifths = block.prefix(block.count - 16).suffix(4)
            let codes = nibbles.enumerated().map { index, nibble in
                let hasFifth = format == .q5_0 || format == .q5_1
                return nibble | (hasFifth ? fifths[fifths.startIndex + index / 8] >> UInt8(index % 8) & 1 : 0) << 4
            }
            let minimum = halfValue(block[2], block[3])
            switch format {
            case .q4_0: return codes.map { scale * (Float($0) - 8) }
            case .q5_0: return codes.map { scale * (Float($0) - 16) }
            case .q4_1, .q5_1: return codes.map { scale * Float($0) + minimum }
            default:
                let table = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]
                return codes.map { scale * Float(table[Int($0)]) }
            }
        }
    }
}

/// A half of a normal magnitude, truncated.
private func halfBits(_ value: Float) -> UInt16 {
    let exponent = Int((value.bitPattern >> 23) & 0xFF) - 112
    guard exponent > 0 else { return 0 }
    return UInt16(value.bitPattern >> 16 & 0x8000) | UInt16(exponent << 10) | UInt16(value.bitPattern >> 13 & 0x3FF)
}

private func halfValue(_ low: UInt8, _ high: UInt8) -> Float {
    let bits = UInt32(low) | UInt32(high) << 8
    let magnitude = Float(bits & 0x3FF) / 1024
    let exponent = Int(bits >> 10 & 31)
    let value: Float =
        exponent == 0
        ? magnitude * 0x1p-14 : (1 + magnitude) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
    return bits >> 15 == 1 ? -value : value
}

/// The value of the half nearest to a positive number below 65,520.
private func nearestHalf(_ value: Float) -> Float {
    let step = Float(sign: .plus, exponent: max(value.exponent, -14) - 10, significand: 1)
    return (value / step).rounded(.toNearestOrEven) * step
}

@Suite struct QuantizedTests {
    private static let computes = InstructionSet.supported.map { Compute(threads: 2, instructionSet: $0) }

    @Test(arguments: BlockFormat.allCases) func weightsAreThoseOfTheFile(format: BlockFormat) throws {
        var random = SplitMix64(seed: 1)
        for (outputs, count) in [(1, 1), (16, 2), (49, 3), (100, format.blockSize == 32 ? 18 : 4)] {
            let inputs = count * format.blockSize
            let blocks = RandomBlocks(format, outputs, inputs, using: &random)
            let expected = blocks.weights()
            if format.blockSize == 32 { #expect(blocks.smallBlockWeights() == expected) }
            let matrix = blocks.matrix(Self.computes[0])
            #expect(Self.computes[0].dequantize(matrix).elements == expected)
            let ids = (0..<9).map { _ in Int32.random(in: 0..<Int32(outputs), using: &random) }
            let rows = ids.flatMap { expected[Int($0) * inputs..<(Int($0) + 1) * inputs] }
            #expect(Self.computes[0].rows(ids, of: matrix).elements == rows)
        }
    }

    @Test(arguments: BlockFormat.allCases) func productsAreThoseOfRoundedActivations(format: BlockFormat) {
        var random = SplitMix64(seed: 2)
        let (rows, inputs, outputs) = (5, 768, 37)
        let blocks = RandomBlocks(format, outputs, inputs, using: &random)
        let weights = blocks.weights()
        let x = Tensor(random.floats(rows * inputs), shape: [rows, inputs])
        let rounded = roundedToBytes(x.elements)
        let product = Self.computes[0].multiply(x, blocks.matrix(Self.computes[0]))
        for row in 0..<rows {
            for output in 0..<outputs {
                var sum = 0.0
                var size = 0.0
                for k in 0..<inputs {
                    let term = rounded[row * inputs + k] * Double(weights[output * inputs + k])
                    sum += term
                    size += abs(term)
                }
                #expect(abs(Double(product[row, output]) - sum) <= 1e-5 * size)
            }
        }
    }

    /// The values of a quantised block of activations: multiples of its largest magnitude / 127.
    private func roundedToBytes(_ x: [Float]) -> [Double] {
        stride(from: 0, to: x.count, by: 32).flatMap { start in
            let block = x[start..<start + 32].map(Double.init)
            let scale = (block.map(abs).max() ?? 0) / 127
            return block.map { ($0 / scale).rounded(.toNearestOrEven) * scale }
        }
    }

    @Test(arguments: BlockFormat.allCases) func instructionSetsAgreeToTheBit(format: BlockFormat) {
        var random = SplitMix64(seed: 3)
        for rows in Array(1...13) + [17, 33] {
            for (outputs, count) in [(1, 1), (7, 2), (16, 3), (49, 5), (48, format.blockSize == 32 ? 18 : 2)] {
                let inputs = count * format.blockSize
                let blocks = RandomBlocks(format, outputs, inputs, using: &random)
                // Ones at the ends of the range expose sums that saturate.
                let elements = random.floats(rows * inputs).map {
                    abs($0) > 0.5 ? Float(signOf: $0, magnitudeOf: 1) : $0
                }
                let x = Tensor(elements, shape: [rows, inputs])
                let products = Self.computes.map { $0.multiply(x, blocks.matrix($0)).elements }
                for product in products.dropFirst() {
                    #expect(product == products[0], "\(rows) rows, \(outputs) × \(inputs)")
                }
            }
        }
    }

    @Test func extremeBytesDoNotSaturate() {
        for format in BlockFormat.allCases {
            for byte in [UInt8(0x80), 0x7F, 0xFF, 0x00] {
                var random = SplitMix64(seed: 4)
                let inputs = format.blockSize
                var blocks = RandomBlocks(format, 16, inputs, using: &random)
                let factors = RandomBlocks.factors(of: format).flatMap { [$0, $0 + 1] }
                for index in blocks.bytes.indices where !factors.contains(index % format.blockBytes) {
                    blocks.bytes[index] = byte
                }
                let weights = blocks.weights()
                for sign in [Float(1), -1] {
                    let x = Tensor(repeating: sign, [1, inputs])
                    let products = Self.computes.map { $0.multiply(x, blocks.matrix($0)).elements }
                    let expected = (0..<16).map { output in
                        weights[output * inputs..<(output + 1) * inputs].reduce(0, +) * sign
                    }
                    for product in products {
                        for (value, wanted) in zip(product, expected) {
                            #expect(abs(value - wanted) <= 1e-4 * max(10, abs(wanted)))
                        }
                    }
                }
            }
        }
    }

    @Test(arguments: [
        [.q4_1, .q4_1, .q4_1], [.q4_1, .q4_1, .q8_0], [.q4_k, .q4_k, .q6_k], [.q5_0, .q2_k, .iq4_xs],
        [.q3_k, .q5_k, .q5_1], [.iq4_nl, .q4_0, .q8_0] as [BlockFormat],
    ])
    func rowsThreadsAndPartsDoNotMatter(formats: [BlockFormat]) {
        var random = SplitMix64(seed: 5)
        let (rows, inputs) = (300, 256)
        let parts = zip([41, 7, 23], formats).map { RandomBlocks($1, $0, inputs, using: &random) }
        let x = Tensor(random.floats(rows * inputs), shape: [rows, inputs])
        for set in InstructionSet.supported {
            let alone = Compute(threads: 1, instructionSet: set)
            let expected = parts.map { alone.multiply(x, $0.matrix(alone)) }
            let compute = Compute(threads: 3, instructionSet: set)
            let joined = QuantizedMatrix(
                inputs: inputs, concatenating: parts.map(\.source), compute: compute)
            let result = compute.multiply(x, joined)
            for (columns, expected) in zip([0..<41, 41..<48, 48..<71], expected) {
                #expect(result.columns(columns).elements == expected.elements)
            }
            let single = compute.multiply(x.rows(211..<212), joined)
            #expect(single.elements == result.rows(211..<212).elements)
        }
    }

    @Test(arguments: [1, 100, 3e-6, 3e4, 0x1p-131, 0] as [Float]) func floatsAreRoundedToBytes(size: Float) {
        var random = SplitMix64(seed: 8)
        let (outputs, inputs, compute) = (50, 96, Compute(threads: 2))
        var elements = random.floats(outputs * inputs).map { $0 * size }
        // The largest magnitude 127 has scale 1: multiples of a half are ties.
        for i in 0..<32 { elements[i] = i == 5 ? -127 : Float(i) - 15.5 }
        let bytes = elements.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
        }
        let q4 = RandomBlocks(.q4_0, 3, inputs, using: &random)
        let sources = [q4.source, .init(format: .f32, outputs: outputs, bytes: bytes)]
        let result = compute.dequantize(QuantizedMatrix(inputs: inputs, concatenating: sources, compute: compute))
        #expect(result.rows(0..<3).elements == q4.weights())
        for (index, value) in result.rows(3..<53).elements.enumerated() {
            let block = elements[index / 32 * 32..<index / 32 * 32 + 32]
            let scale = (block.map(abs).max() ?? 0) / 127
            let byte = scale > 0 ? (elements[index] * (1 / scale)).rounded(.toNearestOrAwayFromZero) : 0
            #expect(value == nearestHalf(scale) * min(max(byte, -127), 127))
        }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity]) func roundedFloatsStayNonFinite(value: Float) {
        var random = SplitMix64(seed: 9)
        let compute = Compute(threads: 1)
        var elements = random.floats(2 * 64)
        elements[40] = value
        let bytes = elements.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
        }
        let source = QuantizedMatrix.Source(format: .f32, outputs: 2, bytes: bytes)
        let matrix = QuantizedMatrix(inputs: 64, concatenating: [source], compute: compute)
        let product = compute.multiply(Tensor(repeating: 1, [1, 64]), matrix)
        #expect(!product[0, 0].isFinite && product[0, 1].isFinite)
    }

    /// Whole tiles of eight rows have their own kernel.
    @Test(arguments: [3, 8]) func nonFiniteNumbersComeOutNonFinite(rows: Int) {
        var random = SplitMix64(seed: 6)
        for format in BlockFormat.allCases {
            for compute in Self.computes {
                let inputs = 2 * format.blockSize
                var blocks = RandomBlocks(format, 17, inputs, using: &random)
                var x = Tensor(random.floats(rows * inputs), shape: [rows, inputs])
                x[0, 40] = .nan
                x[1, 3] = .infinity
                let product = compute.multiply(x, blocks.matrix(compute))
                for column in 0..<17 {
                    #expect(!product[0, column].isFinite && !product[1, column].isFinite)
                    #expect((2..<rows).allSatisfy { product[$0, column].isFinite })
                }
                // The scale of output 1's first block becomes a NaN.
                blocks.bytes[2 * format.blockBytes + RandomBlocks.factors(of: format)[0] + 1] = 0x7F
                let hostile = compute.multiply(x, blocks.matrix(compute))
                #expect(!hostile[2, 1].isFinite && hostile[2, 2] == product[2, 2])
            }
        }
    }

    @Test(arguments: [2, 8]) func zerosAndTinyNumbersGiveZero(rows: Int) {
        var random = SplitMix64(seed: 7)
        for compute in Self.computes {
            let matrix = RandomBlocks(.q4_0, 16, 32, using: &random).matrix(compute)
            for value in [0, 1e-38, Float.leastNonzeroMagnitude] {
                let product = compute.multiply(Tensor(repeating: value, [rows, 32]), matrix)
                #expect(product.elements.allSatisfy { $0 == 0 })
            }
        }
    }
}

@Suite struct ElementFormatTests {
    @Test func everyHalfIsConvertedExactly() {
        let bytes = (0..<65_536).flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        let values = bytes.withUnsafeBytes { Tensor(converting: .f16, bytes: $0, shape: [65_536]) }.elements
        for bits in 0..<65_536 {
            if bits & 0x7FFF > 0x7C00 {
                #expect(values[bits].isNaN)
            } else if bits & 0x7FFF == 0x7C00 {
                #expect(values[bits] == (bits > 0x8000 ? -.infinity : .infinity))
            } else {
                #expect(values[bits] == halfValue(UInt8(bits & 0xFF), UInt8(bits >> 8)))
            }
        }
    }

    @Test func singlesAndTheirUpperHalves() {
        let values: [Float] = [0, 1, -2.5, 3e38, .infinity]
        var bytes: [UInt8] = [0]  // one byte off: alignment is not needed
        for value in values { bytes += (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } }
        let singles = bytes.withUnsafeBytes {
            Tensor(converting: .f32, bytes: UnsafeRawBufferPointer(rebasing: $0[1...]), shape: [5])
        }
        #expect(singles.elements == values)
        let upper: [UInt8] = [0x80, 0x3F, 0x20, 0xC0]
        #expect(upper.withUnsafeBytes { Tensor(converting: .bf16, bytes: $0, shape: [1, 2]) }.elements == [1, -2.5])
    }
}
