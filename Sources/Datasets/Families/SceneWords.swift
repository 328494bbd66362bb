/// The shapes in generated scenes; raw values are their words. The first three are also easy-VQA's.
public enum SceneShape: String, Codable, Sendable, CaseIterable {
    /// As wide as high.
    case circle
    /// With sides parallel to the image's.
    case rectangle
    /// With a horizontal base.
    case triangle
    /// With five points.
    case star
    /// Two bars of equal length.
    case cross
    /// With a hole.
    case ring

    /// The shape for which easy-VQA uses the same word.
    public init(_ shape: Shape) {
        switch shape {
        case .circle: self = .circle
        case .rectangle: self = .rectangle
        case .triangle: self = .triangle
        }
    }
}

/// The colours in generated scenes; raw values are their words. The first eight are also easy-VQA's.
public enum SceneColour: String, Codable, Sendable, CaseIterable {
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
    /// #FF8C00
    case orange
    /// #8A2BE2
    case purple
    /// #FF69B4
    case pink

    /// The colour for which easy-VQA uses the same word.
    public init(_ colour: Colour) {
        switch colour {
        case .black: self = .black
        case .gray: self = .gray
        case .red: self = .red
        case .green: self = .green
        case .blue: self = .blue
        case .yellow: self = .yellow
        case .teal: self = .teal
        case .brown: self = .brown
        }
    }

    /// Red, green and blue.
    public var rgb: [UInt8] {
        switch self {
        case .black: Colour.black.rgb
        case .gray: Colour.gray.rgb
        case .red: Colour.red.rgb
        case .green: Colour.green.rgb
        case .blue: Colour.blue.rgb
        case .yellow: Colour.yellow.rgb
        case .teal: Colour.teal.rgb
        case .brown: Colour.brown.rgb
        case .orange: [255, 140, 0]
        case .purple: [138, 43, 226]
        case .pink: [255, 105, 180]
        }
    }

    /// Another colour that people call by the same word; the colours between the two have this name as well.
    package var otherShade: [UInt8] {
        switch self {
        case .black: [40, 40, 40]
        case .gray: [160, 160, 160]
        case .red: [196, 36, 38]
        case .green: [24, 140, 40]
        case .blue: [50, 90, 210]
        case .yellow: [240, 205, 40]
        case .teal: [20, 155, 150]
        case .brown: [112, 66, 28]
        case .orange: [255, 165, 40]
        case .purple: [120, 30, 150]
        case .pink: [255, 170, 200]
        }
    }
}
