import Support
import Testing

/// Fixed numbers: every data set, run and seeded answer depends on them.
@Suite struct SplitMix64Tests {
    /// The first outputs for seed 1234567, as the algorithm's authors publish them.
    @Test func givesThePublishedNumbers() {
        var generator = SplitMix64(seed: 1_234_567)
        let expected: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
        ]
        for number in expected {
            #expect(generator.next() == number)
        }
    }

    @Test(arguments: [
        (
            3 as UInt64, 5 as UInt64,
            [6_317_840_770_260_608_185, 6_067_413_587_117_142_554, 7_990_923_685_595_926_923] as [UInt64]
        ),
        (3, 6, [3_964_224_889_987_985_886, 9_884_466_219_704_705_332, 8_807_792_107_841_953_916]),
        (3, 0, [6_084_141_021_458_535_187, 848_501_515_627_942_889, 16_862_452_455_912_575_047]),
        (.max, 1 << 48, [4_370_861_585_559_760_687, 15_618_471_028_565_980_984, 1_136_263_355_350_533_048]),
    ])
    func streamsHaveFixedNumbers(seed: UInt64, stream: UInt64, expected: [UInt64]) {
        var generator = SplitMix64(seed: seed, stream: stream)
        for number in expected { #expect(generator.next() == number) }
    }

    @Test func drawsHaveFixedNumbers() {
        var generator = SplitMix64(seed: 5)
        #expect((0..<12).map { _ in generator.draw(-3...3) } == [-1, 2, -2, -3, -2, -1, 3, 0, -1, 1, 0, -3])
        var choosing = SplitMix64(seed: 5)
        #expect((0..<4).map { _ in choosing.draw(from: [-3, -2, -1, 0, 1, 2, 3]) } == [-1, 2, -2, -3])
        var shuffling = SplitMix64(seed: 6)
        #expect(shuffling.shuffled(Array(0..<10)) == [1, 2, 5, 6, 8, 3, 9, 0, 4, 7])
        #expect(shuffling.next() == 16_763_386_040_539_770_622)
    }

    @Test func uniformAndNormalNumbersAreFixed() {
        var uniform = SplitMix64(seed: 9, stream: 2)
        #expect((0..<4).map { _ in uniform.uniform() * 0x1p24 } == [2_972_333, 5_243_773, 817_770, 1_982_954])
        var normal = SplitMix64(seed: 1, stream: 0)
        let bits = (0..<3).map { _ in normal.normal().bitPattern }
        #expect(bits == [0x3E00_36E4, 0x3F59_1D1B, 0x3E99_3390])
    }

    @Test func indexedDrawsAreFixed() {
        let expected: [(seed: UInt64, bits: [UInt64])] = [
            (0, [2_537_880_150_861_722, 5_876_733_520_225_071, 6_315_957_190_297_641, 979_462_225_898_926]),
            (7, [4_106_355_846_469_399, 6_498_767_946_634_617, 5_852_016_415_240_665, 331_109_317_911_753]),
            (.max, [2_403_545_779_318_817, 3_298_815_481_631_822, 6_672_578_802_367_200, 72_827_314_164_055]),
        ]
        for (seed, bits) in expected {
            let random = SplitMix64.Indexed(seed: seed)
            #expect([0, 1, 2, 1_000_000].map { UInt64(random.uniform(at: $0) * 0x1p53) } == bits)
        }
    }

    @Test func drawsCoverARangeEvenly() {
        var generator = SplitMix64(seed: 5)
        var counts: [Int: Int] = [:]
        for _ in 0..<7_000 { counts[generator.draw(-3...3), default: 0] += 1 }
        #expect(counts.keys.sorted() == Array(-3...3))
        #expect(counts.values.allSatisfy { (850...1_150).contains($0) })
        #expect(generator.draw(9...9) == 9)
    }

    @Test func shufflingKeepsTheElements() {
        var generator = SplitMix64(seed: 6)
        let shuffled = generator.shuffled(Array(0..<100))
        #expect(shuffled != Array(0..<100) && shuffled.sorted() == Array(0..<100))
        #expect(generator.shuffled([Int]()).isEmpty)
    }

    @Test func uniformNumbersFillTheUnitInterval() {
        var generator = SplitMix64(seed: 0, stream: 0)
        let numbers = (0..<10_000).map { _ in generator.uniform() }
        #expect(numbers.allSatisfy { $0 >= 0 && $0 < 1 })
        #expect(abs(numbers.reduce(0, +) / 10_000 - 0.5) < 0.01)
        #expect(numbers.min() ?? 1 < 0.001 && numbers.max() ?? 0 > 0.999)
    }
}
