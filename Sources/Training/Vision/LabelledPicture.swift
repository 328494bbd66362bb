package import Datasets
package import Images

/// A picture of shapes and which of them each pixel shows: what the vision encoder's targets are made of.
package struct LabelledPicture: Sendable {
    /// What is known about one shape; an official picture's questions may leave something open.
    package struct Label: Sendable, Equatable {
        package let shape: Shape?
        package let colour: Colour?
    }

    /// What a square of pixels shows.
    package enum Content: Equatable {
        case background
        case label(Int)
        /// A sliver of a shape, too little to tell it by: no target.
        case unclear
    }

    package let image: RGBImage
    package let labels: [Label]
    /// For each pixel 0 for the background, n + 1 for `labels[n]`.
    private let mask: [UInt8]

    /// Pixels of a shape that make a square show it.
    private static let leastPixels = 4

    /// A generated scene.
    package init(_ scene: ShapeScene) {
        image = scene.image
        labels = scene.objects.map { Label(shape: $0.shape, colour: $0.colour) }
        mask = scene.mask
    }

    /// An official picture, which shows one shape on an even background: the colour most pixels have. What differs from
    /// it by at least 0.3 of what the inside does belongs to the shape: half-covered edges do, their neighbours do not.
    package init(_ image: RGBImage, facts: PictureFacts) {
        self.image = image
        labels = [Label(shape: facts.shape, colour: facts.colour)]
        let pixels = stride(from: 0, to: image.pixels.count, by: 3).map { index in
            SIMD3<Int>(Int(image.pixels[index]), Int(image.pixels[index + 1]), Int(image.pixels[index + 2]))
        }
        let counts = Dictionary(pixels.map { ($0, 1) }, uniquingKeysWith: +)
        // The greatest count alone would leave a tie to the dictionary's order.
        let background = pixels.max { (counts[$0] ?? 0) < (counts[$1] ?? 0) } ?? .zero
        let distances = pixels.map { pixel in
            let difference = pixel &- background
            return (difference &* difference).wrappedSum()
        }
        let inside = distances.max() ?? 0
        mask = distances.map { $0 > 0 && 11 * $0 >= inside ? 1 : 0 }
    }

    /// The label of the whole, if it shows one shape.
    package var single: Label? { labels.count == 1 ? labels.first : nil }

    /// What the squares of `side` pixels show, row by row.
    package func contents(side: Int) -> [Content] {
        let (columns, rows) = (image.width / side, image.height / side)
        var counts = Array(repeating: 0, count: rows * columns * labels.count)
        for y in 0..<rows * side {
            for x in 0..<columns * side {
                let owner = Int(mask[y * image.width + x])
                if owner > 0 { counts[(y / side * columns + x / side) * labels.count + owner - 1] += 1 }
            }
        }
        return (0..<rows * columns).map { square in
            let shares = counts[square * labels.count..<(square + 1) * labels.count]
            let most = shares.max() ?? 0
            if most == 0 { return .background }
            guard most >= Self.leastPixels, let index = shares.firstIndex(of: most) else { return .unclear }
            return .label(index - shares.startIndex)
        }
    }
}
