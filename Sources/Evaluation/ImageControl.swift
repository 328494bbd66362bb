import Datasets
import Images

/// What is shown instead of a question's own image, to see how much of the accuracy comes from seeing.
public enum ImageControl: String, Codable, Sendable, CaseIterable {
    /// Nothing: the question's own image.
    case none
    /// A plain light image.
    case blank
    /// Another question's image.
    case swapped

    /// As a table names it.
    package var words: String { self == .none ? "its own" : rawValue }
}

/// The images of the controls.
enum ControlImages {
    /// A PNG of one light gray.
    static func blank(side: Int) -> [UInt8] {
        ImageFile.encode(RGBImage(width: side, height: side, red: 243, green: 243, blue: 243))
    }

    /// For each key the next one of a random circle, so that none stays in its place if there are two.
    static func circle<Key: Hashable>(of keys: [Key], seed: UInt64) -> [Key: Key] {
        var generator = SeededGenerator(seed: seed)
        let circle = generator.shuffled(keys)
        return Dictionary(uniqueKeysWithValues: zip(circle, circle.dropFirst() + circle.prefix(1)))
    }
}
