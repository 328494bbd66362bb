/// The shapes of easy-VQA; raw values are its words.
public enum Shape: String, Sendable, CaseIterable {
    /// As wide as high.
    case circle
    /// With sides along the image's.
    case rectangle
    /// Equilateral, on its base.
    case triangle
}

/// The colours of easy-VQA; raw values are its words.
public enum Colour: String, Sendable, CaseIterable {
    /// #000000
    case black
    /// #808080
    case gray
    /// #FF0000
    case red
    /// #00FF00
    case green
    /// #0000FF
    case blue
    /// #FFFF00
    case yellow
    /// #008080
    case teal
    /// #A52A2A
    case brown

    /// Red, green and blue, as measured in the official images.
    public var rgb: [UInt8] {
        switch self {
        case .black: [0, 0, 0]
        case .gray: [128, 128, 128]
        case .red: [255, 0, 0]
        case .green: [0, 255, 0]
        case .blue: [0, 0, 255]
        case .yellow: [255, 255, 0]
        case .teal: [0, 128, 128]
        case .brown: [165, 42, 42]
        }
    }
}
