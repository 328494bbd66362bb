public import Images

/// A generated image, its scene data, and questions with their right answers.
public struct FamilyImage: Sendable {
    /// The drawn scene.
    public let scene: Scene
    /// The questions, at least one.
    public let questions: [FamilyQuestion]

    /// An image with questions.
    public init(scene: Scene, questions: [FamilyQuestion]) {
        self.scene = scene
        self.questions = questions
    }
}

/// A drawn image and the objects in it.
public struct Scene: Sendable {
    /// The image, 64x64.
    public let image: RGBImage
    /// The objects in the image, in the order of their numbers in `mask`.
    public let objects: [SceneObject]
    /// For each pixel, row by row: 0 for the background, n + 1 for `objects[n]`.
    public let mask: [UInt8]

    /// A scene.
    public init(image: RGBImage, objects: [SceneObject], mask: [UInt8]) {
        precondition(mask.count == image.width * image.height && objects.count < 256)
        self.image = image
        self.objects = objects
        self.mask = mask
    }
}

/// One object in a scene, in terms that words can express.
public struct SceneObject: Codable, Sendable, Equatable {
    /// The kind of object: a shape, or a written character.
    public enum Kind: Codable, Sendable, Hashable {
        /// A filled shape.
        case shape(SceneShape)
        /// A digit or letter.
        case glyph(String)
    }

    /// The kind of object.
    public let kind: Kind
    /// Its colour.
    public let colour: SceneColour
    /// Whether it is one of the large objects in a scene with two sizes; nil in other scenes.
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
