import Models
import Support
import Tensors
import TestSupport
import Testing

@Suite struct ScalarHeadTests {
    private let compute = Compute(threads: 2)

    private func head(_ hidden: Int, seed: UInt64 = 1) -> ScalarHead {
        var generator = SplitMix64(seed: seed, stream: 0)
        var head = ScalarHead(starting: hidden, using: &generator)
        head.bias[0, 0] = 0.7
        return head
    }

    @Test func scoresAreTheProductAndTheBias() {
        var generator = SplitMix64(seed: 2, stream: 0)
        for (rows, width) in [(1, 1), (3, 17), (17, 576)] {
            let head = head(width)
            let hidden = Tensor(normal: 1, [rows, width], using: &generator)
            for (row, score) in head.scores(hidden, on: compute).enumerated() {
                let expected = (0..<width).reduce(0.7) { $0 + Double(head.weight[0, $1]) * Double(hidden[row, $1]) }
                #expect(abs(Double(score) - expected) < 1e-5 * max(1, abs(expected)))
            }
        }
    }

    @Test func aScoreDoesNotDependOnItsNeighbours() {
        var generator = SplitMix64(seed: 3, stream: 0)
        let head = head(64)
        let hidden = Tensor(normal: 1, [9, 64], using: &generator)
        let together = head.scores(hidden, on: compute)
        #expect((0..<9).map { head.scores(hidden.rows($0..<$0 + 1), on: compute)[0] } == together)
    }

    /// Scores are linear in each argument, so differences are exact up to rounding for any step.
    @Test(arguments: [(1, 1), (3, 17), (5, 64)])
    func gradientsEqualFiniteDifferences(rows: Int, width: Int) {
        var generator = SplitMix64(seed: 4, stream: 0)
        let head = head(width)
        let hidden = Tensor(normal: 1, [rows, width], using: &generator)
        let dscores = (0..<rows).map { _ in generator.normal() }
        func loss(_ head: ScalarHead, _ hidden: Tensor) -> Double {
            zip(head.scores(hidden, on: compute), dscores).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        let (dhidden, dhead) = head.backward(dscores, hidden: hidden, on: compute)
        #expect(dhidden.shape == hidden.shape && dhead.weight.shape == [1, width] && dhead.bias.shape == [1])
        func check(_ gradient: Float, _ change: (Float) -> Double, _ name: String) {
            let difference = (change(1) - change(-1)) / 2
            #expect(abs(difference - Double(gradient)) < 1e-5 * max(1, abs(difference)), "\(name)")
        }
        for column in 0..<width {
            check(
                dhead.weight[0, column],
                { step in
                    var moved = head
                    moved.weight[0, column] += step
                    return loss(moved, hidden)
                }, "weight \(column)")
            for row in 0..<rows {
                check(
                    dhidden[row, column],
                    { step in
                        var moved = hidden
                        moved[row, column] += step
                        return loss(head, moved)
                    }, "hidden \(row), \(column)")
            }
        }
        check(
            dhead.bias[0, 0],
            { step in
                var moved = head
                moved.bias[0, 0] += step
                return loss(moved, hidden)
            }, "bias")
    }

    @Test func shiftAndGainAreFoldedIn() {
        var generator = SplitMix64(seed: 5, stream: 0)
        let head = head(48)
        let hidden = Tensor(normal: 1, [20, 48], using: &generator)
        let before = head.scores(hidden, on: compute)
        let after = head.normalized(shift: 1.5, gain: 0.25).scores(hidden, on: compute)
        for (a, b) in zip(before, after) { #expect(abs(0.25 * (a - 1.5) - b) < 1e-6) }
        #expect(before.indices.sorted { before[$0] < before[$1] } == after.indices.sorted { after[$0] < after[$1] })
    }

    @Test func itStartsWithTheStatedDeviation() {
        var generator = SplitMix64(seed: 6, stream: 0)
        let head = ScalarHead(starting: 575, using: &generator)
        let deviation = (compute.squaredNorm(head.weight) / 575).squareRoot()
        #expect(abs(deviation * 24 - 1) < 0.1)
        #expect(head.bias.elements == [0])
    }

    @Test func parametersGiveItBack() {
        let head = head(5)
        let again = ScalarHead(ParameterSet(head.parameters))
        #expect(again.weight.elements == head.weight.elements && again.bias.elements == [0.7])
    }
}
