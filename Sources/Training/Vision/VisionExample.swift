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
