import Models
import Tensors
import Testing

@Suite struct HuggingFaceRowOrderTests {
    /// llama.cpp's converter: `w.reshape(heads, 2, size / 2, inputs).swapaxes(1, 2).reshape(w.shape)`.
    private func converted(_ rows: [[Float]], heads: Int, size: Int) -> [[Float]] {
        (0..<heads).flatMap { head in
            (0..<size / 2).flatMap { element in (0..<2).map { rows[head * size + $0 * size / 2 + element] } }
        }
    }

    @Test(arguments: [(1, 2), (3, 4), (2, 8), (9, 64)])
    func undoesTheConverter(heads: Int, size: Int) {
        let rows = (0..<heads * size).map { [Float($0), Float($0) + 0.5] }
        let order = HuggingFaceRowOrder(heads: heads, headSize: size)
        let stored = Tensor(converted(rows, heads: heads, size: size).flatMap { $0 }, shape: [heads * size, 2])
        #expect(order.reordered(stored).elements == rows.flatMap { $0 })
    }

    @Test func ordersStoredRowsAsItOrdersFloats() {
        let order = HuggingFaceRowOrder(heads: 2, headSize: 6)
        var bytes: [UInt8] = []
        for row in 0..<12 { bytes += [0, 0x3C] + (0..<32).map { UInt8(row + $0) } }  // Q8_0 with scale 1
        let floats = bytes.withUnsafeBytes { Tensor(converting: .blocks(.q8_0), bytes: $0, shape: [12, 32]) }
        let source = QuantizedMatrix.Source(format: .blocks(.q8_0), outputs: 12, rowOrder: order.ggufRow(of:)) {
            bytes.withUnsafeBytes($0)
        }
        let compute = Compute(threads: 1)
        let matrix = QuantizedMatrix(inputs: 32, concatenating: [source], compute: compute)
        #expect(compute.dequantize(matrix).elements == order.reordered(floats).elements)
    }
}
