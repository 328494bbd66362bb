/// The bytes in classes: a grammar never tells bytes of one class apart.
struct ByteClasses: Sendable {
    private var classes = [UInt8](repeating: 0, count: 256)
    /// The number of classes.
    private(set) var count = 1

    /// The classes of a grammar with these nodes.
    init(_ nodes: [GrammarNode]) {
        var sets: Set<ByteSet> = []
        for case .bytes(let set, _) in nodes { sets.insert(set) }
        for set in sets where count < 256 { split(by: set) }
    }

    /// The class of a byte.
    subscript(_ byte: UInt8) -> UInt8 { classes[Int(byte)] }

    private mutating func split(by set: ByteSet) {
        // For each class the new ones of its bytes outside and inside the set; -1: none yet.
        var halves = [Int](repeating: -1, count: 512)
        count = 0
        for byte in 0..<256 {
            let half = Int(classes[byte]) << 1 | (set.contains(UInt8(byte)) ? 1 : 0)
            if halves[half] < 0 {
                halves[half] = count
                count += 1
            }
            classes[byte] = UInt8(halves[half])
        }
    }
}
