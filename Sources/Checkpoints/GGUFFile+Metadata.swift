// Typed access to the metadata. A missing key or a value of another type is an error that names the key.
extension GGUFFile {
    /// The text under `key`.
    public func string(_ key: String) throws(GGUFError) -> String {
        try value(key, "a string") { if case .string(let value) = $0 { value } else { nil } }
    }

    /// The boolean under `key`.
    public func bool(_ key: String) throws(GGUFError) -> Bool {
        try value(key, "a boolean") { if case .bool(let value) = $0 { value } else { nil } }
    }

    /// The integer under `key`, of any width.
    public func integer(_ key: String) throws(GGUFError) -> Int {
        try value(key, "an integer that fits 64 bits") {
            switch $0 {
            case .unsigned(let value): Int(exactly: value)
            case .signed(let value): Int(value)
            case .float, .bool, .string, .array: nil
            }
        }
    }

    /// The float under `key`, of either width.
    public func number(_ key: String) throws(GGUFError) -> Double {
        try value(key, "a float") { if case .float(let value) = $0 { value } else { nil } }
    }

    /// The array of text under `key`.
    public func strings(_ key: String) throws(GGUFError) -> [String] {
        try value(key, "an array of strings") { if case .array(.strings(let values)) = $0 { values } else { nil } }
    }

    /// The array of integers under `key`, of any width.
    public func integers(_ key: String) throws(GGUFError) -> [Int] {
        try value(key, "an array of integers that fit 64 bits") {
            switch $0 {
            case .array(.unsigned(let values)): values.contains { $0 > UInt64(Int.max) } ? nil : values.map { Int($0) }
            case .array(.signed(let values)): values.map { Int($0) }
            case .unsigned, .signed, .float, .bool, .string, .array: nil
            }
        }
    }

    /// The array of floats under `key`, of either width.
    public func numbers(_ key: String) throws(GGUFError) -> [Double] {
        try value(key, "an array of floats") { if case .array(.floats(let values)) = $0 { values } else { nil } }
    }

    private func value<T>(
        _ key: String, _ expected: String, _ extract: (GGUFValue) -> T?
    ) throws(GGUFError) -> T {
        guard let value = metadata[key] else { throw .missingKey(path: path, key: key, expected: expected) }
        guard let result = extract(value) else {
            throw .wrongType(path: path, key: key, expected: expected, found: value.kind)
        }
        return result
    }
}
