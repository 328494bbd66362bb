public import Images

/// A generated image, everything known about it, and questions with their right answers.
public struct FamilyImage: Sendable {
    /// What is drawn.
    public let scene: Scene
    /// At least one.
    public let questions: [FamilyQuestion]

    /// An image with questions.
    public init(scene: Scene, questions: [FamilyQuestion]) {
        self.scene = scene
        self.questions = questions
    }
}

/// A drawn image and what it shows.
public struct Scene: Sendable {
    /// The image, 64x64.
    public let image: RGBImage
    /// The things in it, in the order of their numbers in `mask`.
    public let objects: [SceneObject]
    /// For each pixel, row by row: 0 where the background is, n + 1 where `objects[n]` is.
    public let mask: [UInt8]

    /// A scene.
    public init(image: RGBImage, objects: [SceneObject], mask: [UInt8]) {
        precondition(mask.count == image.width * image.height && objects.count < 256)
        self.image = image
        self.objects = objects
        self.mask = mask
    }
}

/// One thing in a scene, as words can tell it.
public struct SceneObject: Codable, Sendable, Equatable {
    /// What it is: a form, or a written character.
    public enum Kind: Codable, Sendable, Hashable {
        /// A filled form.
        case shape(SceneShape)
        /// A digit or letter.
        case glyph(String)
    }

    /// What it is.
    public let kind: Kind
    /// Its colour.
    public let colour: SceneColour
    /// Whether it is one of the large things, where a scene has two sizes; nil where it has not.
    public let isLarge: Bool?
    /// The smallest box around its pixels.
    public let box: ShapeScene.Box

    /// An object.
    public init(kind: Kind, colour: SceneColour, isLarge: Bool?, box: ShapeScene.Box) {
        self.kind = kind
        self.colour = colour
        self.isLarge = isLarge
        self.box = box
    }
}
