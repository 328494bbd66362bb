/// Which pairs of tokens merge, how urgently, and into what.
struct MergeTable: Sendable {
    private var merges: [UInt64: (rank: UInt32, merged: Int32)] = [:]

    init(minimumCapacity: Int) {
        merges.reserveCapacity(minimumCapacity)
    }

    /// Adds a merge of the next lower urgency; false, and nothing changes, if the pair has one already.
    mutating func append(_ left: Int32, _ right: Int32, into merged: Int32) -> Bool {
        let key = Self.key(left, right)
        guard merges[key] == nil else { return false }
        merges[key] = (UInt32(merges.count), merged)
        return true
    }

    /// The merge of `left` with its right neighbour `right`, if there is one. Lower ranks go first.
    func merge(_ left: Int32, _ right: Int32) -> (rank: UInt32, merged: Int32)? {
        merges[Self.key(left, right)]
    }

    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }
}
