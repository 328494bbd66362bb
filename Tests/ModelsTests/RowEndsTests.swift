import Foundation
import Models
import Support
import Tensors
import TestSupport
import Testing

/// The ends of rows of tokens.
@Suite struct RowEndsTests {
    private let compute = Compute(threads: 2)

    private func sizes(endsRows: Bool) throws -> VisionConfiguration {
        try VisionConfiguration(
            imageSize: 32, patchSize: 8, hidden: 8, layers: 1, heads: 2, feedForward: 16, scale: 2, textHidden: 6,
            endsRows: endsRows)
    }

    @Test func anEndStandsBehindEachRow() {
        // Two tiles of 2 × 2 tokens; the end is -1.
        let tokens = Tensor((0..<8).map(Float.init), shape: [8, 1])
        let rows = RowEnds(tokens: 8, side: 2).added(to: tokens, end: Tensor([-1], shape: [1]), on: compute)
        #expect(rows.elements == [0, 1, -1, 2, 3, -1, 4, 5, -1, 6, 7, -1])
    }

    @Test func theBackwardPassIsTheTransposeOfTheForwardPass() {
        var generator = SplitMix64(seed: 1)
        let ends = RowEnds(tokens: 96, side: 4)
        let x = Tensor(normal: 1, [96, 5], using: &generator)
        let end = Tensor(normal: 1, [5], using: &generator)
        let y = ends.added(to: x, end: end, on: compute)
        let dy = Tensor(normal: 1, y.shape, using: &generator)
        let gradient = ends.backward(dy, on: compute)
        func dot(_ a: Tensor, _ b: Tensor) -> Double {
            zip(a.elements, b.elements).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        #expect(abs(dot(y, dy) - dot(x, gradient.tokens) - dot(end, gradient.end)) < 1e-4)
    }

    @Test(arguments: [false, true])
    func aTileHasAPositionForEachEmbedding(endsRows: Bool) throws {
        let sizes = try sizes(endsRows: endsRows)
        var generator = SplitMix64(seed: 2)
        let encoder = VisionEncoder(VisionWeights(configuration: sizes, using: &generator), on: compute)
        let pixels = Tensor(normal: 1, [3, 3, 32, 32], using: &generator)
        let embeddings = encoder.encode(pixels)
        #expect(sizes.positionsPerTile == (endsRows ? 6 : 4))
        #expect(embeddings.rows == 3 * sizes.positionsPerTile)
        // A tile that is encoded alone gives the same embeddings.
        let second = encoder.encode(pixels.rows(96..<192).reshaped([1, 3, 32, 32]))
        let rows = sizes.positionsPerTile
        #expect(embeddings.rows(rows..<2 * rows).elements == second.elements)
    }

    @Test func weightsKeepTheirRowEnd() throws {
        var generator = SplitMix64(seed: 3)
        let end = Tensor(normal: 1, [1, 6], using: &generator)
        let weights = VisionWeights(configuration: try sizes(endsRows: false), using: &generator)
            .with(rowEnd: end, reader: nil)
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("model.safetensors").path
            try weights.write(to: path)
            let read = try VisionWeights(path: path)
            #expect(read.configuration.endsRows && read.configuration == weights.configuration)
            #expect(read.digest == weights.digest)
        }
    }
}
