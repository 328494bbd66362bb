import Datasets
import Testing

@Suite struct SeededGeneratorTests {
    /// The first outputs for seed 1234567, as the algorithm's authors publish them.
    @Test func givesThePublishedNumbers() {
        var generator = SeededGenerator(seed: 1_234_567)
        let expected: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
        ]
        for number in expected {
            #expect(generator.next() == number)
        }
    }

    @Test func drawsCoverARangeEvenly() {
        var generator = SeededGenerator(seed: 5)
        var counts: [Int: Int] = [:]
        for _ in 0..<7_000 { counts[generator.draw(-3...3), default: 0] += 1 }
        #expect(counts.keys.sorted() == Array(-3...3))
        #expect(counts.values.allSatisfy { (850...1_150).contains($0) })
        #expect(generator.draw(9...9) == 9)
    }

    @Test func shufflingKeepsTheElements() {
        var generator = SeededGenerator(seed: 6)
        let shuffled = generator.shuffled(Array(0..<100))
        #expect(shuffled != Array(0..<100) && shuffled.sorted() == Array(0..<100))
        #expect(generator.shuffled([Int]()).isEmpty)
    }

    @Test func seedsTellTheirSplit() {
        for split in SeedSplit.allCases {
            for index in [0, 1, 999_999_999] as [UInt64] {
                #expect(SeedSplit(of: split.seed(at: index)) == split)
            }
        }
        #expect(SeedSplit.training.seed(at: 7) == 7)
        #expect(SeedSplit(of: .max) == .test)
    }
}
