import Datasets
import Images
import Models
import Typography

/// A temporary classifier that helps the encoder learn; raw values are the names of its parameters.
package enum VisionHead: String, CaseIterable {
    /// Whether a patch shows a thing.
    case patchInk = "head.patch.ink"
    /// The kind of the thing: a form or a digit.
    case patchKind = "head.patch.kind"
    /// The colour of the thing.
    case patchColour = "head.patch.colour"
    /// Whether the thing is one of the large ones.
    case patchSize = "head.patch.size"
    /// The number of things with its kind and colour.
    case patchTwins = "head.patch.twins"
    /// The number of things with its kind.
    case patchKindCount = "head.patch.kind_count"
    /// The number of things with its colour.
    case patchColourCount = "head.patch.colour_count"
    /// The kind of the thing in an image with one thing, from the mean of its patches.
    case imageKind = "head.picture.kind"
    /// The colour of that thing.
    case imageColour = "head.picture.colour"
    /// The number of things in an image.
    case imageCount = "head.picture.count"
    /// Which character has its centre in each column of a patch; a patch has two columns.
    case character = "head.patch.character"
    /// Which character covers the middle of each patch: a large character covers many.
    case cover = "head.patch.cover"

    /// Upper bound on the things that counting distinguishes.
    static let maximumCounted = 9

    /// The number of classes.
    var classes: Int {
        switch self {
        case .patchInk, .patchSize: 2
        case .patchKind, .imageKind: WordEmbeddings.Word.kinds.count
        case .patchColour, .imageColour: SceneColour.allCases.count
        case .patchTwins, .patchKindCount, .patchColourCount: Self.maximumCounted
        case .imageCount: Self.maximumCounted + 1
        case .character, .cover: CharacterClass.count
        }
    }

    /// The number of targets of a patch or image: each has its own row of logits.
    var targets: Int { self == .character ? CharacterClass.columnsPerPatch : 1 }

    /// The heads that classify what scenes show.
    static let ofScenes = allCases.filter { !$0.isOfText }

    /// Whether the head classifies what pages of text show; class 0 is no character.
    var isOfText: Bool { self == .character || self == .cover }

    /// Whether the head counts things, which is harder than seeing them; its loss has a weight of its own.
    var isOfCounts: Bool { [.patchTwins, .patchKindCount, .patchColourCount, .imageCount].contains(self) }

    /// Whether the head classifies whole images.
    var isOfImage: Bool { [.imageKind, .imageColour, .imageCount].contains(self) }
}

