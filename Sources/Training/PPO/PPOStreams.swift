/// Streams of random numbers under the run's seed, independent of each other and of those of other stages.
enum PPOStreams {
    static func prompt(_ position: Int) -> UInt64 { 7 << 48 | UInt64(position) }
    static func answer(iteration: Int, index: Int) -> UInt64 { 8 << 48 | UInt64(iteration) << 24 | UInt64(index) }
    static func heldOut(_ index: Int) -> UInt64 { 9 << 48 | UInt64(index) }
}
