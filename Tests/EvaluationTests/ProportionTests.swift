import Evaluation
import Testing

@Suite struct ProportionTests {
    /// Wilson's formula computed in Python.
    @Test(arguments: [
        (0, 10, 0.0, 0.277_532_8), (5, 10, 0.236_593_1, 0.763_406_9), (10, 10, 0.722_467_2, 1.0),
        (495, 500, 0.976_806_9, 0.995_721_2),
    ])
    func matchesKnownIntervals(count: Int, total: Int, low: Double, high: Double) {
        let share = Proportion(count, of: total)
        #expect(abs(share.low - low) < 1e-6 && abs(share.high - high) < 1e-6, "\(share)")
    }

    @Test func saysNothingOfNothing() {
        let share = Proportion(0, of: 0)
        #expect(share.share == 0 && share.low == 0 && share.high == 1)
    }

    @Test func intervalHoldsTheShare() {
        for total in 1...60 {
            for count in 0...total {
                let share = Proportion(count, of: total)
                #expect(0 <= share.low && share.low <= share.share && share.share <= share.high && share.high <= 1)
            }
        }
    }
}
