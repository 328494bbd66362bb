import Datasets
import Images

/// A temporary classifier that helps the encoder learn; raw values are the names of its parameters.
enum VisionHead: String, CaseIterable {
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
        }
    }

    /// Whether the head counts things, which is harder than seeing them; its loss has a weight of its own.
    var isOfCounts: Bool { [.patchTwins, .patchKindCount, .patchColourCount, .imageCount].contains(self) }

    /// Whether the head classifies whole images.
    var isOfImage: Bool { [.imageKind, .imageColour, .imageCount].contains(self) }
}

/// The targets of the heads and the connector for a set of images.
struct VisionTargets {
    /// The target of a visual token: a weighted sum of words; weight 0 for no target.
    struct Words {
        var parts: [(word: WordEmbeddings.Word, share: Float)]
        var weight: Float
    }

    /// For each head the class of each patch or image; -1 for none.
    private(set) var classes: [VisionHead: [Int32]] = [:]
    /// The words of each token.
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

    /// The number of a head's targets.
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

    /// The target of the token at a thing's centre has everything about the thing; other tokens on the thing have its
    /// kind with half the weight. The background's target has the number of things.
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
        // A digit as content and a digit as a count would be confused.
        if case .shape = kind, let counts = scene.counts(like: label) {
            parts += counted(WordEmbeddings.Word.twins, counts.twins)
            parts += counted(WordEmbeddings.Word.kindCount, counts.kind)
            parts += counted(WordEmbeddings.Word.colourCount, counts.colour)
        }
        return Words(parts: parts, weight: 1)
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
