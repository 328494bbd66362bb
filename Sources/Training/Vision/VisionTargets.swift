import Datasets
import Images

/// A classifier that helps the encoder learn and is thrown away; raw values are its parameters' names.
enum VisionHead: String, CaseIterable {
    /// Whether a patch shows a thing.
    case patchInk = "head.patch.ink"
    /// Which one: a form or a digit.
    case patchKind = "head.patch.kind"
    /// In which colour.
    case patchColour = "head.patch.colour"
    /// Whether it is one of the large ones.
    case patchSize = "head.patch.size"
    /// How many things are of its kind and colour.
    case patchTwins = "head.patch.twins"
    /// How many are of its kind.
    case patchKindCount = "head.patch.kind_count"
    /// How many are of its colour.
    case patchColourCount = "head.patch.colour_count"
    /// The kind of the thing in an image that has one, from the mean of its patches.
    case imageKind = "head.picture.kind"
    /// Its colour.
    case imageColour = "head.picture.colour"
    /// How many things an image shows.
    case imageCount = "head.picture.count"

    /// The most things that are told apart in counting.
    static let maximumCounted = 9

    /// Number of classes.
    var classes: Int {
        switch self {
        case .patchInk, .patchSize: 2
        case .patchKind, .imageKind: WordEmbeddings.Word.kinds.count
        case .patchColour, .imageColour: SceneColour.allCases.count
        case .patchTwins, .patchKindCount, .patchColourCount: Self.maximumCounted
        case .imageCount: Self.maximumCounted + 1
        }
    }

    /// Whether it counts things, which is harder than to see them, and takes its share of the loss only then.
    var isOfCounts: Bool { [.patchTwins, .patchKindCount, .patchColourCount, .imageCount].contains(self) }

    /// Whether it looks at whole images.
    var isOfImage: Bool { [.imageKind, .imageColour, .imageCount].contains(self) }
}

/// What the heads and the connector should say about some images.
struct VisionTargets {
    /// What a visual token should be: a weighted sum of words; weight 0 for no target.
    struct Words {
        var parts: [(word: WordEmbeddings.Word, share: Float)]
        var weight: Float
    }

    /// For each head the class of each patch or image, -1 for none.
    private(set) var classes: [VisionHead: [Int32]] = [:]
    /// For each token.
    private(set) var words: [Words] = []

    init(_ scenes: [LabelledScene], settings: VisionPretrainingSettings) {
        for scene in scenes {
            for content in scene.contents(side: settings.patchSize) { append(patch: content, of: scene) }
            append(.imageKind, Self.number(scene.single?.kind))
            append(.imageColour, Self.number(scene.single?.colour))
            append(.imageCount, Self.class(ofCount: scene.labels.count, from: 0))
            words += Self.words(of: scene, side: settings.patchSize * settings.scale, settings.backgroundWeight)
        }
    }

    /// How many targets a head has.
    func count(_ head: VisionHead) -> Int {
        classes[head, default: []].count { $0 >= 0 }
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

    /// A token that holds a thing's middle says all about it; other tokens on it say half as loudly what it is. The
    /// background says how many things there are.
    private static func words(of scene: LabelledScene, side: Int, _ background: Float) -> [Words] {
        let centres = scene.centres(side: side)
        return scene.contents(side: side).enumerated().map { token, content in
            if let index = centres.firstIndex(of: token) {
                return words(of: scene.labels[index], in: scene, atCentre: true)
            }
            switch content {
            case .background:
                let total = counted(WordEmbeddings.Word.total, scene.labels.count)
                return Words(parts: [(.background, 1)] + total, weight: background)
            case .label(let index): return words(of: scene.labels[index], in: scene, atCentre: false)
            case .unclear: return Words(parts: [], weight: 0)
            }
        }
    }

    private static func words(
        of label: LabelledScene.Label, in scene: LabelledScene, atCentre: Bool
    ) -> Words {
        guard let kind = label.kind, let colour = label.colour else { return Words(parts: [], weight: 0) }
        guard atCentre else { return Words(parts: [(.kind(kind), 0.5), (.colour(colour), 0.5)], weight: 1) }
        var parts: [(WordEmbeddings.Word, Float)] = [(.kind(kind), 1), (.colour(colour), 1)]
        if let isLarge = label.isLarge { parts.append((isLarge ? .large : .small, 1)) }
        parts += place(of: label, in: scene)
        // A digit that is seen and a digit that counts would be mistaken for each other.
        if case .shape = kind, let counts = scene.counts(like: label) {
            parts += counted(WordEmbeddings.Word.twins, counts.twins)
            parts += counted(WordEmbeddings.Word.kindCount, counts.kind)
            parts += counted(WordEmbeddings.Word.colourCount, counts.colour)
        }
        return Words(parts: parts, weight: 1)
    }

    /// Where a thing's middle is: as loudly as what it is, and louder further out, so that places can be compared.
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
