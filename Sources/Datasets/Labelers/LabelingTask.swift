import Images

/// The information that a simulated labeler has about a prompt: the question, the right answer, and the image's
/// objects.
public struct LabelingTask: Sendable {
    /// An object in the image, with the properties that labelers use.
    public struct Thing: Sendable, Equatable {
        /// The kind of object.
        public let kind: SceneObject.Kind
        /// Its colour.
        public let colour: SceneColour
        /// Whether it is large or small; nil if neither applies.
        public let isLarge: Bool?
        /// The position of its centre, from 0 to 1 to the right and down; nil if unknown.
        public let centre: Centre?

        /// A position in an image.
        public struct Centre: Sendable, Equatable {
            let x: Double
            let y: Double

            /// From 0 to 1 to the right and down.
            public init(x: Double, y: Double) {
                self.x = x
                self.y = y
            }
        }

        /// An object.
        public init(kind: SceneObject.Kind, colour: SceneColour, isLarge: Bool? = nil, centre: Centre? = nil) {
            self.kind = kind
            self.colour = colour
            self.isLarge = isLarge
            self.centre = centre
        }

        /// The object of an image of the given size.
        init(_ object: SceneObject, width: Int, height: Int) {
            let box = object.box
            self.init(
                kind: object.kind, colour: object.colour, isLarge: object.isLarge,
                centre: Centre(
                    x: (Double(box.x) + Double(box.width) / 2) / Double(width),
                    y: (Double(box.y) + Double(box.height) / 2) / Double(height)))
        }
    }

    /// The image; part of the seed of a labeler's noise.
    public let image: PreferenceImage
    /// The question's text.
    public let question: String
    /// The requested form.
    public let form: FamilyQuestion.Form
    /// The condition for a right answer.
    public let truth: GroundTruth
    /// All objects in the image; nil if unknown.
    public let things: [Thing]?

    /// The task for a question about a generated image.
    public init(_ question: FamilyQuestion, about scene: Scene, at image: PreferenceImage) {
        let (width, height) = (scene.image.width, scene.image.height)
        self.init(question, things: scene.objects.map { Thing($0, width: width, height: height) }, at: image)
    }

    /// The task for a question about an image of which only the objects are known.
    package init(_ question: FamilyQuestion, things: [Thing], at image: PreferenceImage) {
        self.image = image
        self.question = question.text
        self.form = question.form
        self.truth = question.truth
        self.things = things
    }

    /// The task for a question about a document; `things` are its coloured shapes, which count where the document is
    /// about shapes.
    package init(_ question: DocumentQuestion, things: [Thing], at image: PreferenceImage) {
        self.image = image
        self.question = question.text
        form = question.form
        truth = question.truth
        self.things = [.shapes, .orders].contains(question.family) ? things : nil
    }

    /// The task for a question of easy-VQA's training split; `facts` are the facts that all its questions reveal about
    /// the image.
    public init(_ question: EasyVQAQuestion, facts: ImageFacts) {
        image = .easyVQA(number: question.image)
        self.question = question.text
        form = .short
        let word = question.answer.rawValue
        switch question.answer {
        case .yes: truth = .yesNo(true)
        case .no: truth = .yesNo(false)
        case .circle, .rectangle, .triangle:
            truth = .words(right: [word], wrong: Shape.allCases.map(\.rawValue).filter { $0 != word })
        case .green, .red, .gray, .teal, .black, .yellow, .brown, .blue:
            truth = .words(right: [word], wrong: Colour.allCases.map(\.rawValue).filter { $0 != word })
        }
        let shape = facts.shape.flatMap { SceneShape(rawValue: $0.rawValue) }
        let colour = facts.colour.flatMap { SceneColour(rawValue: $0.rawValue) }
        things = shape.flatMap { shape in colour.map { [Thing(kind: .shape(shape), colour: $0)] } }
    }
}
