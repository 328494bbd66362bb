import Foundation
import Tensors
import Testing

@Suite struct AttentionTests {
    private let heads = 4
    private let keyHeads = 2
    private let size = 6

    /// Attention in double precision over packed rows, computed row by row from a mask.
    private func plain(_ q: [Double], _ k: [Double], _ v: [Double], sees: [[Int]]) -> [Double] {
        let (step, keyStep) = (heads * size, keyHeads * size)
        var output = [Double](repeating: 0, count: q.count)
        for row in sees.indices {
            for head in 0..<heads {
                let keyHead = head / (heads / keyHeads)
                let scores = sees[row].map { key in
                    (0..<size).reduce(0.0) {
                        $0 + q[row * step + head * size + $1] * k[key * keyStep + keyHead * size + $1]
                    } / Double(size).squareRoot()
                }
                let weights = scores.map { exp($0) }
                let sum = weights.reduce(0, +)
                for (weight, key) in zip(weights, sees[row]) {
                    for i in 0..<size {
                        output[row * step + head * size + i] += weight / sum * v[key * keyStep + keyHead * size + i]
                    }
                }
            }
        }
        return output
    }

    private func inputs(_ rows: Int, seed: UInt64) -> (q: Tensor, k: Tensor, v: Tensor) {
        var noise = Noise(seed)
        return (
            noise.tensor([rows, heads * size], scale: 2), noise.tensor([rows, keyHeads * size]),
            noise.tensor([rows, keyHeads * size])
        )
    }

    private static let tree: [AttentionSpans.Segment] = [
        .init(length: 3, parent: nil), .init(length: 2, parent: 0), .init(length: 4, parent: 0),
        .init(length: 1, parent: 2), .init(length: 2, parent: 1),
    ]

    private static let cases: [(spans: AttentionSpans, sees: [[Int]])] = [
        (
            .causal(lengths: [1, 3, 17]),
            [1, 3, 17].reduce(into: []) { sees, length in
                let start = sees.count
                for row in start..<start + length { sees.append(Array(start...row)) }
            }
        ),
        (
            .full(lengths: [3, 1, 17]),
            [3, 1, 17].reduce(into: []) { sees, length in
                let start = sees.count
                for _ in 0..<length { sees.append(Array(start..<start + length)) }
            }
        ),
        (
            .tree([tree, [.init(length: 2, parent: nil)]]),
            [
                [0], [0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4], [0, 1, 2, 5], [0, 1, 2, 5, 6],
                [0, 1, 2, 5, 6, 7],
                [0, 1, 2, 5, 6, 7, 8], [0, 1, 2, 5, 6, 7, 8, 9], [0, 1, 2, 3, 4, 10], [0, 1, 2, 3, 4, 10, 11], [12],
                [12, 13],
            ]
        ),
    ]

    @Test(arguments: cases.indices)
    func matchesPlainAttentionForwardAndBackward(index: Int) {
        let (spans, sees) = Self.cases[index]
        let (q, k, v) = inputs(sees.count, seed: 3)
        var noise = Noise(4)
        let doutput = noise.tensor(q.shape)
        let doubles = [q, k, v].map { $0.elements.map(Double.init) }
        let gradients = [
            numericalGradient(of: { plain($0, doubles[1], doubles[2], sees: sees) }, at: q, weights: doutput),
            numericalGradient(of: { plain(doubles[0], $0, doubles[2], sees: sees) }, at: k, weights: doutput),
            numericalGradient(of: { plain(doubles[0], doubles[1], $0, sees: sees) }, at: v, weights: doutput),
        ]
        for compute in computes {
            let (output, state) = compute.attention(q, k, v, heads: heads, kvHeads: keyHeads, spans: spans)
            #expect(difference(output, plain(doubles[0], doubles[1], doubles[2], sees: sees)) < 1e-6)
            let (dq, dk, dv) = compute.attentionBackward(
                doutput, q: q, k: k, v: v, state: state, heads: heads, kvHeads: keyHeads, spans: spans)
            #expect(difference(dq, gradients[0]) < 1e-5)
            #expect(difference(dk, gradients[1]) < 1e-5)
            #expect(difference(dv, gradients[2]) < 1e-5)
        }
    }

    @Test func positionsCountTheRowsSeenBefore() {
        #expect(AttentionSpans.causal(lengths: [2, 3]).positions == [0, 1, 0, 1, 2])
        #expect(AttentionSpans.tree([Self.tree]).positions == [0, 1, 2, 3, 4, 3, 4, 5, 6, 7, 5, 6])
    }

    /// The rows on the tree's path through segments 0, 1 and 4.
    private let path = [0, 1, 2, 3, 4, 10, 11]

    @Test func aPathInATreeIsBitwiseTheSameAlone() {
        let (q, k, v) = inputs(12, seed: 5)
        let ids = path.map(Int32.init)
        for compute in computes {
            let all = compute.attention(q, k, v, heads: heads, kvHeads: keyHeads, spans: .tree([Self.tree])).output
            let alone = compute.attention(
                compute.gather(ids, from: q), compute.gather(ids, from: k), compute.gather(ids, from: v), heads: heads,
                kvHeads: keyHeads, spans: .causal(lengths: [7])
            ).output
            #expect(compute.gather(ids, from: all).elements == alone.elements)
        }
    }

    @Test func siblingsAreNotEvenRead() {
        let (q, k, v) = inputs(12, seed: 6)
        let spans = AttentionSpans.tree([Self.tree])
        var (poisonedKeys, poisonedValues) = (k, v)
        for row in 5...9 {
            for column in 0..<keyHeads * size {
                poisonedKeys[row, column] = .nan
                poisonedValues[row, column] = .nan
            }
        }
        let ids = path.map(Int32.init)
        for compute in computes {
            let clean = compute.attention(q, k, v, heads: heads, kvHeads: keyHeads, spans: spans).output
            let poisoned = compute.attention(
                q, poisonedKeys, poisonedValues, heads: heads, kvHeads: keyHeads, spans: spans
            ).output
            #expect(compute.gather(ids, from: poisoned).elements == compute.gather(ids, from: clean).elements)
            #expect(poisoned[5, 0].isNaN)
        }
    }

    @Test func longSequencesMatchShortPieces() {
        let rows = 150
        let (q, k, v) = inputs(rows, seed: 7)
        var noise = Noise(8)
        let doutput = noise.tensor(q.shape)
        let sees = (0..<rows).map { Array(0...$0) }
        let doubles = [q, k, v].map { $0.elements.map(Double.init) }
        for compute in computes {
            let spans = AttentionSpans.causal(lengths: [rows])
            let (output, state) = compute.attention(q, k, v, heads: heads, kvHeads: keyHeads, spans: spans)
            #expect(difference(output, plain(doubles[0], doubles[1], doubles[2], sees: sees)) < 1e-6)
            let all = compute.attentionBackward(
                doutput, q: q, k: k, v: v, state: state, heads: heads, kvHeads: keyHeads, spans: spans)
            let single = Compute(threads: 1, instructionSet: compute.instructionSet).attentionBackward(
                doutput, q: q, k: k, v: v, state: state, heads: heads, kvHeads: keyHeads, spans: spans)
            #expect(all.dq.elements == single.dq.elements && all.dk.elements == single.dk.elements)
            #expect(all.dv.elements == single.dv.elements)
        }
    }
}
