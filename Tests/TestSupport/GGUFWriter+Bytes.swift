public import Checkpoints

extension GGUFWriter {
    /// The whole file in memory.
    public func bytes() throws -> [UInt8] {
        var bytes: [UInt8] = []
        try emit { bytes += $0 }
        return bytes
    }

    /// Replaces the entry `key`, or removes it.
    public mutating func set(_ key: String, to value: Value?) {
        metadata.removeAll { $0.key == key }
        if let value { add(key, value) }
    }
}
