package import Datasets
package import Images

/// An image with the thing that each of its pixels shows, from which the vision encoder's targets are made.
package struct LabelledScene: Sendable {
    /// The known facts about one thing; an official image's questions may leave some facts unknown.
    package struct Label: Sendable, Equatable {
        package let kind: SceneObject.Kind?
        package let colour: SceneColour?
        /// Whether it is one of the large ones; nil if the scene has only one size.
        package let isLarge: Bool?
        /// The smallest box around its pixels.
        package let box: ShapeScene.Box
    }

    /// The content of a square of pixels.
    package enum Content: Equatable {
        case background
        case label(Int)
        /// Too few pixels of a thing to recognise it: no target.
        case unclear
    }

    package let image: RGBImage
    package let labels: [Label]
    /// For each pixel 0 for the background, n + 1 for `labels[n]`.
    private let mask: [UInt8]

    /// The smallest number of a thing's pixels with which a square shows it.
    private static let minimumPixels = 4

    /// A scene of a family.
    package init(_ scene: Scene) {
        image = scene.image
        labels = scene.objects.map { Label(kind: $0.kind, colour: $0.colour, isLarge: $0.isLarge, box: $0.box) }
        mask = scene.mask
    }

    /// A scene in easy-VQA's style.
    package init(_ scene: ShapeScene) {
        image = scene.image
        labels = scene.objects.map {
            Label(kind: Self.kind($0.shape), colour: SceneColour($0.colour), isLarge: nil, box: $0.box)
        }
        mask = scene.mask
    }

    /// An official image, which shows one shape on an even background: the colour of most pixels. A pixel belongs to
    /// the shape if its difference from the background is at least 0.3 of the inside's difference: this includes
    /// half-covered edge pixels, but not their neighbours.
    package init(_ image: RGBImage, facts: ImageFacts) {
        self.image = image
        let pixels = stride(from: 0, to: image.pixels.count, by: 3).map { index in
            SIMD3<Int>(Int(image.pixels[index]), Int(image.pixels[index + 1]), Int(image.pixels[index + 2]))
        }
        let counts = Dictionary(pixels.map { ($0, 1) }, uniquingKeysWith: +)
        // The largest count alone would leave ties to the dictionary's order.
        let background = pixels.max { (counts[$0] ?? 0) < (counts[$1] ?? 0) } ?? .zero
        let distances = pixels.map { pixel in
            let difference = pixel &- background
            return (difference &* difference).wrappedSum()
        }
        let inside = distances.max() ?? 0
        mask = distances.map { $0 > 0 && 11 * $0 >= inside ? 1 : 0 }
        labels = [
            Label(
                kind: facts.shape.map(Self.kind), colour: facts.colour.map { SceneColour($0) }, isLarge: nil,
                box: ShapeScene.Box(around: 1, in: mask, width: image.width))
        ]
    }

    private static func kind(_ shape: Shape) -> SceneObject.Kind { .shape(SceneShape(shape)) }

    /// The digits of the scene and their centres, in pixels.
    var characters: [(scalar: Unicode.Scalar, x: Float, y: Float)] {
        labels.compactMap { label in
            guard case .glyph(let text) = label.kind, let scalar = text.unicodeScalars.first else { return nil }
            let (x, y) = (Float(2 * label.box.x + label.box.width) / 2, Float(2 * label.box.y + label.box.height) / 2)
            return (scalar, x, y)
        }
    }

    /// The scene at a multiple of its size.
    package func enlarged(by factor: Int) -> LabelledScene {
        guard factor > 1 else { return self }
        let (width, height) = (image.width * factor, image.height * factor)
        let larger = DecodedImage(image).resized(width: width, height: height, filter: .lanczos)
        let mask = (0..<width * height).map { index in
            self.mask[index / width / factor * image.width + index % width / factor]
        }
        let labels = labels.map { label in
            let box = ShapeScene.Box(
                x: label.box.x * factor, y: label.box.y * factor, width: label.box.width * factor,
                height: label.box.height * factor)
            return Label(kind: label.kind, colour: label.colour, isLarge: label.isLarge, box: box)
        }
        return LabelledScene(image: larger.rgb, labels: labels, mask: mask)
    }

    private init(image: RGBImage, labels: [Label], mask: [UInt8]) {
        self.image = image
        self.labels = labels
        self.mask = mask
    }

    /// The label of the image, if it shows one thing.
    package var single: Label? { labels.count == 1 ? labels.first : nil }

    /// The numbers of labels, including itself, with a label's kind and colour, with its kind, and with its colour; nil
    /// if its kind or colour is not known.
    func counts(like label: Label) -> (twins: Int, kind: Int, colour: Int)? {
        if label.kind == nil || label.colour == nil { return nil }
        let ofKind = labels.filter { $0.kind == label.kind }
        return (
            ofKind.count { $0.colour == label.colour }, ofKind.count, labels.count { $0.colour == label.colour }
        )
    }

    /// The indices, row by row, of the squares of `side` pixels that contain the centre of each label's box.
    package func centres(side: Int) -> [Int] {
        labels.map { label in
            let (x, y) = (label.box.x + label.box.width / 2, label.box.y + label.box.height / 2)
            return y / side * (image.width / side) + x / side
        }
    }

    /// The contents of the squares of `side` pixels, row by row.
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
            let largest = shares.max() ?? 0
            if largest == 0 { return .background }
            guard largest >= Self.minimumPixels, let index = shares.firstIndex(of: largest) else { return .unclear }
            return .label(index - shares.startIndex)
        }
    }
}
