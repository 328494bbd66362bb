import Models
import Support
import Tensors
import TestSupport
import Testing

@Suite struct TrainableDecoderTests {
    private let compute = Compute(threads: 2)
    private let configuration = DecoderConfiguration(
        layers: 2, hidden: 24, feedForward: 20, heads: 3, kvHeads: 1, headSize: 8, vocabulary: 31, contextLength: 64,
        ropeTheta: 100, normEpsilon: 1e-5)

    private func base() -> FrozenDecoder {
        var generator = SplitMix64(seed: 11, stream: 0)
        return FrozenDecoder(configuration: configuration, compute: compute) { weight in
            let shape = weight.shape(in: configuration)
            if shape.count == 1 { return Tensor((0..<shape[0]).map { 0.8 + 0.01 * Float($0) }, shape: shape) }
            return Tensor(normal: 1.5 / Float(shape[1]).squareRoot(), shape, using: &generator)
        }
    }

    /// An adapter with a non-zero B, because A would have no gradient otherwise.
    private func adapter(seed: UInt64, scale: Float = 0.4) -> LowRankAdapter {
        var generator = SplitMix64(seed: seed, stream: 0)
        return LowRankAdapter(
            rank: 3, alpha: 4,
            layers: (0..<configuration.layers).map { _ in
                Dictionary(
                    uniqueKeysWithValues: AdapterModule.allCases.map { module in
                        let (outputs, inputs) = module.shape(in: configuration)
                        return (
                            module,
                            LowRankAdapter.Pair(
                                a: Tensor(normal: scale, [3, inputs], using: &generator),
                                b: Tensor(normal: scale, [outputs, 3], using: &generator))
                        )
                    })
            })
    }

    /// Two trees. In the first, two branches follow one beginning, and one of them branches again.
    private func tree() -> (rows: PackedRows, paths: [[Int]]) {
        var rows = PackedRows()
        let root = rows.append([1, 2, 3, 4, 5])
        let left = rows.append([6, 7], after: root)
        let right = rows.append([8, 9, 10], after: root)
        let deep = rows.append([11], after: right)
        let deeper = rows.append([12, 13], after: right)
        let other = rows.append([14, 15, 16])
        let paths = [[root, left], [root, right, deep], [root, right, deeper], [other]]
        return (rows, paths.map { $0.flatMap { Array($0.rows) } })
    }

    @Test func aTreeEqualsItsPathsOneByOne() {
        let decoder = TrainableDecoder(base(), adapter: adapter(seed: 3))
        let (rows, paths) = tree()
        let embeddings = decoder.base.embeddings(of: rows.tokens)
        let whole = decoder.forward(embeddings, rows: rows, outputs: Array(0..<rows.count)).hidden
        for path in paths {
            var alone = PackedRows()
            _ = alone.append(path.map { rows.tokens[$0] })
            let places = path.map { Int32($0) }
            let hidden = decoder.forward(
                compute.gather(places, from: embeddings), rows: alone, outputs: Array(path.indices)
            ).hidden
            #expect(largestDifference(compute.gather(places, from: whole), hidden) < 1e-6)
        }
    }

    @Test func siblingsDoNotSeeEachOther() {
        let decoder = TrainableDecoder(base(), adapter: adapter(seed: 3))
        let (rows, paths) = tree()
        let embeddings = decoder.base.embeddings(of: rows.tokens)
        var changed = embeddings
        for row in paths[0].suffix(2) { changed[row, 0] += 1 }
        let before = decoder.forward(embeddings, rows: rows, outputs: Array(0..<rows.count)).hidden
        let after = decoder.forward(changed, rows: rows, outputs: Array(0..<rows.count)).hidden
        for row in 0..<rows.count {
            let isSame = before.rows(row..<row + 1).elements == after.rows(row..<row + 1).elements
            #expect(isSame == !paths[0].suffix(2).contains(row), "row \(row)")
        }
    }

    /// Moves one tensor at a time along a random direction: the loss must change as its gradient predicts.
    @Test func gradientsEqualFiniteDifferences() throws {
        let base = base()
        let adapter = adapter(seed: 5)
        let rows = tree().rows
        let outputs = [4, 6, 4, 9, 11, 15]
        let targets: [Int32] = [6, 17, 8, 11, 20, 21]
        var generator = SplitMix64(seed: 7, stream: 0)
        let parameters = ParameterSet(
            [(name: "embeddings", tensor: base.embeddings(of: rows.tokens))] + adapter.parameters)

        func pass(_ parameters: ParameterSet) -> (decoder: TrainableDecoder, pass: TrainableDecoder.Pass) {
            let decoder = TrainableDecoder(
                base, adapter: LowRankAdapter(parameters, like: configuration, rank: 3, alpha: 4))
            return (decoder, decoder.forward(parameters["embeddings"], rows: rows, outputs: outputs))
        }
        func loss(_ parameters: ParameterSet) -> Double {
            let logits = base.logits(pass(parameters).pass.hidden)
            return compute.crossEntropy(logits, targets: targets).losses.reduce(0) { $0 + Double($1) }
        }
        let run = pass(parameters)
        let (_, dlogits) = compute.crossEntropy(logits: base.logits(run.pass.hidden), targets: targets)
        let gradients = run.decoder.backward(run.pass, dhidden: base.logitsBackward(dlogits))
        let found = ParameterSet([(name: "embeddings", tensor: gradients.embeddings)] + gradients.adapter.parameters)

        for (name, gradient) in zip(found.names, found.tensors) {
            let norm = compute.squaredNorm(gradient).squareRoot()
            try #require(norm > 1e-3, "\(name) has next to no gradient")
            // Half along the gradient, so that the slope is large compared with rounding.
            var direction = Tensor(normal: 1 / Float(gradient.count).squareRoot(), gradient.shape, using: &generator)
            compute.add(&direction, gradient, scale: Float(1 / norm))
            let slope = zip(direction.elements, gradient.elements).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            let step: Float = 1e-3
            var (up, down) = (parameters, parameters)
            compute.add(&up[name], direction, scale: step)
            compute.add(&down[name], direction, scale: -step)
            let difference = (loss(up) - loss(down)) / Double(2 * step)
            #expect(abs(difference - slope) < 5e-3 * abs(slope), "\(name): \(difference), by the gradient \(slope)")
        }
    }

    @Test func anAdapterStartsByChangingNothing() {
        var generator = SplitMix64(seed: 2, stream: 0)
        let fresh = LowRankAdapter(starting: configuration, rank: 4, alpha: 8, using: &generator)
        let base = base()
        let rows = tree().rows
        let embeddings = base.embeddings(of: rows.tokens)
        let zero = LowRankAdapter(
            rank: 4, alpha: 8,
            layers: fresh.layers.map {
                $0.mapValues { .init(a: Tensor(zeros: $0.a.shape), b: Tensor(zeros: $0.b.shape)) }
            })
        let outputs = Array(0..<rows.count)
        let one = TrainableDecoder(base, adapter: fresh).forward(embeddings, rows: rows, outputs: outputs).hidden
        let other = TrainableDecoder(base, adapter: zero).forward(embeddings, rows: rows, outputs: outputs).hidden
        #expect(one.elements == other.elements)
        #expect(fresh.parameters.count == 2 * 7 * configuration.layers)
    }
}
