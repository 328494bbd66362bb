/// The pairs of tokens that merge, with their rank and the merged token.
struct MergeTable: Sendable {
    private var merges: [UInt64: (rank: UInt32, merged: Int32)] = [:]

    init(minimumCapacity: Int) {
        merges.reserveCapacity(minimumCapacity)
    }

    /// Adds a merge with the next higher rank. Returns false, and changes nothing, if the pair has a merge already.
    mutating func append(_ left: Int32, _ right: Int32, into merged: Int32) -> Bool {
        let key = Self.key(left, right)
        guard merges[key] == nil else { return false }
        merges[key] = (UInt32(merges.count), merged)
        return true
    }

    /// The merge of `left` with its right neighbour `right`, if there is one. Lower ranks merge first.
    func merge(_ left: Int32, _ right: Int32) -> (rank: UInt32, merged: Int32)? {
        merges[Self.key(left, right)]
    }

    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }
}
