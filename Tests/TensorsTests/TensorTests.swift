import Support
import Tensors
import Testing

@Suite struct TensorTests {
    @Test func copiesAreIndependentOnceWritten() {
        let original = Tensor([1, 2, 3, 4], shape: [2, 2])
        var copy = original
        copy[0, 1] = 9
        #expect(original.elements == [1, 2, 3, 4])
        #expect(copy.elements == [1, 9, 3, 4])
    }

    @Test func rowsAreIndependentOnceWritten() {
        var tensor = Tensor((0..<8).map(Float.init), shape: [4, 2])
        var rows = tensor.rows(1..<4)
        var last = rows.rows(2..<3)
        rows[0, 1] = 9
        tensor[3, 0] = -1
        last.withUnsafeMutableElements { $0[1] = -2 }
        #expect(tensor.elements == [0, 1, 2, 3, 4, 5, -1, 7])
        #expect(rows.elements == [2, 9, 4, 5, 6, 7])
        #expect(last.elements == [6, -2] && last.shape == [1, 2])
        #expect(rows.rows(1..<2).elements(ofRow: 0) == [4, 5] && rows.columns(1..<2).elements == [9, 5, 7])
    }

    @Test func rowsAreCountedOverAllExtentsButTheLast() {
        let tensor = Tensor((0..<12).map(Float.init), shape: [2, 2, 3])
        #expect(tensor.rows == 4)
        #expect(tensor.rows(1..<3).elements == [3, 4, 5, 6, 7, 8])
        #expect(tensor.reshaped([3, 4]).columns == 4)
    }

    @Test func storageIsAlignedAndReused() {
        for count in [0, 1, 15, 16, 17, 1000, 1 << 20] {
            let tensor = Tensor(repeating: 2, [count])
            tensor.withUnsafeElements { #expect(UInt(bitPattern: $0.baseAddress) % 64 == 0) }
            #expect(tensor.elements.allSatisfy { $0 == 2 })
        }
    }

    @Test func normalTensorsHaveTheirDeviation() {
        var generator = SplitMix64(seed: 1, stream: 0)
        let elements = Tensor(normal: 0.5, [100, 200], using: &generator).elements
        let mean = elements.reduce(0, +) / 20_000
        let variance = elements.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
        #expect(abs(mean) < 0.01)
        #expect(abs(variance.squareRoot() - 0.5) < 0.01)
    }
}
