import Support
import Testing
import WireFormats

@Suite struct DamagedBodyTests {
    /// What is read, written and read again is the same, and no bytes trap.
    @Test func survivesDamage() throws {
        let seed = Array(
            #"{"model":"m","messages":[{"role":"user","content":"é\u00e9\n"}],"n":1.5e1,"x":[null,true]}"#.utf8)
        var random = RandomBytes(seed: 7)
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = seed
            for _ in 0...random.next(below: 3) {
                let place = random.next(below: bytes.count)
                switch random.next(below: 3) {
                case 0: bytes[place] = UInt8(random.next(below: 256))
                case 1: bytes.remove(at: place)
                default: bytes.insert(UInt8(random.next(below: 128)), at: place)
                }
            }
            if let value = try? JSON.parse(bytes) {
                accepted += 1
                #expect(try JSON.parse(Array(value.text.utf8)) == value)
            }
            _ = try? ChatCompletionRequest(body: bytes)
            _ = try? AskRequest(body: bytes)
        }
        #expect(accepted > 100)
    }
}

/// Numbers for damage that is the same in every run.
struct RandomBytes {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next(below bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(bound))
    }
}
