import Foundation
import Support
import Tensors
import Testing

/// A sequence of random queries, keys and values.
private struct RandomSequence {
    let heads: Int
    let queries: Tensor
    let keys: Tensor
    let values: Tensor

    init(length: Int, heads: Int, kvHeads: Int, headSize: Int, using random: inout SplitMix64) {
        self.heads = heads
        func rows(_ columns: Int, _ size: Float) -> Tensor {
            Tensor(random.floats(length * columns).map { $0 * size }, shape: [length, columns])
        }
        // Large enough that some weights vanish and the running maximum often rises.
        queries = rows(heads * headSize, 6)
        keys = rows(kvHeads * headSize, 6)
        values = rows(kvHeads * headSize, 1)
    }

    var length: Int { queries.rows }
}

/// A cache and the block tables of sequences in it, their blocks in random order.
private struct Fixture {
    let cache: KVCache
    var tables: [[Int32]] = []

    init(
        _ lengths: [Int], kvHeads: Int, headSize: Int, precision: KVCache.Precision, using random: inout SplitMix64
    ) {
        let needed = lengths.map { ($0 + 15) / 16 }
        let blocks = needed.reduce(3, +)
        cache = KVCache(
            layers: 2, heads: kvHeads, headSize: headSize, blocks: blocks, precision: precision)
        var free = (0..<Int32(blocks)).shuffled(using: &random)
        for count in needed {
            tables.append(Array(free.suffix(count)))
            free.removeLast(count)
        }
    }

    /// Runs the rows `ranges` of several sequences as one batch and returns the results of each.
    func run(_ batch: [(index: Int, rows: Range<Int>)], of all: [RandomSequence], _ compute: Compute) -> [[Float]] {
        func joined(_ part: (RandomSequence) -> Tensor) -> Tensor {
            let elements = batch.flatMap { part(all[$0.index]).rows($0.rows).elements }
            let columns = part(all[0]).columns
            return Tensor(elements, shape: [elements.count / columns, columns])
        }
        var row = 0
        let slices = batch.map { item in
            defer { row += item.rows.count }
            return SequenceSlice(
                rows: row..<row + item.rows.count, start: item.rows.lowerBound, blockTable: tables[item.index])
        }
        compute.store(
            keys: joined(\.keys).allColumns, values: joined(\.values).allColumns, layer: 1, sequences: slices, in: cache
        )
        let result = compute.attend(
            queries: joined(\.queries).allColumns, heads: all[0].heads, layer: 1, sequences: slices, cache: cache)
        return slices.map { result.rows($0.rows).elements }
    }
}

@Suite struct KVAttentionTests {
    /// The values that a cache stores for elements of heads.
    private func kept(_ elements: [Float], headSize: Int, _ precision: KVCache.Precision) -> [Double] {
        switch precision {
        case .fp16: return elements.map { Double(Float(Float16($0))) }
        case .fp32: return elements.map { Double($0) }
        case .int16, .int8:
            let most: Double = precision == .int16 ? 2_047 : 127
            return stride(from: 0, to: elements.count, by: headSize).flatMap { start in
                let head = elements[start..<start + headSize]
                let largest = head.map(abs).max() ?? 0
                return head.map { (Double($0) * most / Double(largest)).rounded() * Double(largest) / most }
            }
        }
    }

    /// Attention by its definition, in double precision over the stored values.
    private func reference(
        _ s: RandomSequence, kvHeads: Int, headSize: Int, _ precision: KVCache.Precision
    ) -> [Double] {
        let keys = kept(s.keys.elements, headSize: headSize, precision)
        let values = kept(s.values.elements, headSize: headSize, precision)
        var result: [Double] = []
        for row in 0..<s.length {
            for head in 0..<s.heads {
                let kvHead = head / (s.heads / kvHeads)
                let scores = (0...row).map { position in
                    (0..<headSize).reduce(0.0) {
                        $0 + Double(s.queries[row, head * headSize + $1])
                            * keys[(position * kvHeads + kvHead) * headSize + $1]
                    } / Double(headSize).squareRoot()
                }
                let largest = scores.max() ?? 0
                let weights = scores.map { exp($0 - largest) }
                let sum = weights.reduce(0, +)
                for d in 0..<headSize {
                    let weighted = (0...row).reduce(0.0) {
                        $0 + weights[$1] * values[($1 * kvHeads + kvHead) * headSize + d]
                    }
                    result.append(weighted / sum)
                }
            }
        }
        return result
    }

