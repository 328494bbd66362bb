import Tensors
import Testing

@Suite struct SeededGeneratorTests {
    @Test func aSeedAndStreamDecideTheNumbers() {
        var one = SeededGenerator(seed: 3, stream: 5)
        var same = SeededGenerator(seed: 3, stream: 5)
        var otherStream = SeededGenerator(seed: 3, stream: 6)
        var otherSeed = SeededGenerator(seed: 5, stream: 3)
        let first = one.next()
        #expect(first == same.next())
        #expect(first != otherStream.next())
        #expect(first != otherSeed.next())
    }

    @Test func uniformNumbersFillTheUnitInterval() {
        var generator = SeededGenerator(seed: 0)
        let numbers = (0..<10_000).map { _ in generator.uniform() }
        #expect(numbers.allSatisfy { $0 >= 0 && $0 < 1 })
        #expect(abs(numbers.reduce(0, +) / 10_000 - 0.5) < 0.01)
        #expect(numbers.min() ?? 1 < 0.001 && numbers.max() ?? 0 > 0.999)
    }

    @Test func normalTensorsHaveTheirDeviation() {
        var generator = SeededGenerator(seed: 1)
        let elements = Tensor(normal: 0.5, [100, 200], using: &generator).elements
        let mean = elements.reduce(0, +) / 20_000
        let variance = elements.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
        #expect(abs(mean) < 0.01)
        #expect(abs(variance.squareRoot() - 0.5) < 0.01)
    }
}
