/// A value of a GGUF file's metadata. Integers and floats of all widths are kept at 64 bits.
public enum GGUFValue: Sendable, Equatable {
    /// uint8, uint16, uint32 or uint64.
    case unsigned(UInt64)
    /// int8, int16, int32 or int64.
    case signed(Int64)
    /// float32 or float64.
    case float(Double)
    /// bool.
    case bool(Bool)
    /// string.
    case string(String)
    /// array.
    case array(GGUFArray)

    /// The kind of value, for messages.
    public var kind: String {
        switch self {
        case .unsigned, .signed: "an integer"
        case .float: "a float"
        case .bool: "a boolean"
        case .string: "a string"
        case .array(let array): "an array of \(array.kind)"
        }
    }
}

/// An array in a GGUF file's metadata. Its elements are of one type; arrays may hold arrays.
public enum GGUFArray: Sendable, Equatable {
    /// uint8, uint16, uint32 or uint64.
    case unsigned([UInt64])
    /// int8, int16, int32 or int64.
    case signed([Int64])
    /// float32 or float64.
    case floats([Double])
    /// bool.
    case bools([Bool])
    /// string.
    case strings([String])
    /// array.
    case arrays([GGUFArray])

    var kind: String {
        switch self {
        case .unsigned, .signed: "integers"
        case .floats: "floats"
        case .bools: "booleans"
        case .strings: "strings"
        case .arrays: "arrays"
        }
    }
}