    @Test(
        arguments: KVCache.Precision.allCases,
        [(1, 1, 16, 40), (9, 3, 64, 300), (4, 4, 32, 37), (14, 1, 48, 20), (2, 1, 256, 33)])
    func resultsAreThoseOfTheDefinition(precision: KVCache.Precision, sizes: (Int, Int, Int, Int)) {
        let (heads, kvHeads, headSize, length) = sizes
        var random = SplitMix64(seed: 1)
        let s = RandomSequence(length: length, heads: heads, kvHeads: kvHeads, headSize: headSize, using: &random)
        let expected = reference(s, kvHeads: kvHeads, headSize: headSize, precision)
        for set in InstructionSet.supported {
            let fixture = Fixture(
                [length], kvHeads: kvHeads, headSize: headSize, precision: precision, using: &random)
            let result = fixture.run([(0, 0..<length)], of: [s], Compute(threads: 2, instructionSet: set))
            let error = zip(result[0], expected).map { abs(Double($0) - $1) }.max() ?? .infinity
            // Integer ties may round either way, and so may queries and weights.
            let tolerances: [KVCache.Precision: Double] = [.fp16: 4e-5, .fp32: 4e-5, .int16: 4e-3, .int8: 2e-2]
            #expect(error < tolerances[precision] ?? 0, "\(set): \(error)")
        }
    }

