import Datasets
package import Images
package import Models
import Support
package import Typography

/// An image that trains or tests the vision encoder, and what it shows.
package struct VisionExample: Sendable {
    /// What the image shows.
    package enum Content: Sendable {
        /// Things with kinds and colours.
        case scene(LabelledScene)
        /// Characters at their places in the image.
        case text([PlacedCharacter])
    }

    /// The image: a tile, or a window of one.
    package let image: RGBImage
    /// The window's place in its tile; nil for a whole tile.
    package let window: VisionWindow?
    /// What it shows.
    package let content: Content

    /// A scene.
    package init(_ scene: LabelledScene, window: VisionWindow? = nil) {
        self.image = scene.image
        self.window = window
        self.content = .scene(scene)
    }

    /// A page of text, or a piece of one.
    package init(_ image: RGBImage, characters: [PlacedCharacter], window: VisionWindow? = nil) {
        self.image = image
        self.window = window
        self.content = .text(characters)
    }

    /// The scene; nil for text.
    package var scene: LabelledScene? { if case .scene(let scene) = content { scene } else { nil } }

    /// The characters; nil for a scene.
    package var characters: [PlacedCharacter]? { if case .text(let characters) = content { characters } else { nil } }
}

/// The printable characters of ASCII as classes: 0 is none, then U+0020 to U+007E.
package enum CharacterClass {
    /// The number of classes.
    static let count = 96

    /// The class of a character; nil for one outside of ASCII.
    package static func number(of scalar: Unicode.Scalar) -> Int32? {
        (0x20...0x7E).contains(scalar.value) ? Int32(scalar.value) - 0x1F : nil
    }

    /// All characters in the order of their classes, from class 1 on.
    static let scalars = (0x20...0x7E).compactMap { Unicode.Scalar($0) }
}

extension RGBImage {
    /// The square of `side` pixels at (`x`, `y`), which must lie inside.
    func square(x: Int, y: Int, side: Int) -> RGBImage {
        var pixels: [UInt8] = []
        pixels.reserveCapacity(3 * side * side)
        for row in y..<y + side {
            let start = 3 * (row * width + x)
            pixels += self.pixels[start..<start + 3 * side]
        }
        return RGBImage(width: side, height: side, pixels: pixels)
    }
}
