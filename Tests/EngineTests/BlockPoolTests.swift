import Engine
import Support
import Testing

@Suite struct BlockPoolTests {
    @Test func blocksAreNeverLostNorSharedUnderRandomUse() {
        let random = SplitMix64.Indexed(seed: 7)
        var pool = BlockPool(count: 40)
        var tables: [[Int32]] = Array(repeating: [], count: 6)
        var refused = 0
        for step in 0..<5_000 {
            let owner = Int(random.uniform(at: 3 * step) * 6)
            if random.uniform(at: 3 * step + 1) < 0.3 {
                pool.release(&tables[owner])
            } else {
                let positions = Int(random.uniform(at: 3 * step + 2) * 300)
                let before = tables[owner]
                if pool.extend(&tables[owner], to: positions) {
                    #expect(tables[owner].count >= BlockPool.blocks(for: positions))
                    #expect(tables[owner].starts(with: before))
                } else {
                    refused += 1
                    #expect(tables[owner] == before)
                }
            }
            #expect(pool.isConsistent(holding: tables), "after step \(step)")
        }
        #expect(refused > 0)
    }

    @Test func aBlockHoldsSixteenPositions() {
        #expect([0, 1, 16, 17, 32, 33].map(BlockPool.blocks) == [0, 1, 1, 2, 2, 3])
    }
}