    @Test(arguments: KVCache.Precision.allCases)
    func chunksThreadsAndNeighboursDoNotMatter(precision: KVCache.Precision) {
        var random = SplitMix64(seed: 2)
        let lengths = [700, 45, 530, 16]
        let all = lengths.map { RandomSequence(length: $0, heads: 6, kvHeads: 2, headSize: 32, using: &random) }
        for set in InstructionSet.supported {
            let alone = Compute(threads: 1, instructionSet: set)
            let expected = all.indices.map { index in
                let fixture = Fixture(lengths, kvHeads: 2, headSize: 32, precision: precision, using: &random)
                return fixture.run([(index, 0..<lengths[index])], of: all, alone)[0]
            }
            for threads in [1, 2, 5] {
                let compute = Compute(threads: threads, instructionSet: set)
                let results = inRandomChunks(all, compute, precision, using: &random)
                for index in all.indices { #expect(results[index] == expected[index], "\(set), sequence \(index)") }
            }
            let fixture = Fixture(lengths, kvHeads: 2, headSize: 32, precision: precision, using: &random)
            let rows = (0..<lengths[0]).map { fixture.run([(0, $0..<$0 + 1)], of: all, alone)[0] }
            #expect(rows.flatMap { $0 } == expected[0], "\(set), row by row")
        }
    }

    /// The sequences interleaved: each step runs some rows of some of them.
    private func inRandomChunks(
        _ all: [RandomSequence], _ compute: Compute, _ precision: KVCache.Precision,
        using random: inout SplitMix64
    ) -> [[Float]] {
        let fixture = Fixture(all.map(\.length), kvHeads: 2, headSize: 32, precision: precision, using: &random)
        var done = all.map { _ in 0 }
        var results: [[Float]] = all.map { _ in [] }
        while let _ = all.indices.first(where: { done[$0] < all[$0].length }) {
            let batch = all.indices.shuffled(using: &random).compactMap { index -> (index: Int, rows: Range<Int>)? in
                let left = all[index].length - done[index]
                let count =
                    Bool.random(using: &random) ? min(1, left) : Int.random(in: 0...min(90, left), using: &random)
                return count == 0 ? nil : (index, done[index]..<done[index] + count)
            }
            guard !batch.isEmpty else { continue }
            for (item, result) in zip(batch, fixture.run(batch, of: all, compute)) {
                results[item.index] += result
                done[item.index] = item.rows.upperBound
            }
        }
        return results
    }

    @Test(arguments: KVCache.Precision.allCases) func whatLiesBehindASequenceIsNotRead(precision: KVCache.Precision) {
        var random = SplitMix64(seed: 3)
        let s = RandomSequence(length: 40, heads: 2, kvHeads: 1, headSize: 16, using: &random)
        var poisoned = s.values
        var poisonedKeys = s.keys
        for row in 20..<40 {
            for column in 0..<16 {
                poisoned[row, column] = .nan
                poisonedKeys[row, column] = .nan
            }
        }
        for set in InstructionSet.supported {
            let compute = Compute(threads: 2, instructionSet: set)
            let fixture = Fixture([40], kvHeads: 1, headSize: 16, precision: precision, using: &random)
            let whole = SequenceSlice(rows: 0..<40, start: 0, blockTable: fixture.tables[0])
            let clean = fixture.run([(0, 0..<40)], of: [s], compute)[0]
            compute.store(
                keys: poisonedKeys.allColumns, values: poisoned.allColumns, layer: 1, sequences: [whole],
                in: fixture.cache)
            let result = compute.attend(
                queries: s.queries.allColumns, heads: 2, layer: 1, sequences: [whole], cache: fixture.cache)
            #expect(Array(result.elements[..<(20 * 32)]) == Array(clean[..<(20 * 32)]))
            #expect(result.elements[(20 * 32)...].allSatisfy { $0.isNaN })
        }
    }

    /// Values of all sizes: zeros, or values tiny beside others, still get their share of the weights.
    @Test(arguments: KVCache.Precision.allCases) func smallValuesKeepTheirWeight(precision: KVCache.Precision) {
        var random = SplitMix64(seed: 5)
        let sizes: [Float] = [0, 1e-3, 1, 1e-36]
        let zeros = Tensor(zeros: [sizes.count, 16])
        let values = Tensor(sizes.flatMap { Array(repeating: $0, count: 16) }, shape: [sizes.count, 16])
        for set in InstructionSet.supported {
            let compute = Compute(threads: 1, instructionSet: set)
            let fixture = Fixture([sizes.count], kvHeads: 1, headSize: 16, precision: precision, using: &random)
            let slice = SequenceSlice(rows: 0..<sizes.count, start: 0, blockTable: fixture.tables[0])
            compute.store(
                keys: zeros.allColumns, values: values.allColumns, layer: 0, sequences: [slice], in: fixture.cache)
            let result = compute.attend(
                queries: zeros.allColumns, heads: 1, layer: 0, sequences: [slice], cache: fixture.cache)
            for (row, expected) in [0, 5e-4, 1.001 / 3, 1.001 / 4].enumerated() {
                #expect(abs(Double(result[row, 0]) - expected) <= 1e-3 * expected, "\(set), row \(row)")
            }
        }
    }

    @Test(arguments: KVCache.Precision.allCases) func layersAreApart(precision: KVCache.Precision) {
        var random = SplitMix64(seed: 4)
        let s = RandomSequence(length: 5, heads: 1, kvHeads: 1, headSize: 16, using: &random)
        let compute = Compute(threads: 1)
        let fixture = Fixture([5], kvHeads: 1, headSize: 16, precision: precision, using: &random)
        let expected = fixture.run([(0, 0..<5)], of: [s], compute)[0]
        let slice = SequenceSlice(rows: 0..<5, start: 0, blockTable: fixture.tables[0])
        compute.store(
            keys: s.values.allColumns, values: s.keys.allColumns, layer: 0, sequences: [slice], in: fixture.cache)
        let again = compute.attend(
            queries: s.queries.allColumns, heads: 1, layer: 1, sequences: [slice], cache: fixture.cache)
        #expect(again.elements == expected)
    }
}
