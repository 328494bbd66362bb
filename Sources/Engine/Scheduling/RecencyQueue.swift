import DequeModule

/// Keys in the order of their last use.
package struct RecencyQueue<Key: Hashable> {
    private var stamps: [Key: UInt64] = [:]
    /// Every use, oldest first. Uses followed by a later use or a removal of the same key are skipped.
    private var uses: Deque<(key: Key, stamp: UInt64)> = []
    private var clock: UInt64 = 0

    /// No keys.
    package init() {}

    /// The number of keys.
    package var count: Int { stamps.count }

    /// Whether the queue contains `key`.
    package func contains(_ key: Key) -> Bool { stamps[key] != nil }

    /// The keys, the most recently used first.
    package var newestFirst: [Key] { uses.reversed().filter { stamps[$0.key] == $0.stamp }.map(\.key) }

    /// Moves or adds `key` to the end.
    package mutating func use(_ key: Key) {
        clock += 1
        stamps[key] = clock
        uses.append((key, clock))
        if uses.count > 2 * stamps.count + 64 { uses.removeAll { stamps[$0.key] != $0.stamp } }
    }

    /// Removes `key`, if the queue contains it.
    package mutating func remove(_ key: Key) {
        stamps[key] = nil
    }

    /// Removes and returns the least recently used key; nil if there is none.
    package mutating func removeOldest() -> Key? {
        while let (key, stamp) = uses.popFirst() {
            guard stamps[key] == stamp else { continue }
            stamps[key] = nil
            return key
        }
        return nil
    }
}