/// The targets of the heads and the connector for a set of images.
package struct VisionTargets {
    /// The target of a visual token: a weighted sum of words; weight 0 for no target.
    struct Words {
        var parts: [(word: WordEmbeddings.Word, share: Float)]
        var weight: Float
    }

    /// For each head the class of each patch or image; -1 for none. Heads with several targets a patch have them side
    /// by side.
    package private(set) var classes: [VisionHead: [Int32]] = [:]
    /// The words of each token.
    private(set) var words: [Words] = []

    private let settings: VisionPretrainingSettings

    package init(_ examples: [VisionExample], settings: VisionPretrainingSettings) {
        self.settings = settings
        for example in examples {
            switch example.content {
            case .scene(let scene): append(scene, isWhole: example.window == nil)
            case .text(let characters): append(characters, side: example.image.width)
            }
        }
    }

    private mutating func append(_ scene: LabelledScene, isWhole: Bool) {
        let contents = scene.contents(side: settings.patchSize)
        for content in contents { append(patch: content, of: scene) }
        append(.imageKind, Self.number(scene.single?.kind))
        append(.imageColour, Self.number(scene.single?.colour))
        append(.imageCount, Self.class(ofCount: scene.labels.count, from: 0))
        words += Self.words(of: scene, side: tokenSide, settings.backgroundWeight, isWhole: isWhole)
        guard settings.readsText else { return }
        append(.character, characters: scene.characters, side: scene.image.width)
        classes[.cover, default: []] += Array(repeating: -1, count: contents.count)
    }

    private mutating func append(_ characters: [PlacedCharacter], side: Int) {
        let patches = (side / settings.patchSize) * (side / settings.patchSize)
        for head in VisionHead.ofScenes {
            classes[head, default: []] += Array(repeating: -1, count: head.isOfImage ? 1 : patches)
        }
        append(.character, characters: characters.map { ($0.scalar, $0.centreX, $0.lineY) }, side: side)
        appendCover(of: characters, side: side)
        words += Self.words(of: characters, imageSide: side, side: tokenSide, settings.backgroundWeight)
    }

    /// The side of a visual token in pixels.
    private var tokenSide: Int { settings.patchSize * settings.scale }

    /// Each character is the target of the column and row that contain its middle across and its line's middle down,
    /// so that a full stop is in the same row as its word. If two share a column, neither can be asked for.
    private mutating func append(
        _ head: VisionHead, characters: [(scalar: Unicode.Scalar, x: Float, y: Float)], side: Int
    ) {
        let (patch, columns) = (settings.patchSize, CharacterClass.columnsPerPatch)
        let across = side / patch
        var found = Array(repeating: Int32(0), count: across * across * columns)
        for (scalar, x, y) in characters {
            guard x >= 0, y >= 0, x < Float(across * patch), y < Float(across * patch) else { continue }
            let column = Int(x) * columns / patch
            let index = (Int(y) / patch * across) * columns + column
            found[index] = found[index] == 0 ? CharacterClass.number(of: scalar) ?? -1 : -1
        }
        classes[head, default: []] += found
    }

    /// A patch whose middle is on a character, or next to its ink, has this character; none can be asked for where two
    /// are.
    private mutating func appendCover(of characters: [PlacedCharacter], side: Int) {
        let patch = settings.patchSize
        let across = side / patch
        var found = Array(repeating: Int32(0), count: across * across)
        for character in characters where character.scalar != " " {
            let box = character.box
            for index in found.indices {
                let (x, y) = (Float(index % across * patch + patch / 2), Float(index / across * patch + patch / 2))
                guard x >= box.left - 1, x <= box.right + 1, y >= box.top - 2, y <= box.bottom + 2 else { continue }
                found[index] = found[index] == 0 ? CharacterClass.number(of: character.scalar) ?? -1 : -1
            }
        }
        classes[.cover, default: []] += found
    }

    /// The number of a head's targets.
    func count(_ head: VisionHead) -> Int {
        classes[head, default: []].count { $0 >= 0 }
    }

    /// The sum of their weights.
    func weight(_ head: VisionHead, noneWeight: Float) -> Float {
        guard head.isOfText else { return Float(count(head)) }
        let none = classes[head, default: []].count { $0 == 0 }
        return Float(count(head) - none) + Float(none) * noneWeight
    }

    private mutating func append(patch content: LabelledScene.Content, of scene: LabelledScene) {
        append(.patchInk, content == .unclear ? -1 : content == .background ? 0 : 1)
        var label: LabelledScene.Label?
        if case .label(let index) = content { label = scene.labels[index] }
        append(.patchKind, Self.number(label?.kind))
        append(.patchColour, Self.number(label?.colour))
        append(.patchSize, label?.isLarge.map { $0 ? 1 : 0 } ?? -1)
        let counts = label.flatMap(scene.counts(like:))
        append(.patchTwins, Self.class(ofCount: counts?.twins, from: 1))
        append(.patchKindCount, Self.class(ofCount: counts?.kind, from: 1))
        append(.patchColourCount, Self.class(ofCount: counts?.colour, from: 1))
    }

    private mutating func append(_ head: VisionHead, _ target: Int32) {
        classes[head, default: []].append(target)
    }

    private static func number(_ kind: SceneObject.Kind?) -> Int32 {
        Int32(WordEmbeddings.Word.kinds.firstIndex { $0 == kind } ?? -1)
    }

    private static func number(_ colour: SceneColour?) -> Int32 {
        Int32(SceneColour.allCases.firstIndex { $0 == colour } ?? -1)
    }

    private static func `class`(ofCount count: Int?, from least: Int) -> Int32 {
        guard let count, count <= VisionHead.maximumCounted else { return -1 }
        return Int32(count - least)
    }

    // MARK: Words

    /// The target of the token at a thing's centre has everything about the thing; other tokens on the thing have its
    /// kind with half the weight. The background's target has the number of things.
    ///
    /// A window does not show what else is in its tile: it has no targets for positions and numbers.
    private static func words(
        of scene: LabelledScene, side: Int, _ background: Float, isWhole: Bool
    ) -> [Words] {
        let centres = scene.centres(side: side)
        return scene.contents(side: side).enumerated().map { token, content in
            if let index = centres.firstIndex(of: token) {
                return words(of: scene.labels[index], in: scene, atCentre: true, isWhole: isWhole)
            }
            switch content {
            case .background:
                let total = isWhole ? counted(WordEmbeddings.Word.total, scene.labels.count) : []
                return Words(parts: [(.background, 1)] + total, weight: background)
            case .label(let index):
                return words(of: scene.labels[index], in: scene, atCentre: false, isWhole: isWhole)
            case .unclear: return Words(parts: [], weight: 0)
            }
        }
    }

    private static func words(
        of label: LabelledScene.Label, in scene: LabelledScene, atCentre: Bool, isWhole: Bool
    ) -> Words {
        guard let kind = label.kind, let colour = label.colour else { return Words(parts: [], weight: 0) }
        guard atCentre else { return Words(parts: [(.kind(kind), 0.5), (.colour(colour), 0.5)], weight: 1) }
        var parts: [(WordEmbeddings.Word, Float)] = [(.kind(kind), 1), (.colour(colour), 1)]
        if let isLarge = label.isLarge { parts.append((isLarge ? .large : .small, 1)) }
        guard isWhole else { return Words(parts: parts, weight: 1) }
        parts += place(of: label, in: scene)
        // A digit as content and a digit as a count would be confused.
        if case .shape = kind, let counts = scene.counts(like: label) {
            parts += counted(WordEmbeddings.Word.twins, counts.twins)
            parts += counted(WordEmbeddings.Word.kindCount, counts.kind)
            parts += counted(WordEmbeddings.Word.colourCount, counts.colour)
        }
        return Words(parts: parts, weight: 1)
    }

    /// The target of a token is the sum of the characters whose middles it contains: the decoder can spell it.
    private static func words(
        of characters: [PlacedCharacter], imageSide: Int, side: Int, _ background: Float
    ) -> [Words] {
        let across = imageSide / side
        var tokens = Array(repeating: Words(parts: [], weight: background), count: across * across)
        for character in characters where CharacterClass.number(of: character.scalar) != nil {
            let (x, y) = (character.centreX, character.lineY)
            guard x >= 0, y >= 0, x < Float(across * side), y < Float(across * side) else { continue }
            let token = Int(y) / side * across + Int(x) / side
            tokens[token].parts.append((.character(character.scalar), 1))
            tokens[token].weight = 1
        }
        for token in tokens.indices where tokens[token].parts.isEmpty { tokens[token].parts = [(.background, 1)] }
        return tokens
    }

    /// The position of a thing's centre: as large as its kind's embedding, and larger further out, so that positions
    /// can be compared.
    private static func place(
        of label: LabelledScene.Label, in scene: LabelledScene
    ) -> [(word: WordEmbeddings.Word, share: Float)] {
        // From -1 at the left and top to 1 at the right and bottom.
        let x = Float(2 * label.box.x + label.box.width) / Float(scene.image.width) - 1
        let y = Float(2 * label.box.y + label.box.height) / Float(scene.image.height) - 1
        func loudness(_ offset: Float) -> Float { min(1, 8 * abs(offset)) * (0.75 + abs(offset)) }
        let middle = max(0, 1 - 4 * max(abs(x), abs(y)))
        return [
            (x < 0 ? .left : .right, loudness(x)), (y < 0 ? .top : .bottom, loudness(y)), (.middle, middle),
        ]
    }

    private static func counted(
        _ word: (Int) -> WordEmbeddings.Word, _ count: Int
    ) -> [(word: WordEmbeddings.Word, share: Float)] {
        guard count <= VisionHead.maximumCounted else { return [] }
        return [(word(count), 1)]
    }
}
