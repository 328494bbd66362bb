package import Datasets
import Images
import Models
import Support
import Synchronization
package import Tensors
import Typography

/// The images that train and test the vision encoder: pages of text, official training images and generated scenes.
///
/// A step's images are a function of seed and step alone, so that a resumed run needs no cursor.
package struct VisionImages: Sendable {
    /// Draws the page of a seed, whose split decides its fonts and words.
    package typealias Pages = @Sendable (_ seed: UInt64) throws -> TextPage

    private let settings: VisionPretrainingSettings
    private let official: [LabelledScene]
    private let pages: Pages?
    /// Official training images that no step uses.
    let heldOutOfficial: [VisionExample]
    /// Scenes of the validation split.
    let heldOutScenes: [VisionExample]
    /// Images of each family's validation split.
    let heldOutFamilies: [(family: Family, images: [VisionExample])]
    /// Tiles of pages with held-out words: in fonts that training uses, and in fonts that it never sees.
    let heldOutPages: [(name: String, images: [VisionExample])]

    init(_ dataset: EasyVQA, pages: Pages?, settings: VisionPretrainingSettings) throws {
        var training: [LabelledScene] = []
        var heldOut: [LabelledScene] = []
        for (number, facts) in try dataset.trainingFacts().sorted(by: { $0.key < $1.key }) {
            let image = LabelledScene(try dataset.trainingImage(number), facts: facts)
            if (number + 1) % settings.heldOutInterval == 0 {
                heldOut.append(image)
            } else {
                training.append(image)
            }
        }
        try self.init(training: training, heldOut: heldOut, pages: pages, settings: settings)
    }

    package init(
        training: [LabelledScene], heldOut: [LabelledScene], pages: Pages? = nil, settings: VisionPretrainingSettings
    ) throws {
        precondition(!training.isEmpty, "no official pictures to train on")
        precondition((pages != nil) == settings.readsText, "pages are for runs that read text")
        precondition(
            settings.windowSize == EasyVQA.side || settings.windowSize == settings.tileSize, "scenes are windows too")
        self.settings = settings
        self.pages = pages
        official = training
        let factor = settings.tileSize / EasyVQA.side
        func tile(_ scene: LabelledScene) -> VisionExample { VisionExample(scene.enlarged(by: factor)) }
        heldOutOfficial = heldOut.map(tile)
        heldOutScenes = (0..<settings.heldOutScenes).map {
            tile(LabelledScene(ShapeScene(seed: SeedSplit.validation.seed(at: UInt64($0)))))
        }
        let perFamily = (settings.heldOutScenes + Family.allCases.count - 1) / Family.allCases.count
        heldOutFamilies = Family.allCases.map { family in
            let seeds = (0..<perFamily).map { SeedSplit.validation.seed(at: UInt64($0)) }
            return (family, seeds.map { tile(LabelledScene(family.image(seed: $0).scene)) })
        }
        heldOutPages =
            try pages.map { pages in
                try [("seen_fonts", SeedSplit.validation), ("new_fonts", SeedSplit.test)].map { name, split in
                    let seeds = (0..<settings.heldOutPages).map { split.seed(at: UInt64($0)) }
                    return (
                        name,
                        try seeds.map {
                            Self.piece(of: try pages($0), side: settings.tileSize, seed: $0, tile: nil)
                        }
                    )
                }
            } ?? []
    }

    /// The images of `step`: scenes first, then pieces of pages.
    package func batch(of step: Int, on compute: Compute) throws -> [VisionExample] {
        let isWhole = settings.isWhole(at: step)
        let ratio = settings.tileSize / settings.windowSize
        let perStep = isWhole ? max(1, settings.imagesPerStep / (ratio * ratio)) : settings.imagesPerStep
        // One of six, and one of the few tiles too: a run whose last steps show no scenes forgets their colours.
        let sceneCount = settings.readsText ? (settings.showsScenes(at: step) ? max(1, perStep / 6) : 0) : perStep
        let textCount = perStep - sceneCount
        let scenes = scenes(from: step * sceneCount, count: sceneCount, isWhole: isWhole, on: compute)
        guard let pages, textCount > 0 else { return scenes }
        // A page gives several windows, or one tile.
        let perPage = isWhole ? 1 : Self.windowsPerPage
        let skipped = step * perStep % perPage
        let first = step * perStep / perPage
        let end = first + (skipped + textCount + perPage - 1) / perPage
        let drawn = compute.map(Array(first..<end)) { number in
            Result { try pages(pageSeed(number, isWhole: isWhole)) }
        }
        let pieces = try zip(first..<end, drawn).map { number, page in
            let page = try page.get()
            return (0..<perPage).map { piece in
                let seed = pageSeed(number * perPage + piece, isWhole: isWhole)
                return Self.piece(
                    of: page, side: isWhole ? settings.tileSize : settings.windowSize, seed: seed,
                    tile: isWhole ? nil : settings)
            }
        }
        return scenes + pieces.joined().dropFirst(skipped).prefix(textCount)
    }

    // MARK: Pages

    private static let windowsPerPage = 4

    /// A square of a page: the one of five random places with the most characters. With `tile`, it is a window at a
    /// random place of a tile.
    private static func piece(
        of page: TextPage, side: Int, seed: UInt64,
        tile settings: VisionPretrainingSettings?
    ) -> VisionExample {
        var generator = SplitMix64(seed: seed, stream: 1)
        var best: (x: Int, y: Int, count: Int)?
        for _ in 0..<5 {
            let x = Int(generator.next() % UInt64(page.image.width - side + 1))
            let y = Int(generator.next() % UInt64(page.image.height - side + 1))
            let count = page.characters.count { $0.isCentred(x: x, y: y, inside: side) }
            if count > best?.count ?? -1 { best = (x, y, count) }
        }
        let (x, y, _) = best ?? (0, 0, 0)
        let characters = page.characters.compactMap { $0.moved(left: x, up: y, inside: side) }
        let window = settings.map { settings in
            // Tokens of windows and of tiles have the same patches.
            let free = (settings.tileSize - side) / (settings.patchSize * settings.scale) + 1
            func place() -> Int { Int(generator.next() % UInt64(free)) * settings.scale }
            return VisionWindow(row: place(), column: place())
        }
        return VisionExample(page.image.square(x: x, y: y, side: side), characters: characters, window: window)
    }

    private func pageSeed(_ number: Int, isWhole: Bool) -> UInt64 {
        trainingSeed(UInt64(number) | 1 << 49 | (isWhole ? 1 << 50 : 0))
    }

    // MARK: Scenes

    /// Scenes in a repeating order: an official image, three of families, a scene of one to three shapes, and three
    /// more of families. Where training is on windows, a scene is one.
    private func scenes(from first: Int, count: Int, isWhole: Bool, on compute: Compute) -> [VisionExample] {
        var orders: [Int: [Int]] = [:]
        var originals: [Int: LabelledScene] = [:]
        for position in first..<first + count where position % 8 == 0 {
            let (epoch, index) = (position / 8).quotientAndRemainder(dividingBy: official.count)
            let order = orders[epoch] ?? shuffled(epoch: epoch)
            orders[epoch] = order
            originals[position] = official[order[index]]
        }
        let isTile = isWhole || settings.windowSize == settings.tileSize
        return compute.map(Array(first..<first + count)) { position in
            let scene = originals[position] ?? generated(position)
            guard !isTile else { return VisionExample(scene.enlarged(by: settings.tileSize / EasyVQA.side)) }
            var generator = SplitMix64(seed: settings.seed, stream: UInt64(position) | 1 << 51)
            let free = (settings.tileSize - settings.windowSize) / (settings.patchSize * settings.scale) + 1
            func place() -> Int { Int(generator.next() % UInt64(free)) * settings.scale }
            return VisionExample(scene, window: VisionWindow(row: place(), column: place()))
        }
    }

    private func generated(_ position: Int) -> LabelledScene {
        if position % 8 == 4 { return LabelledScene(ShapeScene(seed: sceneSeed(position))) }
        let number = position / 8 * 6 + position % 8 - (position % 8 < 4 ? 1 : 2)
        let family = settings.families[number % settings.families.count]
        return LabelledScene(family.image(seed: sceneSeed(position)).scene)
    }

    private func shuffled(epoch: Int) -> [Int] {
        var generator = SplitMix64(seed: settings.seed, stream: UInt64(epoch))
        return official.indices.shuffled(using: &generator)
    }

    private func sceneSeed(_ position: Int) -> UInt64 { trainingSeed(UInt64(position) | 1 << 48) }

    /// Runs with other seeds begin elsewhere in the training split.
    private func trainingSeed(_ stream: UInt64) -> UInt64 {
        var generator = SplitMix64(seed: settings.seed, stream: stream)
        return SeedSplit.training.seed(at: generator.next() % 1_000_000_000)
    }
}

extension PlacedCharacter {
    /// Whether the middle of the character lies in the square of the image that begins at (`x`, `y`).
    fileprivate func isCentred(x: Int, y: Int, inside side: Int) -> Bool {
        (Float(x)..<Float(x + side)).contains(centreX) && (Float(y)..<Float(y + side)).contains(lineY)
    }

    /// The character in a square of the image that begins at (`left`, `up`); nil if none of it is inside.
    fileprivate func moved(left: Int, up: Int, inside side: Int) -> PlacedCharacter? {
        let isInside = isCentred(x: left, y: up, inside: side)
        let (left, up, side) = (Float(left), Float(up), Float(side))
        let box = InkBox(left: box.left - left, top: box.top - up, right: box.right - left, bottom: box.bottom - up)
        guard isInside || (box.right > 0 && box.left < side && box.bottom > 0 && box.top < side) else { return nil }
        return PlacedCharacter(scalar: scalar, box: box, lineY: lineY - up)
    }
}
