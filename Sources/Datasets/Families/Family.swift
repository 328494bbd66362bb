public import Images

/// A kind of generated image with its questions. Raw values are the names in files and reports.
///
/// To add a family, add a case here and a file next to the others.
public enum Family: String, Codable, Sendable, CaseIterable {
    /// The number of objects, or of objects of a kind: 0 to 9.
    case counts
    /// The position of an object, alone or relative to another one.
    case positions
    /// An object's colour, shape or size.
    case attributes
    /// Which object is larger, which kind has more objects, whether two objects are alike.
    case comparisons
    /// One printed digit.
    case digits
    /// A printed number of two or three digits.
    case numbers
    /// Questions about objects that the image does not show, or that no image answers.
    case absence
    /// What the image shows, in sentences.
    case descriptions
    /// Descriptions of four to six objects.
    case crowds
    /// Whether a caption of four to six objects is true.
    case captions

    /// The image of `seed`, with up to eight questions in random order; an image with any object has at least four. The
    /// seed's split determines what the image may show.
    public func image(seed: UInt64) -> FamilyImage {
        switch self {
        case .counts: CountsFamily.image(seed: seed)
        case .positions: PositionsFamily.image(seed: seed)
        case .attributes: AttributesFamily.image(seed: seed)
        case .comparisons: ComparisonsFamily.image(seed: seed)
        case .digits: DigitsFamily.image(seed: seed)
        case .numbers: NumbersFamily.image(seed: seed)
        case .absence: AbsenceFamily.image(seed: seed)
        case .descriptions: DescriptionsFamily.image(seed: seed)
        case .crowds: CrowdsFamily.image(seed: seed)
        case .captions: CaptionsFamily.image(seed: seed)
        }
    }

    /// The wordings of the family's kinds of question.
    package var wordings: [Wording] {
        switch self {
        case .counts: CountsFamily.wordings
        case .positions: PositionsFamily.wordings
        case .attributes: AttributesFamily.wordings
        case .comparisons: ComparisonsFamily.wordings
        case .digits: DigitsFamily.wordings
        case .numbers: NumbersFamily.wordings
        case .absence: AbsenceFamily.wordings
        case .descriptions: DescriptionsFamily.wordings
        case .crowds: CrowdsFamily.wordings
        case .captions: CaptionsFamily.wordings
        }
    }
}

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

/// A question about an image, the demonstrated answer, and the condition for a right answer.
public struct FamilyQuestion: Codable, Sendable, Equatable {
    /// The form in which the question asks to be answered.
    public enum Form: String, Codable, Sendable, CaseIterable {
        /// A word, a number, a word pair.
        case short
        /// One full sentence.
        case sentence
        /// One to three sentences that describe the image, or one sentence per object.
        case description
    }

    /// The family that the question comes from.
    public let family: Family
    /// The text as a person would type it.
    public let text: String
    /// The demonstrated answer: right, and in the requested form.
    public let answer: String
    /// The requested form.
    public let form: Form
    /// The condition for a right answer.
    public let truth: GroundTruth

    /// A question.
    public init(family: Family, text: String, answer: String, form: Form, truth: GroundTruth) {
        self.family = family
        self.text = text
        self.answer = answer
        self.form = form
        self.truth = truth
    }
}

/// The condition for a right answer.
public enum GroundTruth: Codable, Sendable, Equatable {
    /// Yes or no.
    case yesNo(Bool)
    /// A count, as a digit or a number word.
    case count(Int)
    /// The characters written in the image.
    case text(String)
    /// Any one of the right words or word pairs, and none of the wrong ones, which the question offers or could mean.
    case words(right: [String], wrong: [String])
    /// The question presupposes an object that the image does not show. The right answer says so, and names no property
    /// of that object.
    case absent(thing: String)
    /// No image could answer the question: the right answer says that it cannot be seen.
    case unknowable
    /// A description of the scene's objects; the scene has the list.
    case description
    /// Text of the image, read off exactly: letters in their case, marks, and lines in their order. All white space is
    /// alike.
    case transcript(String)
    /// A number, as digits or in words, with or without a unit; it may differ by `within` from the true one.
    case number(Double, within: Double)
    /// A time of a clock with hands: "3:25", "25 past 3". Morning and afternoon are not told apart.
    case time(hour: Int, minute: Int)
    /// All of the right phrases and none of the wrong ones; in this order, if it counts.
    case list(of: [String], noneOf: [String], isOrdered: Bool)
    /// The image cannot be read. The right answer says that it cannot tell, or that there is no such thing, and claims
    /// nothing else.
    case unreadable
}
