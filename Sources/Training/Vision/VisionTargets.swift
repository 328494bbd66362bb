import Datasets

/// A classifier that helps the encoder learn and is thrown away; raw values are its parameters' names.
enum VisionHead: String, CaseIterable {
    /// Whether a patch shows a shape.
    case patchInk = "head.patch.ink"
    /// Which one.
    case patchShape = "head.patch.shape"
    /// In which colour.
    case patchColour = "head.patch.colour"
    /// The shape of a picture that has one, from the mean of its patches.
    case pictureShape = "head.picture.shape"
    /// Its colour.
    case pictureColour = "head.picture.colour"

    /// Number of classes.
    var classes: Int {
        switch self {
        case .patchInk: 2
        case .patchShape, .pictureShape: Shape.allCases.count
        case .patchColour, .pictureColour: Colour.allCases.count
        }
    }

    /// Whether it looks at whole pictures.
    var isOfPicture: Bool { self == .pictureShape || self == .pictureColour }
}

/// What the heads and the connector should say about some pictures.
struct VisionTargets {
    /// What a visual token should be: the sum of the embeddings in two rows of the word table; weight 0 for no target.
    struct Words {
        var first: Int32
        var second: Int32
        var weight: Float
    }

    /// For each head the class of each patch or picture, -1 for none.
    private(set) var classes: [VisionHead: [Int32]] = [:]
    /// For each token.
    private(set) var words: [Words] = []

    /// `nothing` is a row of zeros in the word table.
    init(_ pictures: [LabelledPicture], settings: VisionPretrainingSettings, nothing: Int) {
        for picture in pictures {
            for content in picture.contents(side: settings.patchSize) { append(patch: content, of: picture) }
            append(.pictureShape, Self.number(picture.single?.shape))
            append(.pictureColour, Self.number(picture.single?.colour))
            for content in picture.contents(side: settings.patchSize * settings.scale) {
                words.append(
                    Self.words(content, of: picture, background: settings.backgroundWeight, nothing: nothing))
            }
        }
    }

    /// How many targets a head has.
    func count(_ head: VisionHead) -> Int {
        classes[head, default: []].count { $0 >= 0 }
    }

    private mutating func append(patch content: LabelledPicture.Content, of picture: LabelledPicture) {
        var label: LabelledPicture.Label?
        if case .label(let index) = content { label = picture.labels[index] }
        append(.patchInk, content == .unclear ? -1 : content == .background ? 0 : 1)
        append(.patchShape, Self.number(label?.shape))
        append(.patchColour, Self.number(label?.colour))
    }

    private mutating func append(_ head: VisionHead, _ target: Int32) {
        classes[head, default: []].append(target)
    }

    private static func number<Word: CaseIterable & Equatable>(_ word: Word?) -> Int32 {
        Int32(Word.allCases.enumerated().first { $0.element == word }?.offset ?? -1)
    }

    private static func words(
        _ content: LabelledPicture.Content, of picture: LabelledPicture, background: Float, nothing: Int
    ) -> Words {
        switch content {
        case .background:
            return Words(first: Int32(WordEmbeddings.backgroundRow), second: Int32(nothing), weight: background)
        case .label(let index):
            if let shape = picture.labels[index].shape, let colour = picture.labels[index].colour {
                let (first, second) = (WordEmbeddings.row(of: shape), WordEmbeddings.row(of: colour))
                return Words(first: Int32(first), second: Int32(second), weight: 1)
            }
        case .unclear: break
        }
        return Words(first: Int32(nothing), second: Int32(nothing), weight: 0)
    }
}
