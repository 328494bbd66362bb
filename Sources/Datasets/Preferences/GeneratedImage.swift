public import Images

/// What an image generator draws.
public enum ImageKind: Sendable, Hashable {
    /// An image of 64x64 pixels.
    case family(Family)
    /// A document at its natural size.
    case document(DocumentFamily)

    /// The name in reports.
    public var name: String {
        switch self {
        case .family(let family): family.rawValue
        case .document(let family): "document \(family.rawValue)"
        }
    }
}

/// A generated image with its questions, whatever drew it.
public struct GeneratedImage: Sendable {
    /// The reference by which it can be drawn again.
    public let reference: PreferenceImage
    /// Its pixels.
    public let image: RGBImage
    /// The labelers' tasks, one for each question; some rare images have none.
    public let tasks: [LabelingTask]
    /// The demonstrated answer to each question.
    public let answers: [String]

    /// An image of a family.
    public init(_ drawn: FamilyImage, family: Family, seed: UInt64) {
        let reference = PreferenceImage.generated(family: family, seed: seed)
        self.reference = reference
        image = drawn.scene.image
        tasks = drawn.questions.map { LabelingTask($0, about: drawn.scene, at: reference) }
        answers = drawn.questions.map(\.answer)
    }

    /// A document.
    package init(_ drawn: Document, family: DocumentFamily, seed: UInt64) {
        let reference = PreferenceImage.document(family: family, seed: seed)
        self.reference = reference
        image = drawn.image
        let things = drawn.sceneObjects.map { LabelingTask.Thing($0, width: ShapeScene.side, height: ShapeScene.side) }
        tasks = drawn.questions.map { LabelingTask($0, things: things, at: reference) }
        answers = drawn.questions.map(\.answer)
    }
}

/// Draws images of both kinds from their seeds.
public struct ImageGenerator: Sendable {
    private let family: @Sendable (Family, UInt64) -> FamilyImage
    private let document: (@Sendable (DocumentFamily, UInt64) throws -> Document)?

    /// A generator of the families' images alone; `family` draws them.
    public init(family: @escaping @Sendable (Family, UInt64) -> FamilyImage = { $0.image(seed: $1) }) {
        self.family = family
        document = nil
    }

    /// A generator of the families' images and of documents, which `document` draws.
    package init(document: @escaping @Sendable (DocumentFamily, UInt64) throws -> Document) {
        family = { $0.image(seed: $1) }
        self.document = document
    }

    /// The image that `seed` decides.
    ///
    /// - Throws: `ReferencedImageError.noMaterials` for a document if the generator draws none, or the error of
    ///   drawing.
    public func draw(_ kind: ImageKind, seed: UInt64) throws -> GeneratedImage {
        switch kind {
        case .family(let family): return GeneratedImage(self.family(family, seed), family: family, seed: seed)
        case .document(let family):
            guard let document else {
                throw ReferencedImageError.noMaterials(document: "\(kind.name)/\(seed)")
            }
            return GeneratedImage(try document(family, seed), family: family, seed: seed)
        }
    }
}
