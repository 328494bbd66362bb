import Datasets
import Testing

@Suite struct SeedSplitTests {
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
