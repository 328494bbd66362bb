import DequeModule

/// Keys in the order in which they were last used.
package struct RecencyQueue<Key: Hashable> {
    private var stamps: [Key: UInt64] = [:]
    /// Every use, oldest first; uses that a later use or a removal overtook are skipped.
    private var uses: Deque<(key: Key, stamp: UInt64)> = []
    private var clock: UInt64 = 0

    /// No keys.
    package init() {}

    /// Keys that are in it.
    package var count: Int { stamps.count }

    /// Whether `key` is in it.
    package func contains(_ key: Key) -> Bool { stamps[key] != nil }

    /// The keys, the one used last first.
    package var newestFirst: [Key] { uses.reversed().filter { stamps[$0.key] == $0.stamp }.map(\.key) }

    /// Puts `key` last, wherever it was.
    package mutating func use(_ key: Key) {
        clock += 1
        stamps[key] = clock
        uses.append((key, clock))
        if uses.count > 2 * stamps.count + 64 { uses.removeAll { stamps[$0.key] != $0.stamp } }
    }

    /// Takes `key` out, wherever it is.
    package mutating func remove(_ key: Key) {
        stamps[key] = nil
    }

    /// Takes out the key whose last use is longest ago; nil if there is none.
    package mutating func removeOldest() -> Key? {
        while let (key, stamp) = uses.popFirst() {
            guard stamps[key] == stamp else { continue }
            stamps[key] = nil
            return key
        }
        return nil
    }
}
