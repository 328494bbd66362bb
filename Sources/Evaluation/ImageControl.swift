import Datasets
import Images
import Support

/// The image that replaces a question's own one, to measure how much of the accuracy comes from seeing.
public enum ImageControl: String, Codable, Sendable, CaseIterable {
    /// No control: the question's own image.
    case none
    /// A plain light image.
    case blank
    /// Another question's image.
    case swapped

    /// The control's name in tables.
    package var words: String { self == .none ? "its own" : rawValue }
}

/// The images of the controls.
enum ControlImages {
    /// A square PNG in one light gray.
    static func blank(side: Int) -> [UInt8] { blank(width: side, height: side) }

    /// A PNG in one light gray.
    static func blank(width: Int, height: Int) -> [UInt8] {
        ImageFile.encode(RGBImage(width: width, height: height, red: 243, green: 243, blue: 243))
    }

    /// Maps each key to the next one on a random circle, so that no key maps to itself if there are at least two.
    static func circle<Key: Hashable>(of keys: [Key], seed: UInt64) -> [Key: Key] {
        var generator = SplitMix64(seed: seed)
        let circle = generator.shuffled(keys)
        return Dictionary(uniqueKeysWithValues: zip(circle, circle.dropFirst() + circle.prefix(1)))
    }
}
